"""systemd's unit files: sections of settings, drop-ins over them.

Sources: systemd.syntax(7): a line that ends in a backslash goes on in the next one, comments
between them are dropped; systemd.unit(5): drop-ins, an empty assignment resets a list, specifiers;
systemd.exec(5): `Environment=`, `EnvironmentFile=`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from capcheck.source.native import env_file
from capcheck.source.native.container import words_of
from capcheck.source.native.text import EMPTY, Text, joined
from capcheck.source.native.tree import Document, Files

Settings = dict[tuple[str, str], list[Text]]

_SECTION = re.compile(r"\s*\[([A-Za-z-]+)\]\s*$")
_SPECIFIER = re.compile(r"%([a-zA-Z%])")
_PREFIXES = "@-:+!|"
# Specifiers that stand for a folder: what is below it is known by its name.
_FOLDERS = frozenset("hSCLEtTV")


def is_unit(document: Document, suffixes: tuple[str, ...]) -> bool:
    """Whether a text is a unit of one of these types, or a drop-in of one."""
    if document.tree is not None:
        return False
    folder = posixpath.basename(posixpath.dirname(document.path))
    drop_in = document.path.endswith(".conf") and folder.endswith(
        tuple(f"{suffix}.d" for suffix in suffixes)
    )
    return document.path.endswith(suffixes) or drop_in


def unit_of_drop_in(document: Document, files: Files) -> Document | None:
    """The unit that a drop-in changes, when it is among the files."""
    folder = posixpath.dirname(document.path)
    if not document.path.endswith(".conf") or not folder.endswith(".d"):
        return None
    return next((unit for unit in files.documents if unit.path == folder[:-2]), None)


def settings(document: Document, files: Files) -> Settings:
    """The settings of a unit by section and key, those of its drop-ins on top."""
    found: Settings = {}
    folder = f"{document.path}.d/"
    above = sorted(
        (other for other in files.documents if other.path.startswith(folder)),
        key=lambda other: other.path,
    )
    for part in (document, *above):
        for section, key, value in _assignments(files.source(part)):
            if value.value:
                found.setdefault((section, key), []).append(value)
            else:
                found[section, key] = []
    return found


def environment(section: str, known: Settings, document: Document, files: Files) -> dict[str, Text]:
    """The variables of a section; a file of variables outranks the unit's own."""
    found: dict[str, Text] = {}
    for line in known.get((section, "Environment"), []):
        # Behind a program's name, so that no word is read as an assignment of the shell's.
        for word in words_of(joined((line.standing_at("env "), line)), {}):
            if (parts := word.partition("=")) is not None:
                found[parts[0].value] = parts[1]
    for line in known.get((section, "EnvironmentFile"), []):
        file = _beside(line.value.lstrip("-"), document, files)
        if file is not None:
            found.update(env_file.read(file, files))
    return found


def command(line: Text) -> Text:
    """An `Exec…=` line without its prefixes; specifiers are unresolved."""
    start = len(line.value) - len(line.value.lstrip(_PREFIXES))
    return expanded(line[start:])


def expanded(line: Text) -> Text:
    """A value whose specifiers are marked as unresolved, but for those of folders."""
    parts: list[Text] = []
    at = 0
    for match in _SPECIFIER.finditer(line.value):
        written = line[match.start() : match.end()]
        known = written[1:] if match[1] == "%" else written
        if match[1] not in _FOLDERS and match[1] != "%":
            known = written.missing(match[0])
        parts += [line[at : match.start()], known]
        at = match.end()
    return joined((*parts, line[at:])) if parts else line


def _beside(path: str, document: Document, files: Files) -> Document | None:
    """A file by its path on the host: the only one of that name in the unit's folder or below."""
    folder, name = posixpath.dirname(document.path), posixpath.basename(path)
    found = [
        other
        for other in files.documents
        if posixpath.basename(other.path) == name
        and (posixpath.dirname(other.path) == folder or f"/{other.path}".endswith(path))
    ]
    return found[0] if len(found) == 1 and name else None


def _assignments(source: Text) -> Iterator[tuple[str, str, Text]]:
    section = ""
    for line in _logical_lines(source):
        if match := _SECTION.match(line.value):
            section = match[1]
        elif (parts := line.partition("=")) is not None:
            yield section, parts[0].value.strip(), parts[1].stripped()


def _logical_lines(source: Text) -> Iterator[Text]:
    pending: list[Text] = []
    at = 0
    while at < len(source.value):
        end = source.value.find("\n", at)
        end = len(source.value) if end < 0 else end
        line = source[at:end]
        at = end + 1
        if line.value.lstrip().startswith(("#", ";")):
            continue
        goes_on = line.value.rstrip().endswith("\\")
        if goes_on:
            kept = line[: line.value.rstrip().rfind("\\")]
            pending += [kept, line.standing_at(" ") if line else EMPTY]
            continue
        yield joined((*pending, line))
        pending = []
    if pending:
        yield joined(pending)
