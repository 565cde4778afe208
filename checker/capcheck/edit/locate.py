"""Edits of a manifest as changes of its text, in the style of what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capcheck.edit.change import Change
from capcheck.edit.layout import MERGE, Layout, Part
from capcheck.edit.spelling import spell
from capcheck.edit.write import entry_beside, first_entry
from capcheck.manifest.fields import FIELDS
from capcheck.records import dataclass
from capcheck.search.alternative import Edit, Scalar

# A key that is added comes after those that the reference lists before it.
_ORDER = {pointer: rank for rank, pointer in enumerate(FIELDS)}


class NotEditableError(Exception):
    """The text cannot be edited without changing something else; the message says why."""


@dataclass(frozen=True, slots=True)
class _Site:
    """The scalar to replace, and whether it stands in a flow map."""

    part: Part
    is_flow: bool


@dataclass(frozen=True, slots=True)
class _Gap:
    """The map that lacks a value, and the names that lead from it to where the value would be.

    `pointer` is the map's, from the deployment; `indent` the column of the key that it belongs to.
    """

    inside: Part
    names: tuple[str, ...]
    pointer: str
    indent: int


def changes(layout: Layout, edits: Sequence[Edit]) -> tuple[Change, ...]:
    """One change for each edit. Raises NotEditableError.

    Where several edits make one new section, the first has all of its text and the others, at the
    same place, none.
    """
    sites = [(edit, _site(layout, edit.pointer)) for edit in edits]
    sections: dict[str, dict[str, Scalar]] = {}
    for edit, site in sites:
        if isinstance(site, _Gap) and len(site.names) == 2:
            sections.setdefault(_parent(edit), {})[site.names[1]] = edit.value
    found: list[Change] = []
    for edit, site in sites:
        if isinstance(site, _Site):
            part = site.part
            text = spell(edit.value, style=part.style, is_flow=site.is_flow)
            found.append(layout.lines.change(part.start, part.end, text))
        elif len(site.names) == 1:
            found.append(_insertion(layout, site, edit.value, found))
        else:
            section = sections[_parent(edit)]
            change = _insertion(layout, site, section, found)
            is_first = next(iter(section)) == site.names[1]
            found.append(change if is_first else layout.lines.change(change.start, change.end, ""))
    return tuple(found)


def _parent(edit: Edit) -> str:
    return edit.pointer.rpartition("/")[0]


def _site(layout: Layout, pointer: str) -> _Site | _Gap:
    """Where an edit goes, if nothing else shares the place."""
    names = [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]
    part, indent, is_flow = layout.root, 0, False
    for depth, name in enumerate(names):
        where = ".".join(names[:depth]) or "the file"
        _refuse_shared(layout, part, where)
        if part.entries is None:
            raise NotEditableError(f"{where} is not a map")
        member = part.entries.get(name)
        if member is None:
            missing = tuple(names[depth:])
            if depth < 2 or len(missing) > 2:
                raise NotEditableError(f"{where} has no {name} in this file")
            if len(missing) == 2 and name in _merged(layout, part):
                raise NotEditableError(f"{name} is merged into {where}, and shared with others")
            return _Gap(part, missing, "".join(f"/{one}" for one in names[2:depth]), indent)
        indent = layout.lines.column(member.key.start)
        is_flow = part.is_flow
        part = member.value
    where = ".".join(names)
    if part.entries is not None:
        raise NotEditableError(f"{where} is a map")
    # An alias is a name for a value: another value in its place changes nobody else's.
    if part.alias is None:
        _refuse_shared(layout, part, where)
    return _Site(part, is_flow)


def _refuse_shared(layout: Layout, part: Part, where: str) -> None:
    if part.alias is not None:
        raise NotEditableError(f"{where} is the alias *{part.alias}, which others share")
    if part.anchor is not None and (used := layout.aliases.get(part.anchor)):
        line = layout.lines.change(used[0], used[0], "").line
        raise NotEditableError(f"{where} is the anchor &{part.anchor}, which line {line} shares")


def _merged(layout: Layout, part: Part) -> frozenset[str]:
    """The keys that a map takes over from others."""
    entries = part.entries or {}
    if MERGE not in entries:
        return frozenset()
    value = entries[MERGE].value
    sources = [
        anchored
        for name, anchored in layout.anchors.items()
        if any(value.start <= offset < value.end for offset in layout.aliases.get(name, ()))
    ]
    names = {name for source in sources for name in source.entries or ()}
    return frozenset(names.union(*(_merged(layout, source) for source in sources)))


def _insertion(
    layout: Layout, gap: _Gap, value: Scalar | Mapping[str, Scalar], earlier: Sequence[Change]
) -> Change:
    """A new key after the neighbour that the reference lists before it, or behind the last."""
    entries, name = gap.inside.entries or {}, gap.names[0]
    if not entries:
        at = gap.inside.start + 1
        comma = ", " if any(one.start == at for one in earlier) else ""
        return layout.lines.change(at, at, comma + first_entry(name, value))
    rank = _ORDER.get(f"{gap.pointer}/{name}", len(_ORDER))
    ranked = {
        other: _ORDER.get(f"{gap.pointer}/{other}", -1 if other == MERGE else rank)
        for other in entries
    }
    before = [other for other in entries if ranked[other] < rank]
    beside = max(before, key=lambda other: ranked[other]) if before else list(entries)[-1]
    neighbour = entries[beside]
    return entry_beside(layout, gap.inside, neighbour, name, value, parent_column=gap.indent)
