"""The alternatives that no other beats in cost, quality and p95 latency at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from capcheck.judge import Started
from capcheck.predict.latency.bounds import unloaded_ms
from capcheck.records import dataclass
from capcheck.search.alternative import Alternative

# Cost, quality lost, latency: less is better on every axis.
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Front:
    """Non-dominated alternatives, cheapest first; `knee` is the index of the balanced one."""

    members: tuple[Alternative, ...] = ()
    knee: int | None = None


NO_FRONT = Front()


def is_surely_beaten(started: Started, found: Sequence[Alternative]) -> bool:
    """Whether one of `found`, none of them dearer, beats what this could be at its best.

    No p95 latency is below that of a lone request of median lengths.
    """
    shortest = unloaded_ms(started.resolved, started.unloaded.speed)
    quality = started.forecast.quality.score.value
    latency = 0.0 if shortest is None else shortest[2]
    lost = math.inf if quality is None else -quality
    points = (point_of(one) for one in found)
    return any(point is not None and point[1] <= lost and point[2] <= latency for point in points)


def front(offered: Sequence[Alternative]) -> Front:
    """The Pareto front; of equal points the first stays.

    Without a cost an alternative is left out. An unknown score or latency ranks behind every known
    one, so that it never beats what is known.
    """
    points = {
        index: point for index, one in enumerate(offered) if (point := point_of(one)) is not None
    }
    kept = [
        index
        for index, point in points.items()
        if not any(
            _beats(other, point) or (other == point and earlier < index)
            for earlier, other in points.items()
        )
    ]
    kept.sort(key=lambda index: points[index])
    return Front(tuple(offered[i] for i in kept), knee([points[i] for i in kept]))


def point_of(offered: Alternative) -> Point | None:
    """Where an alternative lies; None without a cost."""
    if offered.usd_month is None:
        return None
    quality = offered.forecast.quality.score.value
    latency = offered.forecast.load.latency_ms.p95.value
    return (
        offered.usd_month,
        math.inf if quality is None else -quality,
        math.inf if latency is None else latency,
    )


def knee(points: Sequence[Point]) -> int | None:
    """The point nearest to the best of every axis, each axis scaled to what the front spans.

    Unknown figures lie at the far end. None for fewer than three points: there is nothing between.
    """
    if len(points) < 3:
        return None
    distances = [0.0] * len(points)
    for axis in range(3):
        known = [point[axis] for point in points if point[axis] < math.inf]
        low, high = min(known, default=0.0), max(known, default=0.0)
        for index, point in enumerate(points):
            share = 1.0 if point[axis] == math.inf else (point[axis] - low) / ((high - low) or 1.0)
            distances[index] += share * share
    return min(range(len(points)), key=distances.__getitem__)


def _beats(one: Point, other: Point) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
