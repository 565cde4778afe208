"""The engine that a part of a Python program starts, by its literal arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from capcheck.source.native.command.facts import of_config, with_quant_of_name
from capcheck.source.native.command.programs import Call, calls, calls_in_script
from capcheck.source.native.container import of_calls
from capcheck.source.native.deployment import Fact, Stated
from capcheck.source.native.fields import flags
from capcheck.source.native.python_source import Source, name_of, place_of
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Files
from capcheck.source.nodes import Entry, Mapping, Scalar

# Classes that are made with an engine's flags as keyword arguments.
_CLASSES = {"AsyncEngineArgs": "vllm", "EngineArgs": "vllm", "LLM": "vllm", "Engine": "sglang"}
# The packages that these classes are called through, besides their bare names.
_PACKAGES = ("", "vllm", "sglang", "sgl")
_STARTERS = frozenset(("Popen", "run", "call", "check_call", "system"))
_MOST_COMMANDS = 20


def engine_in(
    source: Source, scope: ast.AST, files: Files
) -> tuple[dict[str, Fact], dict[str, Stated]] | None:
    """Facts and settings of the first engine that a part of the program starts."""
    served = (call for call in _commands(source, scope, files) if call.role == "serve")
    first = next(served, None)
    sheet = of_calls([first]) if first is not None else None
    if sheet is None:
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and (engine := _class(call)):
                arguments = _arguments(source, call)
                sheet = of_config(flags(files, arguments), engine)
                place = place_of(call, source.path)
                sheet.facts["backend"] = Stated(engine, place, name_of(call.func))
                break
    if sheet is None:
        return None
    with_quant_of_name(sheet.facts)
    return sheet.facts, sheet.settings


def _class(call: ast.Call) -> str:
    package, _, name = name_of(call.func).rpartition(".")
    return _CLASSES.get(name, "") if package in _PACKAGES else ""


def _arguments(source: Source, call: ast.Call) -> Mapping:
    """The keywords, and the model where it is the first argument."""
    keywords = source.arguments(call)
    entries = dict(keywords.entries)
    if call.args and "model" not in entries and not isinstance(call.args[0], ast.Starred):
        value = source.value(call.args[0])
        entries["model"] = Entry(Scalar("model", "model", value.place), value)
    return Mapping(entries, keywords.place)


def _commands(source: Source, scope: ast.AST, files: Files) -> Iterator[Call]:
    """Programs in lists of words, with what is added to a list, and in strings for a shell."""
    lists = [node for node in ast.walk(scope) if isinstance(node, ast.List)]
    for node in lists[: 10 * _MOST_COMMANDS]:
        words = _words(source, node, files)
        if any(call.role == "serve" for call in calls(words, {})):
            added = tuple(_added(source, scope, node, files))
            yield from calls((*words, *added), {})
    for call in ast.walk(scope):
        if isinstance(call, ast.Call) and name_of(call.func).rpartition(".")[2] in _STARTERS:
            script = files.text(source.value(call.args[0])) if call.args else None
            if script is not None:
                yield from calls_in_script(script, {})


def _words(source: Source, node: ast.List, files: Files) -> tuple[Text, ...]:
    values = (
        files.text(source.value(item)) for item in node.elts if not isinstance(item, ast.Starred)
    )
    return tuple(text for text in values if text is not None)


def _added(source: Source, scope: ast.AST, node: ast.List, files: Files) -> Iterator[Text]:
    """What `name += [...]`, `.extend([...])` and `.append(...)` add, unless a condition decides."""
    name = next(
        (
            statement.targets[0].id
            for statement in ast.walk(scope)
            if isinstance(statement, ast.Assign)
            and statement.value is node
            and isinstance(statement.targets[0], ast.Name)
        ),
        None,
    )
    if name is None:
        return
    decided = {
        id(inner)
        for outer in ast.walk(scope)
        if isinstance(outer, (ast.If, ast.For, ast.While, ast.Try))
        for statement in (*outer.body, *outer.orelse)
        for inner in ast.walk(statement)
    }
    for statement in ast.walk(scope):
        if id(statement) in decided:
            continue
        if isinstance(statement, ast.AugAssign) and isinstance(statement.value, ast.List):
            if isinstance(statement.target, ast.Name) and statement.target.id == name:
                yield from _words(source, statement.value, files)
        elif isinstance(statement, ast.Call) and statement.args:
            called, argument = name_of(statement.func), statement.args[0]
            if called == f"{name}.extend" and isinstance(argument, ast.List):
                yield from _words(source, argument, files)
            elif called == f"{name}.append":
                text = files.text(source.value(argument))
                if text is not None:
                    yield text
