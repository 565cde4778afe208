"""One of a user's own measurements, as a class's coefficients see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from capcheck.predict.coefficients import Coefficients
from capcheck.resolution.resolved import Resolved
from numpy.typing import NDArray

from capfit.refit.rows import Own

Array = NDArray[np.float64]

# An interval of 90 % is this many deviations wide on each side.
Z90 = 1.645


@dataclass(frozen=True, slots=True)
class Prior:
    """What the global fit knows of a class's coefficients, on the scale that they are fitted on.

    `names` are the coefficients that own rows may move, `covariance` how far the fit lets one
    class's differ from what it predicts for them.
    """

    names: tuple[str, ...]
    covariance: Array

    @property
    def sd(self) -> Array:
        """The deviations."""
        deviations: Array = np.sqrt(np.diag(self.covariance))
        return deviations


@dataclass(frozen=True, slots=True)
class Measurement:
    """A row that the checker can predict. `measured` and `predicted` are positive, in one unit.

    `touched` is the class it speaks for, `cell` its configuration in words; `noise` is how far the
    logarithms of two measurements of one configuration differ. `values` are the coefficients in
    force, in the units of `figure`: what the interval multiplies.
    """

    row: Own
    resolved: Resolved
    section: str
    touched: str
    cell: str
    measured: float
    predicted: Callable[[Coefficients], float]
    prior: Prior
    noise: float
    values: Callable[[Coefficients], Mapping[str, float]]
    figure: str
