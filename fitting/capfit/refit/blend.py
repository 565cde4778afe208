"""The posterior of one class's coefficients: the global fit as the prior, own rows as likelihood.

Both are Gaussian on the fitting scale (logarithms of times, logits of shares; GiB, shares of the
items). The prior of a class is centred on the global fit; its covariance is what that fit lets one
class differ by (`Prior`). The posterior is found by Gauss-Newton, its covariance from the last
step. SOURCE: MacKay, Information Theory,
Inference, and Learning Algorithms, 2003, chapter 27 (Laplace's method).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from capcheck.predict.coefficients import Coefficients

from capfit.refit.measurement import Z90, Array, Measurement

_BUMP, _STEPS = 1e-4, 20


@dataclass(frozen=True, slots=True)
class Blend:
    """The posterior of one class: shifts from the prior, their deviations, and how it predicts.

    `before` and `after` are mean absolute log errors on rows left out in turn, by the prior and by
    the refit of the others. `low` and `high` bound 90 % of the class's figure, as multipliers.
    """

    touched: str
    section: str
    rows: int
    cells: tuple[str, ...]
    shift: Mapping[str, float]
    sd: Mapping[str, float]
    prior_sd: Mapping[str, float]
    before: float
    after: float
    low: float
    high: float

    def entry(self) -> dict[str, Any]:
        """The class as the artifact holds it."""
        return {
            "shift": dict(self.shift),
            "sd": dict(self.sd),
            "rows": self.rows,
            "cells": list(self.cells),
            "interval": [self.low, self.high],
        }


def blend(touched: str, rows: Sequence[Measurement], prior: Coefficients) -> Blend:
    """The posterior of one class from its own rows, and its errors on rows left out."""
    prior_of, noise = rows[0].prior, _noise(rows)
    start = _log_errors(rows, prior, touched, np.zeros(len(prior_of.names)))
    shift, covariance, slopes = _posterior(rows, prior, touched)
    left_out = np.array(
        [
            _log_errors([row], prior, touched, _posterior(others, prior, touched)[0])[0]
            for row, others in _leave_one_out(rows)
        ]
    )
    of_law = max(float(slope @ covariance @ slope) for slope in slopes)
    spread = Z90 * math.sqrt(noise**2 + of_law)
    off = max(spread, _conformal(left_out))
    return Blend(
        touched=touched,
        section=rows[0].section,
        rows=len(rows),
        cells=tuple(sorted({row.cell for row in rows})),
        shift=dict(zip(prior_of.names, map(float, shift), strict=True)),
        sd=dict(zip(prior_of.names, map(float, np.sqrt(np.diag(covariance))), strict=True)),
        prior_sd=dict(zip(prior_of.names, map(float, prior_of.sd), strict=True)),
        before=float(np.abs(start).mean()),
        after=float(np.abs(left_out).mean()),
        low=math.exp(-off),
        high=math.exp(off),
    )


def with_classes(
    prior: Coefficients, classes: Mapping[str, Any], *, version: str | None = None
) -> Coefficients:
    """The coefficients with the classes of a refit added or replaced."""
    known = prior.sections.get("refit", {}).get("classes", {})
    sections = {**prior.sections, "refit": {"classes": {**known, **classes}}}
    return replace(prior, version=version or prior.version, sections=sections)


def _posterior(
    rows: Sequence[Measurement], prior: Coefficients, touched: str
) -> tuple[Array, Array, Array]:
    """Mean and covariance of the shifts, and how each row's log time follows them."""
    names = rows[0].prior.names
    precision = np.linalg.inv(rows[0].prior.covariance)
    weights = np.array([row.noise**-2 for row in rows])
    shift: Array = np.zeros(len(names))
    for _ in range(_STEPS):
        error = _log_errors(rows, prior, touched, shift)
        slopes = np.column_stack(
            [
                (error - _log_errors(rows, prior, touched, shift + _BUMP * unit)) / _BUMP
                for unit in np.eye(len(names))
            ]
        )
        normal = slopes.T @ (slopes * weights[:, None]) + precision
        gradient = slopes.T @ (error * weights) - precision @ shift
        step = np.linalg.solve(normal, gradient).astype(np.float64)
        shift = shift + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return shift, np.linalg.inv(normal).astype(np.float64), slopes


def _log_errors(
    rows: Sequence[Measurement], prior: Coefficients, touched: str, shift: Array
) -> Array:
    """log(measured / predicted) of every row with the class shifted."""
    names = rows[0].prior.names
    entry = {
        "shift": dict(zip(names, map(float, shift), strict=True)),
        "rows": 0,
        "cells": [],
        "interval": [1.0, 1.0],
    }
    candidate = with_classes(prior, {touched: entry})
    return np.array([math.log(row.measured / row.predicted(candidate)) for row in rows])


def _noise(rows: Sequence[Measurement]) -> float:
    """The usual scatter of one row."""
    return math.sqrt(sum(row.noise**2 for row in rows) / len(rows))


def _leave_one_out(
    rows: Sequence[Measurement],
) -> list[tuple[Measurement, list[Measurement]]]:
    return [(row, [other for other in rows if other is not row]) for row in rows]


def _conformal(errors: Array) -> float:
    """The absolute error that a new row keeps to nine times in ten; the worst of few."""
    ordered = np.sort(np.abs(errors))
    rank = min(math.ceil((len(ordered) + 1) * 0.9), len(ordered))
    return float(ordered[rank - 1])
