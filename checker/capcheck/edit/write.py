"""New keys of a map, written as their neighbours are."""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.edit.change import Change
from capcheck.edit.layout import Layout, Member, Part
from capcheck.edit.spelling import spell
from capcheck.search.alternative import Scalar

Value = Scalar | Mapping[str, Scalar]

# Stands for a depth where a map is written in braces.
_FLOW = -1


def first_entry(name: str, value: Value) -> str:
    """The text of a flow map that has no entry yet, without its braces."""
    return f"{name}: {_in_flow(value, quote='')}"


def entry_beside(
    layout: Layout, inside: Part, neighbour: Member, name: str, value: Value, *, parent_column: int
) -> Change:
    """A new entry after `neighbour` in the map `inside`, whose own key is at `parent_column`."""
    lines = layout.lines
    key = neighbour.key
    quote = key.style if key.style in ("'", '"') else ""
    name = f"{quote}{name}{quote}"
    column = lines.column(key.start)
    if inside.is_flow:
        at = neighbour.value.end
        starts_line = not layout.text[lines.start_of_line(key.start) : key.start].strip()
        separator = f",{layout.newline(at)}{' ' * column}" if starts_line else ", "
        return lines.change(at, at, f"{separator}{name}: {_in_flow(value, quote=quote)}")
    at = lines.end_of_line(max(key.end, neighbour.value.end))
    newline = layout.newline(at)
    start = f"{newline}{' ' * column}{name}:"
    if not isinstance(value, Mapping):
        return lines.change(at, at, f"{start} {spell(value, style=quote)}")
    step = _step(layout, inside) or max(2, column - parent_column)
    if step == _FLOW:
        return lines.change(at, at, f"{start} {_in_flow(value, quote=quote)}")
    margin = newline + " " * (column + step)
    written = (f"{quote}{key}{quote}: {spell(one, style=quote)}" for key, one in value.items())
    return lines.change(at, at, start + "".join(margin + entry for entry in written))


def _step(layout: Layout, inside: Part) -> int:
    """How much deeper the last map in a block map is indented: 0 without one, -1 for flow."""
    maps = [one for one in (inside.entries or {}).values() if one.value.entries]
    if not maps:
        return 0
    last = maps[-1]
    if last.value.is_flow:
        return _FLOW
    first = next(iter((last.value.entries or {}).values()))
    return layout.lines.column(first.key.start) - layout.lines.column(last.key.start)


def _in_flow(value: Value, *, quote: str) -> str:
    """A value inside a flow map; strings have quotes where the keys have."""
    if not isinstance(value, Mapping):
        return spell(value, style=quote, is_flow=True)
    entries = (f"{quote}{name}{quote}: {_in_flow(one, quote=quote)}" for name, one in value.items())
    return "{" + ", ".join(entries) + "}"
