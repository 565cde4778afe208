"""What was edited in a deployment, and the deployment with one edit taken back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from capcheck.compare.model import Edit, Scalar
from capcheck.errors import InputError
from capcheck.manifest import constraints
from capcheck.manifest.fields import CHILDREN, FIELDS
from capcheck.manifest.load import Entry
from capcheck.search.edits import root_of
from capcheck.source.problems import Problems

CONFIG = "/model_config"

# Edited together they are one edit: one without the other means something else, or nothing.
TOGETHER = (
    ("/model", "/architecture", CONFIG),
    ("/traffic/requests_per_second", "/traffic/agents", "/traffic/think_time"),
    ("/quality",),
    ("/skip",),
)


def edited(base: Entry, head: Entry) -> tuple[Edit, ...]:
    """Every stated value that differs, in the order of the manifest's reference.

    Another spelling of the same value (`9s`, `9000ms`) is no edit.
    """
    return tuple(_edit(pointer, base, head) for pointer in differing(base, head))


def differing(base: Entry, head: Entry) -> list[str]:
    """The pointers, from the deployment, of the values that differ."""
    return [pointer for pointer in FIELDS if _value(pointer, base) != _value(pointer, head)]


def units(pointers: Collection[str]) -> list[tuple[str, ...]]:
    """The pointers in groups that can only be taken back together."""
    groups: dict[str, list[str]] = {}
    for pointer in pointers:
        groups.setdefault(_unit(pointer), []).append(pointer)
    return [tuple(group) for group in groups.values()]


def taking(head: Entry, base: Entry, pointers: Collection[str]) -> Entry:
    """Head with base's values at these pointers; a value that is not in head takes its place."""
    stated = head.stated
    values, places, written = dict(stated.values), dict(stated.places), dict(stated.written)
    for pointer in pointers:
        if pointer not in base.stated.values:
            for known in (values, places, written):
                known.pop(pointer, None)
            for item in [name for name in places if name.startswith(f"{pointer}/")]:
                del places[item]
            continue
        values[pointer] = base.stated.values[pointer]
        written[pointer] = base.stated.written[pointer]
        for above in _with_parents(pointer):
            places.setdefault(above, stated.place)
    for section in [name for name in places if name in CHILDREN and name]:
        if section not in base.stated.places and not _has_children(section, places):
            del places[section]
    config = base if CONFIG in pointers else head
    return replace(
        head,
        stated=replace(stated, values=values, places=places, written=written),
        architecture=config.architecture,
    )


def is_consistent(entry: Entry) -> bool:
    """Whether the values of an entry that nobody wrote could stand in a manifest together."""
    problems, stated = Problems(), entry.stated
    try:
        constraints.check(stated.values, stated.places, stated.place, problems)
    except InputError:
        return False
    return not problems


def similarity(one: Entry, other: Entry) -> float:
    """The share of settings that two deployments have in common, 0 to 1; limits do not count."""
    ours, theirs = _settings(one), _settings(other)
    common = sum(theirs.get(pointer) == value for pointer, value in ours.items())
    return 2 * common / (len(ours) + len(theirs)) if ours or theirs else 1.0


def _settings(entry: Entry) -> dict[str, Any]:
    return {
        pointer: _value(pointer, entry)
        for pointer in entry.stated.values
        if not pointer.startswith(("/slo/", "/quality/", "/safety/", "/budget/", "/alternatives/"))
    }


def _edit(pointer: str, base: Entry, head: Entry) -> Edit:
    before, after = _written(pointer, base), _written(pointer, head)
    if pointer == CONFIG and before == after:
        before, after = (
            f"{entry_text} (sha256 {digest})"
            for entry_text, digest in ((before, _digest(base)), (after, _digest(head)))
        )
    stated = head.stated
    place = stated.places.get(pointer, stated.place)
    return Edit(root_of(stated.name) + pointer, before, after, place)


def _written(pointer: str, entry: Entry) -> Scalar:
    return entry.stated.written.get(pointer)


def _value(pointer: str, entry: Entry) -> Any:  # noqa: ANN401
    value = entry.stated.values.get(pointer)
    return (value, entry.architecture) if pointer == CONFIG and value else value


def _digest(entry: Entry) -> str:
    text = json.dumps(entry.architecture, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _unit(pointer: str) -> str:
    for group in TOGETHER:
        if any(pointer == first or pointer.startswith(f"{first}/") for first in group):
            return group[0]
    parent = FIELDS[pointer].parent
    # A field that takes a value or a map: `replicas`, `prompt_tokens`.
    return parent if parent and FIELDS[parent].kind is not None else pointer


def _with_parents(pointer: str) -> Iterator[str]:
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]


def _has_children(section: str, places: Collection[str]) -> bool:
    return any(pointer.startswith(f"{section}/") for pointer in places)
