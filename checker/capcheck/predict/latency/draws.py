"""A fixed set of evenly spread requests, from which percentiles of sums are read off.

Each draw holds one coordinate in (0, 1) for each independent cause of a request's latency. The set
is a Korobov lattice: every cause alone is spread exactly evenly, and every two of them nearly so.
Every evaluation uses the same set, so a latency whose every part rises with a parameter rises in
every percentile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from capcheck.predict.latency.counts import none_up_to
from capcheck.predict.latency.normal import normal_quantile
from capcheck.predict.latency.server import Percentiles

DRAWS = 311  # prime
GENERATOR = 119  # least worst-pair discrepancy (P2) of all generators for 9 causes
CAUSES = 9


class Draws(NamedTuple):
    """Columns of coordinates, one entry per request; the `z_` ones as standard normal deviates."""

    arrival: tuple[int, ...]  # which state the request finds: its rank among all draws
    queue: tuple[float, ...]  # how long it waits for a slot, or behind a backlog of prompts
    phase: tuple[float, ...]  # where in the running iteration it arrives
    current: tuple[float, ...]  # how many prompts that iteration holds
    joined: tuple[float, ...]  # how many other prompts share its own
    none_joined: tuple[float, ...]  # the mean of that count up to which it is none
    lumps: tuple[float, ...]  # how many prompts are prefilled while it decodes
    none_lump: tuple[float, ...]
    z_queue: tuple[float, ...]
    z_current: tuple[float, ...]
    z_joined: tuple[float, ...]
    z_lumps: tuple[float, ...]
    z_drift: tuple[float, ...]  # how the batch develops while it decodes
    z_output: tuple[float, ...]
    z_prompt: tuple[float, ...]

    def of(self, which: Sequence[int]) -> Draws:
        """The same columns of these draws only, at least two."""
        return Draws._make(map(itemgetter(*which), self))


@lru_cache(maxsize=1)
def draws() -> Draws:
    """The set: coordinate j of draw i is (i + 1/2 of a step) * GENERATOR^j modulo 1."""
    columns = [
        tuple((index * factor % DRAWS + 0.5) / DRAWS for index in range(DRAWS))
        for factor in (pow(GENERATOR, cause, DRAWS) for cause in range(CAUSES))
    ]
    deviates = [tuple(map(normal_quantile, column)) for column in columns]
    ranks = tuple(int(share * DRAWS) for share in columns[0])
    none_joined, none_lump = (tuple(map(none_up_to, columns[cause])) for cause in (4, 5))
    coordinates = *columns[1:5], none_joined, columns[5], none_lump
    return Draws._make((ranks, *coordinates, deviates[1], *deviates[3:]))


@lru_cache(maxsize=1)
def by_rank() -> tuple[float, ...]:
    """Standard normal deviates of evenly spread shares, in ascending order."""
    return tuple(normal_quantile((rank + 0.5) / DRAWS) for rank in range(DRAWS))


def states(shares: Sequence[float]) -> list[int]:
    """Which state each draw finds; `shares` are the states' probabilities, the rest is one more."""
    ranked: list[int] = []
    reached = 0.5
    for state, share in enumerate(shares):
        reached += share * DRAWS
        ranked += [state] * (int(reached) - len(ranked))
    ranked += [len(shares)] * (DRAWS - len(ranked))
    return list(_by_arrival()(ranked))


@lru_cache(maxsize=1)
def _by_arrival() -> itemgetter[Sequence[int]]:
    """From what is listed by rank to what each draw finds."""
    return itemgetter(*draws().arrival)


@lru_cache(maxsize=1)
def _in_order() -> tuple[int, ...]:
    """The draws by their ranks."""
    return tuple(sorted(range(DRAWS), key=draws().arrival.__getitem__))


def finding(inside: Sequence[int], least: int) -> Sequence[int]:
    """The draws that find at least so many, by the `states` that they find."""
    order = _in_order()
    return order[bisect_left(order, least, key=inside.__getitem__) :]


def percentiles_of(values: Sequence[float]) -> Percentiles:
    """Mean and percentiles of equally likely values.

    A percentile is the mean of the values up to a fifth of its tail to either side (p95: 94 to
    96 %). That is smooth in the probability of a rare event, such as a wait for a slot, whose
    onset makes a single quantile jump.
    """
    ordered = sorted(values)
    count = len(ordered)
    if not ordered[-1] and not ordered[0]:
        return Percentiles(0.0, 0.0, 0.0, 0.0, 0.0)
    p50, p90, p95, p99 = (_mean_between(ordered, *span) for span in _spans(count).values())
    return Percentiles(sum(ordered) / count, p50, p90, p95, p99)


def percentile_of(values: Sequence[float], percentile: int) -> float:
    """One of `percentiles_of`. It rises with every value."""
    return _mean_between(sorted(values), *_spans(len(values))[percentile])


def tail(percentile: int, count: int) -> int:
    """How many of so many values, the largest, decide on their percentile."""
    return count - _spans(count)[percentile][0]


def _mean_between(
    ordered: Sequence[float], first: int, last: int, part: float, count: float
) -> float:
    """Mean of `count` values from `first` to `last`, of which only `part` belongs to them."""
    base = ordered[first]
    if ordered[last] == base:
        return base
    total = sum([value - base for value in ordered[first + 1 : last]])
    return base + (total + (ordered[last] - base) * part) / count


@lru_cache(maxsize=8)
def _spans(count: int) -> dict[int, tuple[int, int, float, float]]:
    """Where the percentiles are read off so many values: `_mean_between`'s arguments."""
    spans = {}
    for percentile in (50, 90, 95, 99):
        share = percentile / 100.0
        width = 0.2 * (1.0 - share)
        start, end = (share - width) * count, min(float(count), (share + width) * count)
        first, last = int(start), min(count - 1, int(end))
        spans[percentile] = first, last, end - last, end - start
    return spans
