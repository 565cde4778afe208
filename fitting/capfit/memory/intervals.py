"""How far a prediction may be off, from the residuals of groups that the fit did not see."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

SHARE = 0.90


def bounds(residuals: Iterable[tuple[str, float]]) -> tuple[float, float]:
    """The least and the greatest residual that a new group will keep to, nine times in ten.

    `residuals` are pairs of a group and a residual. Of every group counts its worst on each side;
    with few groups the bound is the worst of all. Both ends hold 0. SOURCE: split-conformal
    quantile, rank ceil((n + 1) * share) of n groups (Vovk et al., 2005), 0.05 on each side.
    """
    least: dict[str, float] = defaultdict(float)
    greatest: dict[str, float] = defaultdict(float)
    for group, residual in residuals:
        least[group] = min(least[group], residual)
        greatest[group] = max(greatest[group], residual)
    return -_quantile(-value for value in least.values()), _quantile(greatest.values())


def _quantile(values: Iterable[float]) -> float:
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = math.ceil((len(ordered) + 1) * (1 - (1 - SHARE) / 2))
    return ordered[min(rank, len(ordered)) - 1]
