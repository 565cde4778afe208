"""What the other groups of a hold-out know of a point: its GPU, its kind of GPU, or neither."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal

from capcheck.predict.speed.traits import flagged_kernels

from capfit.speed.points import Point

Support = Literal["interpolated", "extrapolated", "remote"]

Group = Callable[[Point], Hashable]


def support(points: Sequence[Point], group: Group, every: Sequence[Point] = ()) -> list[Support]:
    """The provenance class of every point when its group is left out, as the checker names it.

    `interpolated`: the engine was measured on this GPU in another group. `extrapolated`: not on
    this GPU, but on one with its kind of memory, and with these kernels for this kind of model.
    `remote`: even these are new to the engine. GPUs count where `points` (those of one law) have
    them, kinds also where `every` point has them: one stream tells what memory can do for a batch.
    """
    groups: dict[Hashable, set[Hashable]] = defaultdict(set)
    for point in points:
        groups[_gpu(point)].add(group(point))
    for point in every or points:
        for key in _kinds(point):
            groups[key].add(group(point))
    return [_support(point, groups, group(point)) for point in points]


def _support(point: Point, groups: Mapping[Hashable, set[Hashable]], mine: Hashable) -> Support:
    if any(groups[key] <= {mine} for key in _kinds(point)):
        return "remote"
    return "extrapolated" if groups[_gpu(point)] <= {mine} else "interpolated"


def _gpu(point: Point) -> Hashable:
    return ("gpu", point.traits.host, point.traits.gpu)


def _kinds(point: Point) -> list[Hashable]:
    traits = point.traits
    kinds = [("kernel", traits.kernel), ("memory", traits.memory)]
    kinds += [("flag", flag) for flag in traits.flags]
    kinds += [("flagged", name) for name in flagged_kernels(traits)]
    return [(traits.host, *kind) for kind in kinds]
