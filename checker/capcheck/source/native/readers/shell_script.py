"""Shell scripts that start an engine, by themselves or in a container (`docker run`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from capcheck.source.native import command_line
from capcheck.source.native.command.heredocs import Written
from capcheck.source.native.command.shell import written
from capcheck.source.native.command.variables import NO_ARGUMENTS
from capcheck.source.native.container import agree
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, deployment
from capcheck.source.native.readers import compose, systemd
from capcheck.source.native.text import Text, joined
from capcheck.source.native.text import at as text_at
from capcheck.source.native.tree import Document, Files

NAME = "shell script"

_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh")
# Scripts that write scripts.
_DEEPEST = 3
_YAML = (".yml", ".yaml")
# Files that are read of those that one script writes.
_MOST_FILES = 20
_FIRST_LINE = re.compile(r"#!.*\b(?:sh|bash|zsh|ksh|dash|ash)\b")


def recognises(document: Document) -> bool:
    """By its name or its first line."""
    if document.tree is not None:
        return False
    return document.path.endswith(_SUFFIXES) or bool(_FIRST_LINE.match(document.text))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """What the script starts when it is run without arguments, and what the files it writes do."""
    return _read(document, files, 0)


def _read(document: Document, files: Files, depth: int) -> list[NativeDeployment]:
    alone = {NO_ARGUMENTS: text_at("0", document.place)}
    source = files.source(document)
    found = command_line.read(source, alone, document, kind=NAME)
    parts = written(source, alone) if depth < _DEEPEST else ()
    inner = [
        one
        for variants in _documents(parts, document, files)
        for one in _agreed([_of_file(file, around, depth) for file, around in variants])
    ]
    waiting = [one for one in inner if _is_bare_ollama(one)]
    if waiting and (model := command_line.pulled(source, alone)) is not None:
        inner = [_with(one, {"model": model}) if one in waiting else one for one in inner]
    own = command_line.base_name(document)
    if len(inner) == 1 and not found:
        return [replace(inner[0], address=own, kind=NAME)]
    for one in inner:
        address = one.address if one.address.split("#")[0] == own else f"{own}#{one.address}"
        found.append(replace(one, address=address, kind=NAME))
    return found


def _documents(
    parts: Sequence[Written], document: Document, files: Files
) -> Iterator[list[tuple[Document, Files]]]:
    """The files that a script writes, each with the others beside it, once for each branch.

    What it hands to another shell goes by the script's own path.
    """
    pieces: dict[str, list[list[Text]]] = {}
    for part in parts:
        path = part.path or document.path
        if path not in pieces and len(pieces) >= _MOST_FILES:
            continue
        known = pieces.setdefault(path, [])
        content = part.content
        if part.adds and known:
            content = content.missing("what a branch adds") if part.in_branch else content
            known[-1].append(content)
        elif len(known) < _MOST_FILES:
            known.append([content])
    by_path = {path: [joined(one) for one in texts] for path, texts in pieces.items()}
    beside = {path: texts[0] for path, texts in by_path.items() if len(texts) == 1}
    for path, texts in by_path.items():
        yield [_document(path, beside | {path: text}, document, files) for text in texts]


def _document(
    path: str, inner: Mapping[str, Text], document: Document, files: Files
) -> tuple[Document, Files]:
    documents = {
        other: Document(
            other,
            text.value,
            files.tree_of(text, other) if other == path and path.endswith(_YAML) else None,
            text.place or document.place,
        )
        for other, text in inner.items()
    }
    around = replace(files, documents=tuple(documents.values()), inner=inner, index={})
    return documents[path], around


def _of_file(file: Document, files: Files, depth: int) -> list[NativeDeployment]:
    """What is started by a unit, a script or a Compose file that a script writes."""
    reader = next((one for one in (systemd, compose) if one.recognises(file)), None)
    if reader is not None:
        found = reader.read(file, files)
    else:
        found = _read(file, files, depth + 1) if recognises(file) else []
    return [one for one in found if one.expect != "none"]


def _agreed(variants: Sequence[Sequence[NativeDeployment]]) -> list[NativeDeployment]:
    """What branches of a script that write one file agree on."""
    by_address: dict[str, NativeDeployment] = {}
    for one in (one for variant in variants for one in variant):
        before = by_address.setdefault(one.address, one)
        if before is not one:
            facts = dict(before.facts)
            agree(facts, one.facts, reason="the script writes several such files")
            by_address[one.address] = _with(before, facts)
    return list(by_address.values())


def _is_bare_ollama(one: NativeDeployment) -> bool:
    backend = one.facts.get("backend")
    named = isinstance(backend, Stated) and backend.value == "ollama"
    return named and not isinstance(one.facts.get("model"), Stated)


def _with(one: NativeDeployment, facts: Mapping[str, Fact]) -> NativeDeployment:
    return deployment(
        address=one.address,
        kind=NAME,
        place=one.place,
        facts={**one.facts, **facts},
        role=one.role,
        settings=one.settings,
    )
