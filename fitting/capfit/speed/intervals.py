"""Intervals from held-out residuals: how far a time may be off, by engine and provenance."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np
from capcheck.predict.speed.certainty import interval_class

from capfit.speed.joint import Group, weights
from capfit.speed.points import Point
from capfit.speed.shrink import Array
from capfit.speed.support import Support, support

SECTIONS = ("decode", "step", "prefill")
WANTED = 0.90

# Shares of residuals left outside on each side. Groups differ, so the 5 % of the residuals at hand
# do not cover 90 % of a new group: the widest tails that do, on other groups, are taken.
TAILS = (0.08, 0.065, 0.05, 0.04, 0.03, 0.025, 0.02, 0.015, 0.01)

# Residuals and groups that a class needs for an interval of its own.
MINIMUM, GROUPS = 25, 3
# What was never measured is as unlike the groups at hand as these are unlike each other: its tails
# leave out less, by this share of a group on each side.
GROUP_SHARE: Mapping[Support, float] = {"remote": 0.5}
# The fit saw these cells: its residuals are too small by its freedom.
REPEATED = 1.25

Interval = tuple[float, float]
Fold = tuple[Array, Group]


def section_of(point: Point) -> str:
    """The law whose interval speaks for a point."""
    if point.kind in {"prefill", "ttft"}:
        return "prefill"
    return "decode" if point.kind == "step" and point.sequences == 1 else "step"


def residuals(points: Sequence[Point], predicted: Array) -> Array:
    """log(measured / predicted) of every point."""
    found: Array = np.log([p.ms for p in points]) - np.log(predicted)
    return found


def quantiles(values: Array, shares: Array, tail: float, group_share: float = 0.0) -> Interval:
    """Both tails of weighted log residuals, as multipliers of a time that hold 1.

    The level is that of a finite sample: one more residual beyond each end, less `group_share`.
    """
    order = np.argsort(values, kind="stable")
    r, w = values[order], shares[order]
    at = (np.cumsum(w) - w / 2) / w.sum()
    level = max(0.0, tail * len(r) / (len(r) + 1) - group_share)
    low, high = np.interp([level, 1 - level], at, r)
    return float(np.exp(min(low, -0.01))), float(np.exp(max(high, 0.01)))


def cross_fitted(
    points: Sequence[Point],
    residual: Array,
    group: Group,
    tail: float,
    known: Sequence[Support] = (),
) -> list[Interval]:
    """For every point of a section, an interval that its group had no part in.

    Its residuals are those of points that their own hold-out knew as little of (`known`, what
    `support` says), of the same engine and kind of model where other groups have enough of them.
    """
    names = _codes([group(p) for p in points])
    known = known or support(points, group)
    hosts = [p.traits.host for p in points]
    classes = [interval_class(p.traits) for p in points]
    levels = [_codes(list(zip(known, by, strict=True))) for by in (classes, hosts)]
    levels += [_codes(known), np.zeros(len(points), int)]
    share = weights(points)
    cached: dict[tuple[int, int], Interval] = {}
    found = []
    for i, name in enumerate(names):
        key = (levels[0][i], name)
        if key not in cached:
            for level in levels:
                pool = (level == level[i]) & (names != name)
                if _enough(pool, names):
                    break
            spare = _group_share(known[i], names[pool])
            cached[key] = quantiles(residual[pool], share[pool], tail, spare)
        found.append(cached[key])
    return found


def honest(
    points: Sequence[Point], residual: Array, group: Group, known: Sequence[Support] = ()
) -> list[Interval]:
    """`cross_fitted`, with the tails of every group chosen by the coverage of the other groups.

    Each host and kind of support has its own tails. The intervals that the others are covered by
    have its residuals in their pools, which can only narrow its own.
    """
    names = _codes([group(p) for p in points])
    known = known or support(points, group)
    tried = _tried(points, residual, group, known)
    found: list[Interval] = list(tried[-1][0])
    for kind in dict.fromkeys(known):
        for mine, judged in _hosts(points, names, known, kind):
            for name in dict.fromkeys(names[mine].tolist()):
                tail = _widest(tried, judged & (names != name))
                for i in np.flatnonzero(mine & (names == name)):
                    found[i] = tried[tail][0][i]
    return found


def coverage(residual: Array, intervals: Sequence[Interval]) -> float:
    """The share of residuals inside their intervals."""
    return float(np.mean(_inside(residual, intervals)))


def tails(
    points: Sequence[Point],
    residual: Array,
    group: Group,
    known: Sequence[Support],
    kind: Support,
) -> dict[str, float]:
    """The widest tails whose cross-fitted intervals cover what is wanted of one kind of support.

    By host, where it has such points, and `*`.
    """
    names = _codes([group(p) for p in points])
    tried = _tried(points, residual, group, known)
    alike = np.array(known) == kind
    found = {"*": TAILS[_widest(tried, alike if alike.any() else ~alike)]}
    for mine, judged in _hosts(points, names, known, kind):
        host = points[int(np.flatnonzero(mine)[0])].traits.host
        found[host] = TAILS[_widest(tried, judged)]
    return found


Tried = list[tuple[list[Interval], Array]]


def _tried(
    points: Sequence[Point], residual: Array, group: Group, known: Sequence[Support]
) -> Tried:
    """Per tail, the intervals of all points and whether they hold."""
    bounds = [cross_fitted(points, residual, group, tail, known) for tail in TAILS]
    return [(each, _inside(residual, each)) for each in bounds]


def _widest(tried: Tried, points: Array) -> int:
    held = [bool(points.any()) and float(inside[points].mean()) >= WANTED for _, inside in tried]
    return held.index(True) if True in held else len(TAILS) - 1


def _hosts(
    points: Sequence[Point], names: Array, known: Sequence[Support], kind: Support
) -> Iterator[tuple[Array, Array]]:
    """The points of one kind of every host, and those whose coverage speaks for them.

    Its own if they are of many groups, else that kind of all hosts, else all.
    """
    hosts, alike = np.array([p.traits.host for p in points]), np.array(known) == kind
    for host in sorted(set(hosts[alike].tolist())):
        mine = alike & (hosts == host)
        choices = (mine, alike, np.ones(len(points), bool))
        many = [len(set(names[each].tolist())) >= 2 * GROUPS for each in choices]
        yield mine, choices[many.index(True) if True in many else -1]


def _group_share(kind: Support, names: Array) -> float:
    """How much less the tails of one kind of support leave out, where these groups speak for it."""
    return GROUP_SHARE.get(kind, 0.0) / max(1, len(set(names.tolist())))


def table(
    points: Sequence[Point],
    fitted: Array,
    models_out: Fold,
    gpus_out: Fold,
    every: Sequence[Point] = (),
) -> Mapping[str, Mapping[str, Interval]]:
    """The intervals of one section by class and provenance; `*` is all classes together.

    A class has those for which it has enough residuals; each holds those of closer provenance.
    """
    share = weights(points)
    kinds: dict[Support, Fold] = {
        **{"interpolated": models_out, "extrapolated": gpus_out, "remote": gpus_out}
    }
    known = {kind: support(points, group, every) for kind, (_, group) in kinds.items()}
    chosen = {kind: tails(points, *fold, known[kind], kind) for kind, fold in kinds.items()}
    alike = {kind: np.array(known[kind]) == kind for kind in kinds}
    found: dict[str, dict[str, Interval]] = {}
    for name, members in _classes(points):
        entry: dict[str, Interval] = {}
        if members.sum() >= MINIMUM or name == "*":
            entry["repeated"] = quantiles(REPEATED * fitted[members], share[members], 0.05)
        inner: Interval = (1.0, 1.0)
        for kind, (residual, group) in kinds.items():
            pool = members & alike[kind]
            names = _codes([group(p) for p in points])
            if name == "*" and not pool.any():
                pool = members
            if name == "*" or _enough(pool, names):
                tail = chosen[kind].get(name.split()[0], chosen[kind]["*"])
                spare = _group_share(kind, names[pool])
                inner = _outer(quantiles(residual[pool], share[pool], tail, spare), inner)
                entry[kind] = inner
        if "repeated" in entry and "interpolated" in entry:
            entry["repeated"] = _inner(entry["repeated"], entry["interpolated"])
        if entry:
            found[name] = entry
    return found


def _classes(points: Sequence[Point]) -> Iterator[tuple[str, Array]]:
    names = [(interval_class(p.traits), p.traits.host, "*") for p in points]
    for name in sorted({name for each in names for name in each}):
        yield name, np.array([name in each for each in names])


def _enough(pool: Array, names: Array) -> bool:
    return bool(pool.sum() >= MINIMUM and len(set(names[pool].tolist())) >= GROUPS)


def _inside(residual: Array, intervals: Sequence[Interval]) -> Array:
    low, high = np.log(np.array(intervals)).T
    found: Array = (low <= residual) & (residual <= high)
    return found


def _codes(names: Sequence[Hashable]) -> Array:
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names])


def _outer(one: Interval, other: Interval) -> Interval:
    return min(one[0], other[0]), max(one[1], other[1])


def _inner(one: Interval, other: Interval) -> Interval:
    return max(one[0], other[0]), min(one[1], other[1])
