"""llama-swap: models that are swapped in, each with the command that serves it.

`${name}` are macros, `${PORT}` is chosen when a model is started; lines of a command are one line.
Source: mostlygeek/llama-swap config.example.yaml.
"""

from __future__ import annotations

import re
from dataclasses import replace

from capcheck.source.native import command_line
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.command.programs import calls_in_script
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.deployment import NativeDeployment, Unknown, deployment
from capcheck.source.native.text import Text, joined
from capcheck.source.native.tree import Document, Files, at, entries, items, key_place
from capcheck.source.nodes import Mapping, Node, Scalar

NAME = "llama-swap"

_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")
_CONTINUED = re.compile(r"\\?\n")
_MACRO = re.compile(r"\$\{([\w.-]+)\}")
_MOST_MACROS = 100
_LONGEST = 4096


def recognises(document: Document) -> bool:
    """By the keys: `models.<name>.cmd`."""
    if document.kind or not isinstance(document.tree, Mapping):
        return False
    models = at(document.tree, "models")
    return any(isinstance(at(model, "cmd"), Scalar) for _, model in entries(models))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each model."""
    models = at(document.tree, "models")
    shared = _macros(at(document.tree, "macros"), files, {})
    found = []
    # A hostile file hands the same long macro to every model.
    spent, most = 0, min(4 * len(document.text), 200_000)
    for name, model in entries(models):
        line = files.text(at(model, "cmd"))
        if line is None:
            continue
        macros = _macros(at(model, "macros"), files, shared)
        whole = _expanded(line, macros) if spent < most else line
        spent += len(whole.value)
        script = _one_line(whole)
        environment = _environment(model, files)
        started = command_line.started(script, environment)
        if not started and any(
            call.role == "other" for call in calls_in_script(script, environment)
        ):
            continue
        one = started[0] if started else _unread(line)
        facts = dict(one.facts)
        with_quant_of_name(facts)
        found.append(
            deployment(
                address=f"models.{name}",
                kind=NAME,
                place=key_place(models, name) or model.place,
                facts=facts,
                settings=one.settings,
            )
        )
    return found


def _unread(line: Text) -> command_line.Started:
    """A command that is not known: a script, which says elsewhere what it starts."""
    program = next(iter(line.split()), line)
    reason = f"the command {program.value[:60]!r} is not known"
    return command_line.Started("", {"backend": Unknown(reason, program.place)}, {})


def _macros(node: Node | None, files: Files, known: Environment) -> dict[str, Text]:
    """Macros by name; one may use those before it."""
    found = dict(known)
    for name, value in list(entries(node))[:_MOST_MACROS]:
        text = files.text(value)
        if text is not None:
            found[name] = _expanded(text, found)
    return found


def _expanded(text: Text, macros: Environment) -> Text:
    """A text whose macros are replaced; what is none of them stays as it is."""
    parts: list[Text] = []
    start = length = 0
    for match in _MACRO.finditer(text.value):
        known = macros.get(match[1])
        if known is None or length > _LONGEST:
            continue
        parts += [text[start : match.start()], known.taken_from(match[1])]
        length += len(known.value)
        start = match.end()
    return joined((*parts, text[start:]))


def _environment(model: Node, files: Files) -> dict[str, Text]:
    found: dict[str, Text] = {}
    for item in items(at(model, "env")):
        text = files.text(item)
        parts = text.partition("=") if text is not None else None
        if parts is not None:
            found[parts[0].value] = parts[1]
    return found


def _one_line(text: Text) -> Text:
    """Comments dropped and line breaks as blanks, every character still at its place."""
    blank = _COMMENT.sub(lambda match: " " * len(match[0]), text.value)
    blank = _CONTINUED.sub(lambda match: " " * len(match[0]), blank)
    return replace(text, value=blank)
