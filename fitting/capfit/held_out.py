"""One measurement predicted by a fit that did not see its group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A figure predicted from the other groups; `low` and `high` bound 90 %.

    `predictor` and `backend` file it, `metric` names the figure with its unit, `group` is what was
    held out with it, `what` says the case in words. `baselines` is what simpler rules say, by
    name; NaN where they cannot.
    """

    predictor: str
    backend: str
    metric: str
    group: str
    what: str
    predicted: float
    low: float
    high: float
    measured: float
    baselines: Mapping[str, float]

    @property
    def error(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted / self.measured - 1.0

    @property
    def log_error(self) -> float:
        """log(measured / predicted)."""
        return math.log(self.measured / self.predicted)

    @property
    def covered(self) -> bool:
        """Whether the interval holds the measurement."""
        return self.low <= self.measured <= self.high
