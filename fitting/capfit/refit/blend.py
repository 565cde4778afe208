"""The posterior of one class's coefficients: the global fit as the prior, own rows as likelihood.

Both are Gaussian on the fitting scale (logarithms of times, logits of shares). The prior of a
class is centred on the global fit; its variance is what the global fit allows one GPU and
architecture to differ by (`capfit.speed.forms.PRIORS`), coefficients independent. The posterior is
found by Gauss-Newton, its covariance from the last step. SOURCE: MacKay, Information Theory,
Inference, and Learning Algorithms, 2003, chapter 27 (Laplace's method).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from capcheck.predict.coefficients import Coefficients
from numpy.typing import NDArray

from capfit.refit.rows import Measurement
from capfit.speed.forms import PRIORS, SCALE

Array = NDArray[np.float64]

# The coefficients that own rows of a section may move: what a stream's times hang on.
MOVED: Mapping[str, tuple[str, ...]] = {
    "decode": ("floor", "efficiency"),
    "prefill": ("utilisation", "request_overhead"),
}
# The kinds of trait that tell one GPU from another; an engine's own overhead varies by engine.
_KINDS = ("arch", "host-arch", "gpu")
_NOISE = {"decode": SCALE["step"], "prefill": SCALE["prefill"]}
_BUMP, _STEPS = 1e-4, 20
_Z90 = 1.645


@dataclass(frozen=True, slots=True)
class Blend:
    """The posterior of one class: shifts from the prior, their deviations, and how it predicts.

    `before` and `after` are mean absolute log errors on rows left out in turn, by the prior and by
    the refit of the others. `low` and `high` bound 90 % of a time, as multipliers.
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
    section = rows[0].section
    names = MOVED[section]
    start = _log_errors(rows, prior, touched, np.zeros(len(names)))
    shift, covariance, slopes = _posterior(rows, prior, touched)
    left_out = np.array(
        [
            _log_errors([row], prior, touched, _posterior(others, prior, touched)[0])[0]
            for row, others in _leave_one_out(rows)
        ]
    )
    of_law = max(float(slope @ covariance @ slope) for slope in slopes)
    spread = _Z90 * math.sqrt(_NOISE[section] ** 2 + of_law)
    off = max(spread, _conformal(left_out))
    return Blend(
        touched=touched,
        section=section,
        rows=len(rows),
        cells=tuple(sorted({row.cell for row in rows})),
        shift=dict(zip(names, map(float, shift), strict=True)),
        sd=dict(zip(names, map(float, np.sqrt(np.diag(covariance))), strict=True)),
        prior_sd=dict(zip(names, map(float, _prior_sd(names)), strict=True)),
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
    section = rows[0].section
    names = MOVED[section]
    precision = np.diag(1.0 / _prior_sd(names) ** 2)
    noise = _NOISE[section]
    shift: Array = np.zeros(len(names))
    for _ in range(_STEPS):
        error = _log_errors(rows, prior, touched, shift)
        slopes = np.column_stack(
            [
                (error - _log_errors(rows, prior, touched, shift + _BUMP * unit)) / _BUMP
                for unit in np.eye(len(names))
            ]
        )
        normal = slopes.T @ slopes / noise**2 + precision
        gradient = slopes.T @ error / noise**2 - precision @ shift
        step = np.linalg.solve(normal, gradient).astype(np.float64)
        shift = shift + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return shift, np.linalg.inv(normal).astype(np.float64), slopes


def _log_errors(
    rows: Sequence[Measurement], prior: Coefficients, touched: str, shift: Array
) -> Array:
    """log(measured / predicted) of every row with the class shifted."""
    names = MOVED[rows[0].section]
    entry = {
        "shift": dict(zip(names, map(float, shift), strict=True)),
        "rows": 0,
        "cells": [],
        "interval": [1.0, 1.0],
    }
    candidate = with_classes(prior, {touched: entry})
    return np.array([math.log(row.ms / row.predicted_ms(candidate)) for row in rows])


def _prior_sd(names: Sequence[str]) -> Array:
    found = []
    for name in names:
        spread = PRIORS[name][1]
        kinds = [spread[kind] for kind in _KINDS if kind in spread] or [spread["engine"]]
        found.append(math.hypot(*kinds))
    return np.array(found)


def _leave_one_out(
    rows: Sequence[Measurement],
) -> list[tuple[Measurement, list[Measurement]]]:
    return [(row, [other for other in rows if other is not row]) for row in rows]


def _conformal(errors: Array) -> float:
    """The absolute error that a new row keeps to nine times in ten; the worst of few."""
    ordered = np.sort(np.abs(errors))
    rank = min(math.ceil((len(ordered) + 1) * 0.9), len(ordered))
    return float(ordered[rank - 1])
