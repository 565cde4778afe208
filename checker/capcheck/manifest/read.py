"""One deployment's map to values and places, by the table of fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import field
from typing import Any

from capcheck.manifest import constraints
from capcheck.manifest.deployment import Native
from capcheck.manifest.field import Field
from capcheck.manifest.fields import CHILDREN, RESERVED
from capcheck.manifest.kinds import Kind, RejectedError
from capcheck.manifest.names import suggest
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.nodes import Entry, Mapping, Node, Scalar, Sequence, describe, is_broken
from capcheck.source.problems import Problems, quoted

_OWNERS = {
    "file": "version, policy, defaults, deployments or environments",
    "environment": "defaults or deployments",
    "": "a field of a deployment",
}


@dataclass(slots=True)
class Stated:
    """What a deployment states, by JSON pointer: the values that could be read, and all places.

    A value's place is its own; that of a map is its key's, because a place is on one line.
    `written` has the values as they stand in the file, a list or map as its JSON text. `native` is
    what the native files that it refers to add.
    """

    name: str
    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    written: dict[str, str | int | float | bool] = field(default_factory=dict)
    native: Native = field(default_factory=Native)


def read(name: str, entry: Entry, problems: Problems, *, is_whole: bool = True) -> Stated:
    """Read one entry of `deployments:`, noting every problem in it.

    One that is not whole adds to what another file says.
    """
    stated = Stated(name, entry.key.place)
    stated.places[""] = entry.key.place
    if isinstance(entry.value, Mapping):
        _Reader(stated, problems).fields("", entry.value)
        constraints.check(stated.values, stated.places, stated.place, problems, is_whole=is_whole)
    elif not is_broken(entry.value):
        problems.add(
            "wrong-type",
            entry.value.place,
            found=describe(entry.value),
            expected="a map of the deployment's fields",
        )
    return stated


def refuse_key(entry: Entry, level: str, problems: Problems) -> None:
    """Note a key that no field has; `level` is as in capcheck.manifest.names.suggest."""
    name = entry.key.text
    if name in RESERVED.get(level, ()):
        problems.add(
            "not-supported-yet",
            entry.key.place,
            found=quoted(name),
            expected="none yet: the name is reserved for a later release",
        )
        return
    near = suggest(name, level)
    expected = _OWNERS.get(level) or f"a field of {level[1:].replace('/', '.')}"
    if not near and level not in _OWNERS:
        expected += f": {', '.join(CHILDREN[level])}"
    problems.add(
        "unknown-key", entry.key.place, found=quoted(name), expected=expected, nearest=near
    )


class _Reader:
    def __init__(self, stated: Stated, problems: Problems) -> None:
        self.stated = stated
        self.problems = problems

    def fields(self, pointer: str, node: Mapping) -> None:
        """Read a map that may hold the fields below `pointer`."""
        known = CHILDREN[pointer]
        for name, entry in node.entries.items():
            if name in known:
                self._field(known[name], entry)
            else:
                refuse_key(entry, pointer, self.problems)

    def _field(self, one: Field, entry: Entry) -> None:
        node = entry.value
        in_map = isinstance(node, Mapping)
        self.stated.places[one.pointer] = entry.key.place if in_map else node.place
        if is_broken(node):
            return
        if isinstance(node, Mapping) and one.pointer in CHILDREN:
            self.fields(one.pointer, node)
            self._require(one, entry)
        elif one.kind is None:
            self._reject(node, "wrong-type", _a_map(one))
        elif one.kind.is_list:
            self._list(one, one.kind, node)
        else:
            value = self._value(one.kind.read, node, either=_either(one))
            if value is not None:
                self.stated.values[one.pointer] = value
                self.stated.written[one.pointer] = _written(node, value)
            if isinstance(node, Sequence):
                for index, item in enumerate(node.items):
                    self.stated.places[f"{one.pointer}/{index}"] = item.place
            if isinstance(node, Mapping):
                for name, inner in node.entries.items():
                    pointer = name.replace("~", "~0").replace("/", "~1")
                    self.stated.places[f"{one.pointer}/{pointer}"] = inner.value.place

    def _list(self, one: Field, kind: Kind, node: Node) -> None:
        if not isinstance(node, Sequence):
            text = node.text if isinstance(node, Scalar) and isinstance(node.value, str) else None
            self._reject(node, "wrong-type", kind.expected, f"[{text}]" if text else None)
        elif not node.items:
            self._reject(node, "bad-value", f"{kind.expected} that is not empty")
        else:
            items = []
            for index, item in enumerate(node.items):
                self.stated.places[f"{one.pointer}/{index}"] = item.place
                if not is_broken(item):
                    items.append(self._value(kind.read, item))
            self.stated.values[one.pointer] = tuple(items)
            self.stated.written[one.pointer] = _written(node, items)

    def _value(self, read: Callable[[Node], Any], node: Node, either: str = "") -> Any:  # noqa: ANN401
        """The value, or None with a problem noted. `either` is what else could stand here."""
        try:
            return read(node)
        except RejectedError as error:
            also = either if error.code == "wrong-type" else ""
            self._reject(node, error.code, error.expected + also, error.nearest)
            return None

    def _require(self, one: Field, entry: Entry) -> None:
        for child in CHILDREN[one.pointer].values():
            if child.required and child.pointer not in self.stated.places:
                self.problems.add(
                    "missing-key",
                    entry.key.place,
                    found=f"{one.dotted} without {child.name}",
                    expected=child.dotted,
                )

    def _reject(self, node: Node, code: str, expected: str, nearest: str | None = None) -> None:
        self.problems.add(
            code, node.place, found=describe(node), expected=expected, nearest=nearest
        )


def _written(node: Node, value: object) -> str | int | float | bool:
    """As in the file; a version's number is the text that it was read as."""
    if isinstance(node, Scalar) and node.value is not None and not isinstance(value, str):
        return node.value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _a_map(one: Field) -> str:
    return f"a map of {', '.join(CHILDREN[one.pointer])}"


def _either(one: Field) -> str:
    return f", or {_a_map(one)}" if one.pointer in CHILDREN else ""
