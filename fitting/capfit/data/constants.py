"""Numbers of the artifact that are read, not fitted: published facts and stated assumptions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from capcheck.errors import InputError, Problem
from capcheck.place import Place

from capfit.data.columns import Role, Row, column


@dataclass(frozen=True, kw_only=True)
class Constant(Row):
    """One value of the artifact. `key` is its path there (`memory/backends/vllm/block_tokens`)."""

    table: ClassVar[str] = "constants"
    key: str = column(role=Role.SUBJECT)
    value: str = column(role=Role.MEASURE, unit="JSON")
    source: str = column(role=Role.PROVENANCE)


def tree(rows: Iterable[Constant], *, file: str = "constants.csv") -> dict[str, Any]:
    """The values as the artifact nests them.

    Raises InputError on a key that is there twice or runs through a value, and on a value that is
    not JSON.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for row in rows:
        place = Place(file, row.line, 1, 1 + len(row.key))
        *path, name = row.key.split("/")
        at: Any = found
        for step in path:
            at = at.setdefault(step, {}) if isinstance(at, dict) else at
        if not isinstance(at, dict) or name in at:
            problems.append(
                Problem("repeated-constant", place, f"{row.key!r} again", "each key once")
            )
            continue
        try:
            at[name] = json.loads(row.value)
        except ValueError:
            problems.append(Problem("bad-constant", place, repr(row.value), "a value in JSON"))
    if problems:
        raise InputError(problems)
    return found


def sources(rows: Iterable[Constant], prefix: str) -> dict[str, str]:
    """What the values below `prefix` rest on, by the rest of their key."""
    return {row.key.removeprefix(prefix): row.source for row in rows if row.key.startswith(prefix)}
