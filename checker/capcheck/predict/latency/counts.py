"""How many others arrive in a time: quantiles of counts."""

from __future__ import annotations

import math

from capcheck.predict.latency.lengths import gamma_at_normal

FEW = 6.0  # up to this mean a count is counted, above it a gamma is close enough
MOST = 100  # where a count that its arrivals lengthen without end is cut off
NEGLIGIBLE = 1e-4  # a share that no draw falls into


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
    count = 0
    if not stretch:
        while below < share and count < MOST:
            count += 1
            factor *= mean / count
            below += factor
        return float(count)
    decay = math.exp(-stretch)
    while below < share and count < MOST:
        count += 1
        factor *= decay / count
        below += factor * mean * (mean + count * stretch) ** (count - 1)
    return float(count)


def shares_up_to(mean: float, stretch: float) -> list[float]:
    """Of a mean of up to FEW, the shares that do not exceed 0, 1, 2, ...; the last one is all.

    Where a share belongs among them is its `count_at`.
    """
    mean = max(0.0, min(FEW, mean))
    below = factor = math.exp(-mean)
    decay = math.exp(-stretch)
    shares = [below]
    while below < 1.0 - NEGLIGIBLE and len(shares) <= MOST:
        count = len(shares)
        factor *= decay / count
        below += factor * mean * (mean + count * stretch) ** (count - 1)
        shares.append(below)
    shares[-1] = 1.0
    return shares
