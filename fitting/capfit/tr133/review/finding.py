"""One statement of TR133 and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["reproduced", "corrected", "cannot be tested"]

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What TR133 prints at `section`, what is found, and by what evidence.

    `reproduced`: the same from published rows or plain arithmetic; `corrected`: something else, and
    why; `cannot be tested`: what it rests on was not published.
    """

    section: str
    statement: str
    printed: str
    found: str
    status: Status
    evidence: str


def entry(record: Record, predictor: str, held_out: str, backend: str) -> Mapping[str, Any]:
    """A table of the validation's record. Raises LookupError where there is none."""
    for table in record["tables"]:
        if (table["predictor"], table["held_out"], table["backend"]) == (
            predictor,
            held_out,
            backend,
        ):
            found: Mapping[str, Any] = table
            return found
    raise LookupError(f"the record has no {predictor}, {held_out} held out, {backend}")
