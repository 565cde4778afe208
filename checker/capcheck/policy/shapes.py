"""Maps and lists of the kinds of manifest values: read with places, and as a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from dataclasses import field
from typing import Any

from capcheck.manifest.kinds import Kind, RejectedError, Schema
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.nearest import nearest
from capcheck.source.nodes import Entry, Mapping, Node, Scalar, Sequence, describe, is_broken
from capcheck.source.problems import Problems, quoted


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record."""

    shape: Shape
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A map with known keys; `one_of` are keys of which exactly one must be there."""

    fields: MappingOf[str, Field]
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map from names that match `pattern` to one shape; `key` says what they name."""

    inside: Shape
    key: str
    pattern: str = r"^\S.{0,99}$"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of at least one value of a shape; `what` is their noun."""

    inside: Shape
    what: str


@dataclass(frozen=True, slots=True)
class Either:
    """The first shape for a map, the second for anything else."""

    of_map: Shape
    otherwise: Shape


Shape = Kind | Record | MapOf | ListOf | Either


@dataclass(slots=True)
class Reading:
    """Where problems and places go while a tree is read; places by JSON pointer."""

    problems: Problems
    places: dict[str, Place] = field(default_factory=dict)

    def read(self, shape: Shape, node: Node, pointer: str = "") -> Any:  # noqa: ANN401
        """The node as plain values; what can't be read is noted and left out, or None."""
        self.places.setdefault(pointer, node.place)
        if is_broken(node):
            return None
        if isinstance(shape, Either):
            inner = shape.of_map if isinstance(node, Mapping) else shape.otherwise
            return self.read(inner, node, pointer)
        if isinstance(shape, Kind):
            return self._list(shape, node, pointer) if shape.is_list else self._value(shape, node)
        if isinstance(shape, ListOf):
            return self._items(shape, node, pointer)
        if not isinstance(node, Mapping):
            expected = (
                f"a map of {', '.join(shape.fields)}"
                if isinstance(shape, Record)
                else f"a map from {shape.key} to its value"
            )
            return self._reject("wrong-type", node, expected)
        if isinstance(shape, MapOf):
            return self._map(shape, node, pointer)
        return self._record(shape, node, pointer)

    def _record(self, shape: Record, node: Mapping, pointer: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, entry in node.entries.items():
            known = shape.fields.get(name)
            if known is None:
                self.problems.add(
                    "unknown-key",
                    entry.key.place,
                    found=quoted(name),
                    expected=f"one of {', '.join(shape.fields)}",
                    nearest=nearest(name.lower(), shape.fields),
                )
                continue
            value = self._inside(known.shape, entry, f"{pointer}/{name}")
            if value is not None:
                values[name] = value
        start = self.places[pointer]
        for name, one in shape.fields.items():
            if one.required and name not in node.entries:
                self.problems.add("missing-key", start, found=f"no {name}", expected=name)
        stated = [name for name in shape.one_of if name in node.entries]
        if shape.one_of and len(stated) != 1:
            self.problems.add(
                "conflict" if stated else "missing-key",
                start,
                found=" and ".join(stated) or "none of them",
                expected=f"exactly one of {', '.join(shape.one_of)}",
            )
        return values

    def _map(self, shape: MapOf, node: Mapping, pointer: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, entry in node.entries.items():
            if not re.fullmatch(shape.pattern, name):
                self.problems.add(
                    "bad-name", entry.key.place, found=quoted(name), expected=shape.key
                )
                continue
            value = self._inside(shape.inside, entry, f"{pointer}/{escaped(name)}")
            if value is not None:
                values[name] = value
        return values

    def _inside(self, shape: Shape, entry: Entry, pointer: str) -> Any:  # noqa: ANN401
        """A map's place is that of its key: a place is on one line."""
        if isinstance(entry.value, Mapping | Sequence):
            self.places[pointer] = entry.key.place
        return self.read(shape, entry.value, pointer)

    def _items(self, shape: ListOf, node: Node, pointer: str) -> list[Any] | None:
        if not isinstance(node, Sequence) or not node.items:
            self._reject("wrong-type", node, f"a list of {shape.what}")
            return None
        values = [
            self.read(shape.inside, item, f"{pointer}/{at}") for at, item in enumerate(node.items)
        ]
        return [value for value in values if value is not None]

    def _list(self, kind: Kind, node: Node, pointer: str) -> list[Any] | None:
        if not isinstance(node, Sequence) or not node.items:
            self._reject("wrong-type", node, kind.expected)
            return None
        values = []
        for at, item in enumerate(node.items):
            self.places[f"{pointer}/{at}"] = item.place
            if not is_broken(item):
                values.append(self._value(kind, item))
        return [value for value in values if value is not None]

    def _value(self, kind: Kind, node: Node) -> Any:  # noqa: ANN401
        try:
            return kind.read(node)
        except RejectedError as error:
            return self._reject(error.code, node, error.expected, error.nearest)

    def _reject(self, code: str, node: Node, expected: str, near: str | None = None) -> None:
        self.problems.add(code, node.place, found=describe(node), expected=expected, nearest=near)


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def schema_of(shape: Shape) -> Schema:
    """The JSON Schema of a shape."""
    if isinstance(shape, Kind):
        return shape.schema
    if isinstance(shape, Either):
        return {"anyOf": [schema_of(shape.of_map), schema_of(shape.otherwise)]}
    if isinstance(shape, ListOf):
        return {"type": "array", "items": schema_of(shape.inside), "minItems": 1}
    if isinstance(shape, MapOf):
        return {
            "type": "object",
            "propertyNames": {"pattern": shape.pattern},
            "additionalProperties": schema_of(shape.inside),
        }
    found: Schema = {
        "type": "object",
        "properties": {
            name: {"description": one.description, **schema_of(one.shape)}
            for name, one in shape.fields.items()
        },
        "additionalProperties": False,
    }
    if required := [name for name, one in shape.fields.items() if one.required]:
        found["required"] = required
    if shape.one_of:
        found["oneOf"] = [{"required": [name]} for name in shape.one_of]
    return found


def scalar() -> Kind:
    """Text, a number, or true or false."""
    expected = "text, a number, true or false"

    def read(node: Node) -> str | int | float | bool:
        if not isinstance(node, Scalar) or node.value is None:
            raise RejectedError("wrong-type", expected)
        return node.value

    return Kind(expected, {"type": ["string", "number", "boolean"]}, read)
