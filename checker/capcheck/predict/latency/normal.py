"""The standard normal distribution and its quantile."""

from __future__ import annotations

import math


def normal_quantile(share: float) -> float:
    """z with P(Z <= z) = share, 0 < share < 1: Abramowitz and Stegun 26.2.23, |error| < 4.5e-4."""
    tail = min(share, 1.0 - share)
    t = math.sqrt(-2.0 * math.log(tail))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    return z if share > 0.5 else -z


def normal_share(z: float) -> float:
    """The probability that a standard normal deviate does not exceed `z`."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
