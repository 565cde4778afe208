"""Intervals from held-out residuals: how far a time may be off, by engine and provenance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from capcheck.predict.speed.certainty import interval_class

from capfit.speed.joint import Group, weights
from capfit.speed.points import Point
from capfit.speed.shrink import Array

SECTIONS = ("decode", "step", "prefill")

# Tails tried, widest share of residuals outside first: groups differ, so the 5 % on each side of
# the residuals at hand do not cover 90 % of a new group.
TAILS = (0.05, 0.04, 0.03, 0.025, 0.02, 0.015)
WANTED = 0.90

# Residuals that a class needs for an interval of its own.
MINIMUM = 25
# The fit saw these cells: its residuals are too small by its freedom.
REPEATED = 1.25

Interval = tuple[float, float]


def section_of(point: Point) -> str:
    """The law whose interval speaks for a point."""
    if point.kind in {"prefill", "ttft"}:
        return "prefill"
    return "decode" if point.kind == "step" and point.sequences == 1 else "step"


def residuals(points: Sequence[Point], predicted: Array) -> Array:
    """log(measured / predicted) of every point."""
    found: Array = np.log([p.ms for p in points]) - np.log(predicted)
    return found


def quantiles(values: Array, shares: Array, tail: float) -> Interval:
    """Both tails of weighted log residuals, as multipliers of a time that hold 1.

    The level is that of a finite sample: one more residual beyond each end.
    """
    order = np.argsort(values, kind="stable")
    r, w = values[order], shares[order]
    at = (np.cumsum(w) - w / 2) / w.sum()
    level = tail * len(r) / (len(r) + 1)
    low, high = np.interp([level, 1 - level], at, r)
    return float(np.exp(min(low, -0.01))), float(np.exp(max(high, 0.01)))


def cross_fitted(
    points: Sequence[Point], residual: Array, group: Group, tail: float
) -> list[Interval]:
    """For every point, an interval that its group had no part in."""
    names = _codes([group(p) for p in points])
    levels = [
        _codes([(section_of(p), interval_class(p.traits)) for p in points]),
        _codes([(section_of(p), p.traits.host) for p in points]),
        _codes([section_of(p) for p in points]),
    ]
    share = weights(points)
    known: dict[tuple[int, int], Interval] = {}
    found = []
    for i, name in enumerate(names):
        key = (levels[0][i], name)
        if key not in known:
            for level in levels:
                pool = (level == level[i]) & (names != name)
                if pool.sum() >= MINIMUM:
                    break
            known[key] = quantiles(residual[pool], share[pool], tail)
        found.append(known[key])
    return found


def coverage(residual: Array, intervals: Sequence[Interval]) -> float:
    """The share of residuals inside their intervals."""
    low, high = np.log(np.array(intervals)).T
    return float(np.mean((low <= residual) & (residual <= high)))


def tail_for(points: Sequence[Point], residual: Array, group: Group) -> float:
    """The widest tails whose cross-fitted intervals cover what is wanted."""
    for tail in TAILS:
        if coverage(residual, cross_fitted(points, residual, group, tail)) >= WANTED:
            return tail
    return TAILS[-1]


def table(
    points: Sequence[Point], fitted: Array, models_out: Array, gpus_out: Array, tails: Interval
) -> Mapping[str, Mapping[str, Interval]]:
    """The intervals of one section by class and provenance; `*` is all classes together."""
    share = weights(points)
    members: dict[str, list[int]] = defaultdict(list)
    for i, point in enumerate(points):
        for name in dict.fromkeys((interval_class(point.traits), point.traits.host, "*")):
            members[name].append(i)
    found = {}
    for name, indices in sorted(members.items()):
        if name != "*" and len(indices) < MINIMUM:
            continue
        at = np.array(indices)
        other_model = quantiles(models_out[at], share[at], tails[0])
        other_gpu = _outer(quantiles(gpus_out[at], share[at], tails[1]), other_model)
        repeated = _inner(quantiles(REPEATED * fitted[at], share[at], 0.05), other_model)
        found[name] = {
            "repeated": repeated,
            "interpolated": other_model,
            "extrapolated": other_gpu,
        }
    return found


def _codes(names: Sequence[Hashable]) -> Array:
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names])


def _outer(one: Interval, other: Interval) -> Interval:
    return min(one[0], other[0]), max(one[1], other[1])


def _inner(one: Interval, other: Interval) -> Interval:
    return max(one[0], other[0]), min(one[1], other[1])
