"""The alternatives that no other beats in cost, quality and p95 latency at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from capcheck.judge import Checked, Context, Started
from capcheck.manifest.deployment import LatencyLimit, Slo
from capcheck.predict.forecast import Quality
from capcheck.predict.latency.bounds import surely_breaks, unloaded_ms
from capcheck.records import dataclass, replace
from capcheck.search.alternative import Alternative
from capcheck.search.prospects import Prospects
from capcheck.search.replication import Replication
from capcheck.search.space import Family, late_by

# Cost, quality lost, latency: less is better on every axis.
Point = tuple[float, float, float]
QUALITY = 1


@dataclass(frozen=True, slots=True)
class Front:
    """What no other beats, cheapest first; `knee` is the index of the balanced one.

    Today's own is among them, without edits, where it passes and none beats it.
    """

    members: tuple[Alternative, ...] = ()
    knee: int | None = None


NO_FRONT = Front()


def is_surely_beaten(started: Started, found: Sequence[Alternative]) -> bool:
    """Whether one of `found`, none of them dearer, beats what this could be at its best.

    No p95 latency is below that of a lone request of median lengths, nor below what is sure of it
    with the most replicas.
    """
    best_ms = _best_ms(started.forecast.quality, found)
    resolved, speed = started.resolved, started.unloaded.speed
    shortest = unloaded_ms(resolved, speed)
    if best_ms == math.inf or shortest is None:
        return False
    if best_ms <= shortest[2]:
        return True
    most = replace(resolved, replicas_min=Replication(resolved).limit)
    return surely_breaks(most, speed, started.forecast.memory, _within(best_ms))


def unbeaten(
    families: Iterable[Family],
    today: Checked,
    context: Context,
    found: Sequence[Alternative],
    *,
    above_usd_month: float,
) -> Iterator[Family]:
    """Families in their order without those above a cost that `found`, as it grows, surely beats.

    Told from a lone request's time; `found` is never dearer than what is asked for next.
    """
    replication = Replication(today.resolved)
    prospects = Prospects(today, context, replication, end="value")
    for family in families:
        if family.usd_month(replication.fewest) > above_usd_month:
            within = _within(_best_ms(prospects.predicted_quality(family), found)).latency
            alone, least_ms = prospects.alone(family), family.least_ms(prospects.steps)
            if late_by(within, least_ms) > 0 or late_by(within, alone.lone_ms(end="value")) > 0:
                continue
        yield family


def _best_ms(quality: Quality, found: Sequence[Alternative]) -> float:
    """The shortest p95 latency of those that are as good or better."""
    score = quality.score.value
    lost = math.inf if score is None else -score
    points = (point_of(one) for one in found)
    return min((point[2] for point in points if point and point[1] <= lost), default=math.inf)


def _within(best_ms: float) -> Slo:
    return Slo((LatencyLimit("latency", 95, best_ms, "/slo/latency_p95"),))


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

    Cost and latency are told apart by their ratio: of a front from $800 to $64,000 what costs
    $8,000 is in the middle. Unknown figures lie at the far end. None for fewer than three points:
    there is nothing between.
    """
    if len(points) < 3:
        return None
    distances = [0.0] * len(points)
    for axis in range(3):
        scale = [point[axis] if axis == QUALITY else _log(point[axis]) for point in points]
        known = [place for place in scale if place < math.inf]
        low, high = min(known, default=0.0), max(known, default=0.0)
        for index, place in enumerate(scale):
            share = 1.0 if place == math.inf else (place - low) / ((high - low) or 1.0)
            distances[index] += share * share
    return min(range(len(points)), key=distances.__getitem__)


def _log(value: float) -> float:
    return math.log(max(value, 1e-9))


def _beats(one: Point, other: Point) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
