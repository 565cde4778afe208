"""How many others arrive in a time: quantiles of counts."""

from __future__ import annotations

import math

from capcheck.predict.latency.lengths import gamma_at_normal

FEW = 6.0  # up to this mean a count is counted, above it a gamma is close enough


def none_up_to(share: float) -> float:
    """The largest mean whose `count_at` is 0 at this share: P(none) = exp(-mean)."""
    return min(FEW, -math.log(share))


def count_at(mean: float, stretch: float, share: float, z: float) -> float:
    """Poisson arrivals in a time that each of them lengthens by `stretch` times their mean gap.

    `mean` is the mean count in the time without them; `z` the normal deviate of `share`, the share
    of the draws that do not exceed the answer. Generalised Poisson (Consul and Jain 1973):
    mean / (1 - stretch) arrivals with variance mean / (1 - stretch)^3.
    """
    if mean <= 0.0:
        return 0.0
    if mean > FEW:
        left = 1.0 - stretch
        return gamma_at_normal(mean / left, 1.0 / math.sqrt(mean * left), z)
    below = factor = math.exp(-mean)
    if below >= share:
        return 0.0
    decay = math.exp(-stretch)
    count = 0
    while below < share and count < 100:
        count += 1
        factor *= decay / count
        below += factor * mean * (mean + count * stretch) ** (count - 1)
    return float(count)
