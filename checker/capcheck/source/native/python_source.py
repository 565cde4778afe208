"""Python source to the values that stand in it, read as a tree and never run.

What is a literal, a name or a class's attribute that is given a literal once, an f-string or sum
of such, `dict(...)`, `str(...)`, `int(...)` or the default of `os.environ.get` is a value. Anything
else is only known when the program runs and becomes a template expression, which no fact is taken
from.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import field

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.nodes import Entry, Mapping, Node, Scalar, Sequence

_LONGEST = 200_000
_LONGEST_STRING = 10_000
_LARGEST = 10**15
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed module, and what its top level calls by name."""

    path: str
    module: ast.Module
    names: dict[str, ast.expr]
    attributes: dict[str, ast.expr]
    known: dict[int, Node] = field(default_factory=dict)

    def value(self, node: ast.expr, depth: int = 0) -> Node:
        """A node of the tree that YAML gives too: a map, a list or a scalar.

        Each expression is evaluated once, however many names lead to it.
        """
        if id(node) not in self.known:
            found = self._value(node, depth) if depth <= _DEEPEST else None
            self.known[id(node)] = found or _unknown(place_of(node, self.path))
        return self.known[id(node)]

    def _value(self, node: ast.expr, depth: int) -> Node:
        place = place_of(node, self.path)
        if isinstance(node, ast.Constant):
            return _scalar(node.value, place)
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.value(self.names[node.id], depth + 1)
        if isinstance(node, ast.Attribute) and name_of(node.value) in ("self", "cls"):
            member = self.attributes.get(node.attr)
            return self.value(member, depth + 1) if member is not None else _unknown(place)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return Sequence(tuple(self.value(item, depth + 1) for item in node.elts), place)
        if isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True)]
            return self._mapping(pairs, place, depth)
        if isinstance(node, ast.Call):
            return self._call(node, place, depth)
        if isinstance(node, ast.JoinedStr):
            whole = "".join(self._part(part, depth) for part in node.values)
            return _scalar(whole, place) if len(whole) <= _LONGEST_STRING else _unknown(place)
        if isinstance(node, ast.BinOp):
            return self._sum(node, place, depth)
        return _unknown(place)

    def arguments(self, call: ast.Call) -> Mapping:
        """The keyword arguments of a call, `**name` of a known map among them."""
        return self._keywords(call.keywords, place_of(call, self.path), 0)

    def _call(self, node: ast.Call, place: Place, depth: int) -> Node:
        name = name_of(node.func)
        if name == "dict" and not node.args:
            return self._keywords(node.keywords, place, depth)
        wraps = name in ("str", "int", "float") or name.rpartition(".")[2] == "HuggingFaceModel"
        if wraps and len(node.args) >= 1 and not isinstance(node.args[0], ast.Starred):
            return self.value(node.args[0], depth + 1)
        if name in ("os.environ.get", "os.getenv", "environ.get", "getenv") and len(node.args) == 2:
            return self.value(node.args[1], depth + 1)
        return _unknown(place)

    def _sum(self, node: ast.BinOp, place: Place, depth: int) -> Node:
        """Strings behind one another; whole numbers added, subtracted, multiplied or divided."""
        left, right = (self.value(side, depth + 1) for side in (node.left, node.right))
        if not isinstance(left, Scalar) or not isinstance(right, Scalar):
            return _unknown(place)
        one, other = left.value, right.value
        if isinstance(one, str) and isinstance(other, str) and isinstance(node.op, ast.Add):
            whole = one + other
            return _scalar(whole, place) if len(whole) <= _LONGEST_STRING else _unknown(place)
        if not isinstance(one, int) or not isinstance(other, int):
            return _unknown(place)
        if isinstance(node.op, ast.Add):
            result = one + other
        elif isinstance(node.op, ast.Sub):
            result = one - other
        elif isinstance(node.op, ast.Mult):
            result = one * other
        elif isinstance(node.op, ast.FloorDiv) and other:
            result = one // other
        else:
            return _unknown(place)
        return _scalar(result, place) if abs(result) < _LARGEST else _unknown(place)

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
    return Source(path, module, _names(module), _attributes(module))


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


def _attributes(module: ast.Module) -> dict[str, ast.expr]:
    """What the bodies of classes assign to a name, where only one of them does."""
    found: dict[str, ast.expr] = {}
    counts: Counter[str] = Counter()
    for node in ast.walk(module):
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                found[line.targets[0].id] = line.value
                counts[line.targets[0].id] += 1
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            counts[node.attr] += 1
    return {name: value for name, value in found.items() if counts[name] == 1}


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
