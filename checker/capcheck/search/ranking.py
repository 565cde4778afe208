"""The orders in which alternatives can be shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from capcheck.predict.forecast import Quality
from capcheck.search.alternative import Alternative
from capcheck.search.passing import NEGLIGIBLE_DROP

Ranking = Literal["cost", "latency", "quality", "tokens-per-dollar"]


def _tokens_per_dollar(offered: Alternative) -> float:
    capacity = offered.forecast.load.capacity_tok_s.value
    if not capacity or not offered.usd_month:
        return 0.0
    return capacity / offered.usd_month


def _latency(offered: Alternative) -> float:
    value = offered.forecast.load.latency_ms.p95.value
    return math.inf if value is None else value


# What comes first is the least; equal ones stay in the order of cost, then quality (TR133 SS10.3).
RANKINGS: Mapping[Ranking, Callable[[Alternative], float]] = {
    "cost": lambda _: 0.0,
    "latency": _latency,
    "quality": lambda offered: -(offered.forecast.quality.score.value or 0.0),
    "tokens-per-dollar": lambda offered: -_tokens_per_dollar(offered),
}


def ranked_quality(quality: Quality, today: Quality) -> float:
    """The score as it ranks: what differs from today's by no more than TR133 calls negligible
    (SS7.5) is as good as that, so that the lighter change comes first."""
    score, before = quality.score.value, today.score.value
    if score is None:
        return 0.0
    return before if before is not None and abs(score - before) <= NEGLIGIBLE_DROP else score


def ranked(found: Iterable[Alternative], by: Ranking) -> list[Alternative]:
    """`found`, cheapest first already, in another order; what is unknown comes last."""
    return sorted(found, key=RANKINGS[by])
