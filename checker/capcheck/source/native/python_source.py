"""Python source to the values that stand in it, read as a tree and never run.

What is a literal, a name that the module gives a literal once, an f-string of such, `dict(...)`,
`str(...)`, `int(...)` or the default of `os.environ.get` is a value. Anything else is only known
when the program runs and becomes a template expression, which no fact is taken from.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from capcheck.place import Place
from capcheck.source.nodes import Entry, Mapping, Node, Scalar, Sequence

_LONGEST = 400_000
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed module, and what its top level calls by name."""

    path: str
    module: ast.Module
    names: dict[str, ast.expr]

    def value(self, node: ast.expr, depth: int = 0) -> Node:
        """A node of the tree that YAML gives too: a map, a list or a scalar."""
        place = place_of(node, self.path)
        if depth > _DEEPEST:
            return _unknown(place)
        if isinstance(node, ast.Constant):
            return _scalar(node.value, place)
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.value(self.names[node.id], depth + 1)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return Sequence(tuple(self.value(item, depth + 1) for item in node.elts), place)
        if isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True)]
            return self._mapping(pairs, place, depth)
        if isinstance(node, ast.Call):
            return self._call(node, place, depth)
        if isinstance(node, ast.JoinedStr):
            parts = [self._part(part, depth) for part in node.values]
            return _scalar("".join(parts), place)
        return _unknown(place)

    def arguments(self, call: ast.Call) -> Mapping:
        """The keyword arguments of a call, `**name` of a known map among them."""
        return self._keywords(call.keywords, place_of(call, self.path), 0)

    def _call(self, node: ast.Call, place: Place, depth: int) -> Node:
        name = name_of(node.func)
        if name == "dict" and not node.args:
            return self._keywords(node.keywords, place, depth)
        if name in ("str", "int", "float") and len(node.args) == 1:
            return self.value(node.args[0], depth + 1)
        if name in ("os.environ.get", "os.getenv", "environ.get", "getenv") and len(node.args) == 2:
            return self.value(node.args[1], depth + 1)
        return _unknown(place)

    def _keywords(self, keywords: list[ast.keyword], place: Place, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        for keyword in keywords:
            value = self.value(keyword.value, depth + 1)
            if keyword.arg is None:
                entries.update(value.entries if isinstance(value, Mapping) else {})
                continue
            where = Place(
                self.path,
                keyword.lineno,
                keyword.col_offset + 1,
                keyword.col_offset + 1 + len(keyword.arg),
            )
            entries[keyword.arg] = Entry(Scalar(keyword.arg, keyword.arg, where), value)
        return Mapping(entries, place)

    def _mapping(
        self, pairs: list[tuple[ast.expr | None, ast.expr]], place: Place, depth: int
    ) -> Mapping:
        entries: dict[str, Entry] = {}
        for key, value in pairs:
            if key is None:
                merged = self.value(value, depth + 1)
                entries.update(merged.entries if isinstance(merged, Mapping) else {})
                continue
            name = self.value(key, depth + 1)
            if isinstance(name, Scalar):
                entries[name.text] = Entry(name, self.value(value, depth + 1))
        return Mapping(entries, place)

    def _part(self, part: ast.expr, depth: int) -> str:
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        value = self.value(inner, depth + 1) if isinstance(inner, ast.expr) else None
        return value.text if isinstance(value, Scalar) else _EXPRESSION


# What no fact is taken from: `{{` marks what only rendering, or running, will fill in.
_EXPRESSION = "{{ known at run time }}"


def parse(text: str, path: str) -> Source | None:
    """The tree of a Python file; None where it is none, or too large or deep to be read."""
    if len(text) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return Source(path, module, _names(module))


def calls(source: Source) -> Iterator[ast.Call]:
    """Every call in the module, outer ones first."""
    return (node for node in ast.walk(source.module) if isinstance(node, ast.Call))


def name_of(node: ast.expr) -> str:
    """A dotted name as written, empty for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < 8:
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join((node.id, *reversed(parts)))


def imports(source: Source) -> frozenset[str]:
    """The packages that the module imports, by their first names."""
    found: set[str] = set()
    for node in ast.walk(source.module):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def place_of(node: ast.expr | ast.stmt, path: str) -> Place:
    """Where an expression starts, as far as its first line goes."""
    column = node.col_offset + 1
    end = node.end_col_offset if node.end_lineno == node.lineno else None
    return Place(path, node.lineno, column, (end + 1) if end is not None else column + 1)


def _names(module: ast.Module) -> dict[str, ast.expr]:
    """What is assigned once in the whole file; a name with two values has none.

    A class's own names are not seen outside it, and a parameter's value is the caller's.
    """
    written = Counter(
        node.id
        for node in ast.walk(module)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )
    written.update(2 * [node.arg for node in ast.walk(module) if isinstance(node, ast.arg)])
    inside = {
        id(statement)
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
    }
    found: dict[str, ast.expr] = {}
    for node in ast.walk(module):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name) and written[target.id] == 1:
            found[target.id] = value
    return found


def _scalar(value: object, place: Place) -> Scalar:
    if value is None:
        return Scalar(None, "", place)
    if isinstance(value, bool):
        return Scalar(value, "true" if value else "false", place)
    if isinstance(value, (int, float, str)):
        return Scalar(value if isinstance(value, (int, str)) else str(value), str(value), place)
    return _unknown(place)


def _unknown(place: Place) -> Scalar:
    return Scalar(_EXPRESSION, _EXPRESSION, place)
