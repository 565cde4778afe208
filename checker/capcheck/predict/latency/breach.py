"""Limits on latency that a load surely breaks, told from the draws that decide on them.

A percentile rises with every draw's value. With no time at all for the others, a few draws give a
lower bound of it: where that is above a limit, so is the percentile, and where the draws are those
that decide on it, the bound is the percentile itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from capcheck.manifest.deployment import LatencyLimit
from capcheck.predict.latency.draws import DRAWS, percentile_of, tail
from capcheck.predict.latency.passage import Passage, closed_passage, open_passage
from capcheck.predict.latency.single_server import (
    is_exact,
    percentile_ms,
    takes_turns,
    turns_ms,
)
from capcheck.predict.latency.work import Work

# Which draws decide on a percentile is told roughly only: an eighth more are looked at, and so many
# more at the least.
FEWEST_MORE = 9

# A rough percentile this far below its limit tells that the limit likely holds; looking at many
# draws is only worth it where it likely does not, or it is done twice.
NEAR = 0.8
NEARER_BY_SHARE = 0.3

# Of the times to first token one in so many draws tells roughly.
SAMPLE = 8

# Against rounding: a bound this much above a limit is above it.
MARGIN = 1.0 + 1e-9


def surely_breaks(work: Work, rate_per_ms: float, limits: Sequence[LatencyLimit]) -> bool:
    """Whether Poisson arrivals at this rate surely break one of `limits`; False: it may hold."""
    if not limits:
        return False
    rate = max(1e-12, rate_per_ms)
    if rate >= work.saturation_per_ms:
        return True
    if is_exact(work):
        return any(
            percentile_ms(work, rate, limit.metric, limit.percentile) > limit.limit_ms * MARGIN
            for limit in limits
            if limit.metric != "tpot"
        )
    return _breaks(open_passage(work, rate), limits)


def loop_surely_breaks(
    work: Work, *, agents: int, away_ms: float, limits: Sequence[LatencyLimit]
) -> bool:
    """Whether a closed loop of so many surely breaks one of `limits`; False: it may hold."""
    if not limits:
        return False
    if takes_turns(work):
        return any(
            turns_ms(work, agents, away_ms, limit.metric) > limit.limit_ms * MARGIN
            for limit in limits
            if limit.metric != "tpot"
        )
    return _breaks(closed_passage(work, agents=agents, away_ms=away_ms), limits)


def _breaks(passage: Passage, limits: Sequence[LatencyLimit]) -> bool:
    """What is told at the least cost is asked first."""
    least = {limit.metric: passage.least(limit.metric) for limit in limits}
    if any(_is_broken_at_the_least(passage, limit, least[limit.metric]) for limit in limits):
        return True
    ttft_last = sorted(limits, key=lambda one: one.metric == "ttft")
    return any(_is_broken(passage, limit, least[limit.metric]) for limit in ttft_last)


def _is_broken_at_the_least(passage: Passage, limit: LatencyLimit, least: Sequence[float]) -> bool:
    """By what the draws take were each of them alone in its batch."""
    draws = passage.counted(limit.metric)
    values = _of(draws, least)
    return bool(values) and percentile_of(values, limit.percentile) > limit.limit_ms * MARGIN


def _is_broken(passage: Passage, limit: LatencyLimit, least: Sequence[float]) -> bool:
    """By what the draws take that decide on the percentile, the others at the least."""
    most, percentile, metric = limit.limit_ms * MARGIN, limit.percentile, limit.metric
    if metric == "ttft":
        some = passage.ttfts(range(0, DRAWS, SAMPLE))
        if percentile_of(some, percentile) < NEAR * limit.limit_ms:
            return False
        return percentile_of(passage.values(metric), percentile) > most
    draws = passage.counted(metric)
    if not draws:
        return False
    rough, values = passage.rough(metric), list(least)
    ordered = sorted(_of(draws, rough))
    rough_ms = percentile_of(ordered, percentile)
    if rough_ms < NEAR * limit.limit_ms:
        return False
    deciding = tail(percentile, len(draws))
    looked_at = deciding + max(FEWEST_MORE, deciding // 8)
    shortest = ordered[-min(looked_at, len(ordered))]
    longest = [draw for draw in draws if rough[draw] >= shortest]
    if len(longest) > looked_at:
        longest = sorted(longest, key=rough.__getitem__)[-looked_at:]
    near = [draw for draw in longest if values[draw] <= most]
    near = near if len(near) > 1 else longest
    if rough_ms < (NEAR + NEARER_BY_SHARE * len(near) / DRAWS) * limit.limit_ms:
        return False
    times = passage.times(near)
    for draw, value in zip(near, times.tpots if metric == "tpot" else times.latencies, strict=True):
        values[draw] = value
    return percentile_of(_of(draws, values), percentile) > most


def _of(draws: Sequence[int], values: Sequence[float]) -> Sequence[float]:
    """The values of these draws, in their order."""
    return values if len(draws) == DRAWS else [values[draw] for draw in draws]
