"""Measured benchmark scores: the table that ships with capcheck, and rows a user adds to it."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from capcheck.records import dataclass

_TABLE = Path(__file__).parent.parent / "data" / "quality.csv"


@dataclass(frozen=True, slots=True)
class Score:
    """One measured score (0..1) with its 90 % interval.

    `engine` is the engine family that ran it, "" when the source does not say or mixes several.
    `variant` tells base from instruct checkpoints: only scores of one variant are compared.
    """

    benchmark: str
    model: str
    variant: str
    engine: str
    quant: str
    score: float
    low: float
    high: float
    n_items: int | None
    source: str


@lru_cache(maxsize=1)
def published() -> tuple[Score, ...]:
    """Every row of data/quality.csv, in the order of the file."""
    with _TABLE.open(encoding="utf-8", newline="") as rows:
        return tuple(
            Score(
                benchmark=row["benchmark"],
                model=row["model"],
                variant=row["variant"],
                engine=row["engine"],
                quant=row["quant"],
                score=float(row["score"]),
                low=float(row["low90"]),
                high=float(row["high90"]),
                n_items=int(row["n_items"]) if row["n_items"] else None,
                source=row["source"],
            )
            for row in csv.DictReader(rows)
        )
