"""The cost of a token: a price over a rate, so its error is the rate's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from capcheck.predict.cost import usd_per_million_tokens

from capfit.validate.rows import Row
from capfit.validate.speed import DECODE

PREDICTOR = "cost per million tokens, one stream"


def rows(found: Iterable[Row]) -> list[Row]:
    """The rows of one stream as dollars per million tokens at a dollar an hour.

    The price itself is looked up, not predicted; it drops out of a relative error.
    """
    return [
        replace(
            row,
            predictor=PREDICTOR,
            unit="USD",
            predicted=_usd(row.predicted),
            measured=_usd(row.measured),
            low=_usd(row.high),
            high=_usd(row.low),
            baselines={name: _usd(rate) for name, rate in row.baselines.items()},
        )
        for row in found
        if row.predictor == DECODE and row.held_out != "concurrency"
    ]


def _usd(tok_s: float | None) -> float:
    return usd_per_million_tokens(usd_per_hour=1.0, tok_s=tok_s or float("nan"))
