"""Limits on latency that a load surely breaks, told from the draws that are the longest.

A percentile rises with every draw's value. With no time at all for the others, a few draws give a
lower bound of it: where that is above a limit, so is the percentile, and where the draws are those
that decide on it, the bound is the percentile itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from capcheck.manifest.deployment import LatencyLimit
from capcheck.predict.latency.draws import DRAWS, percentile_of, tail
from capcheck.predict.latency.occupancy import closed_occupancy, open_occupancy
from capcheck.predict.latency.passage import Passage, closed_passage, open_passage
from capcheck.predict.latency.single_server import (
    is_exact,
    percentile_ms,
    takes_turns,
    turns_ms,
)
from capcheck.predict.latency.work import Work

# Of the draws that decide on a percentile so many times as many are looked at, and so many at the
# least: of the loads of a search that break a p95, 98 in 100 were told from these.
ROUGHLY = 1.5
FEWEST = 16

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
    return _breaks(open_passage(work, open_occupancy(work, rate)), limits)


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
    occupancy = closed_occupancy(work, agents=agents, away_ms=away_ms)
    return _breaks(closed_passage(work, occupancy, agents=agents, away_ms=away_ms), limits)


def _breaks(passage: Passage, limits: Sequence[LatencyLimit]) -> bool:
    return any(_at_least(passage, limit) > limit.limit_ms * MARGIN for limit in limits)


def _at_least(passage: Passage, limit: LatencyLimit) -> float:
    """What the limited percentile is at least."""
    if limit.metric == "ttft":
        return percentile_of(passage.ttfts(), limit.percentile)
    tpot = limit.metric == "tpot"
    count = sum(steps > 0.0 for steps in passage.steps) if tpot else DRAWS
    few = max(FEWEST, int(ROUGHLY * tail(limit.percentile, count))) if count else DRAWS
    if few > count // 2:
        return 0.0
    rough = passage.rough_tpots() if tpot else passage.rough_latencies()
    longest = sorted(range(DRAWS), key=rough.__getitem__)[-few:]
    times = passage.times(longest)
    known = times.tpots if tpot else times.latencies
    return percentile_of([*known, *[0.0] * (count - len(known))], limit.percentile)
