"""The tree of a YAML or JSON file: values, each with its place."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.problems import quoted
from capcheck.source.scalars import Value


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; `text` is what was written, without quotes and escapes.

    `broken` means that a problem is already noted for it and `value` is not to be read.
    """

    value: Value
    text: str
    place: Place
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a map."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map in file order, merged entries last. `place` ends where its first line does."""

    entries: MappingOf[str, Entry]
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list. `place` ends where its first line does."""

    items: tuple[Node, ...]
    place: Place


Node = Scalar | Mapping | Sequence


def describe(node: Node) -> str:
    """A value as an error message names it: `"fast"`, `12`, `nothing`, `a map`."""
    if isinstance(node, Mapping):
        return "a map"
    if isinstance(node, Sequence):
        return "a list"
    if is_nothing(node):
        return "nothing"
    return quoted(node.text) if isinstance(node.value, str) else node.text


def is_nothing(node: Node) -> bool:
    """Whether it is a null: `key:` with nothing behind it, `~` or `null`."""
    return isinstance(node, Scalar) and node.value is None and not node.broken


def is_broken(node: Node) -> bool:
    """Whether a problem is already noted for this value."""
    return isinstance(node, Scalar) and node.broken
