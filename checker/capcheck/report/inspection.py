"""What `capcheck inspect` found: JSON for programs, a table for each deployment for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from capcheck.place import Place
from capcheck.report.pen import Pen
from capcheck.source.native.deployment import (
    NOT_STATED,
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
)
from capcheck.source.native.registry import Inspection


def to_json(inspections: Sequence[Inspection]) -> dict[str, Any]:
    """Every deployment, its facts, and what was not read.

    A fact without value is null with a `reason`; its place is that of the variable or reference
    that it waits for, null where the file says nothing.
    """
    return {
        "deployments": [
            _deployment(found) for inspection in inspections for found in inspection.deployments
        ],
        "not_read": [
            {"path": unread.place.path, "line": unread.place.line, "reason": unread.reason}
            for inspection in inspections
            for unread in inspection.unread
        ],
    }


def to_text(inspections: Sequence[Inspection], pen: Pen) -> str:
    """A table of facts for each deployment, then what the file does not say."""
    blocks = [_block(found, pen) for inspection in inspections for found in inspection.deployments]
    notes = [
        pen.text(f"{unread.place.path}:{unread.place.line}: {unread.reason}")
        for inspection in inspections
        for unread in inspection.unread
    ]
    if not blocks:
        blocks = ["no deployment found"]
    if notes:
        blocks.append("\n".join(("not read:", *(f"  {note}" for note in notes))))
    return "\n\n".join(blocks) + "\n"


def _deployment(found: NativeDeployment) -> dict[str, Any]:
    return {
        "deployment": found.address,
        "kind": found.kind,
        "expect": found.expect,
        "path": found.place.path,
        "line": found.place.line,
        "facts": {name: _fact(fact) for name, fact in found.facts.items()},
        "settings": {name: _fact(fact) for name, fact in sorted(found.settings.items())},
        "alternatives": [{"gpu": gpu, "gpu_count": count} for gpu, count in found.alternatives],
        "remarks": [
            {**_place(remark.place), "message": remark.message} for remark in found.remarks
        ],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    if isinstance(fact, Stated):
        return {"value": fact.value, **_place(fact.place), "origin": fact.origin}
    return {"value": None, **_place(fact.place), "origin": None, "reason": fact.reason}


def _place(place: Place | None) -> dict[str, Any]:
    return {
        "path": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "end_column": place.end_column if place else None,
    }


def _block(found: NativeDeployment, pen: Pen) -> str:
    head = f"{pen.text(found.place.path)}: {pen.text(found.address)} ({found.expect})"
    stated = [
        [
            f"  {name}",
            pen.text(str(fact.value), 60),
            pen.text(f"{fact.place.path}:{fact.place.line}:{fact.place.column}"),
            pen.text(fact.origin, 60),
        ]
        for name, fact in found.facts.items()
        if isinstance(fact, Stated)
    ]
    lines = [pen.paint(head, "bold"), *(pen.aligned(stated, right=frozenset()) if stated else [])]
    waiting = {
        name: fact
        for name, fact in found.facts.items()
        if isinstance(fact, Unknown) and fact.reason != NOT_STATED
    }
    for name, fact in waiting.items():
        where = f" ({fact.place.path}:{fact.place.line})" if fact.place else ""
        lines.append(pen.text(f"  {name}: unknown, {fact.reason}{where}"))
    silent = [
        name
        for name, fact in found.facts.items()
        if isinstance(fact, Unknown) and fact.reason == NOT_STATED
    ]
    if silent:
        lines.append(f"  {NOT_STATED}: {', '.join(silent)}")
    lines += [pen.text(f"  note: {remark.message}") for remark in found.remarks]
    return "\n".join(lines)
