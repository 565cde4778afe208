"""What the laws are held against: TR133's forms, the bandwidth ratio, and the class mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from capfit.speed.joint import Group
from capfit.speed.points import Point, weight_bytes
from capfit.speed.shrink import Array

Baseline = Callable[[Sequence[Point], Group], Array]

# TR133 section 5: tokens/s = 72.1 * B^-0.089 on its own card, times the quant's multiplier, times
# the ratio of bandwidths (its card's printed as 556 GB/s).
_TR133_RATE, _TR133_EXPONENT, _TR133_GB_S = 72.1, -0.089, 556.0
_TR133_MULTIPLIERS = ((4.0, 2.3), (5.0, 1.9), (6.0, 1.7), (7.0, 1.5), (9.0, 1.3))


def tr133(points: Sequence[Point], group: Group) -> Array:
    """TR133's power law of one stream, in ms; nothing is fitted, NaN for other loads.

    SOURCE: TR133 section 5.
    """
    found = []
    for p in points:
        if p.kind != "step" or p.sequences > 1:
            found.append(np.nan)
            continue
        rate = _TR133_RATE * p.model.params_b**_TR133_EXPONENT
        bits = p.quant.bits_per_weight
        rate *= next((m for most, m in _TR133_MULTIPLIERS if bits <= most), 1.0)
        found.append(1e3 / (rate * (p.gpu.bandwidth_gb_s or np.nan) / _TR133_GB_S))
    return np.array(found)


def bandwidth_ratio(points: Sequence[Point], group: Group) -> Array:
    """The median of time * bandwidth / bytes over the engine's other groups, scaled back."""
    bytes_per_gb_s = np.array(
        [weight_bytes(p) / ((p.gpu.bandwidth_gb_s or np.nan) * p.ranks) for p in points]
    )
    return _median_of_others(points, group, bytes_per_gb_s)


def class_mean(points: Sequence[Point], group: Group) -> Array:
    """The median time of the same engine and kind over other groups, whatever the model or GPU."""
    return _median_of_others(points, group, np.ones(len(points)))


def _median_of_others(points: Sequence[Point], group: Group, unit: Array) -> Array:
    """NaN where no other group has the engine, kernel and kind."""
    ratio = np.array([p.ms for p in points]) / unit
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for i, p in enumerate(points):
        alike[p.kind, p.traits.host, p.traits.kernel].append(i)
    names = [group(p) for p in points]
    found = np.full(len(points), np.nan)
    for members in alike.values():
        for name in {names[i] for i in members}:
            others = [ratio[i] for i in members if names[i] != name]
            if others:
                mine = [i for i in members if names[i] == name]
                found[mine] = np.median(others) * unit[mine]
    return found


BASELINES: dict[str, Baseline] = {
    "TR133": tr133,
    "bandwidth ratio": bandwidth_ratio,
    "class mean": class_mean,
}
