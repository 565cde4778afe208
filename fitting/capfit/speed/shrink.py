"""Robust penalised least squares for coefficients that are sums of shrunk deviations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

Array = NDArray[np.float64]
Predict = Callable[[Sequence[Array]], Array]

_BUMP = 1e-4

# Below it steps overshoot along the valleys that coefficients share, and the fit crawls.
_LEAST_DAMPING = 1e-2


@dataclass(frozen=True)
class Law:
    """One coefficient on its fitting scale: a mean, and the prior spread of each kind of trait.

    `spread` maps the part of a trait before `=` ("host", "gpu", "" for the mean itself) to the
    standard deviation of its deviations; `other` is that of kinds not listed.
    """

    name: str
    mean: float
    spread: Mapping[str, float]
    other: float = 0.3


class Design:
    """Which deviations make up each law's value in each row.

    Rows that share their traits in every law share one line of the design, so that the normal
    equations are summed over settings, not over rows.
    """

    def __init__(self, laws: Sequence[Law], traits: Sequence[Sequence[tuple[str, ...]]]) -> None:
        """`traits[i][j]` are the traits of row j in law i."""
        self.laws = tuple(laws)
        settings: dict[tuple[tuple[str, ...], ...], int] = {}
        rows = zip(*traits, strict=True)
        self.setting = np.array([settings.setdefault(row, len(settings)) for row in rows], int)
        self.count = len(settings)
        self.keys = [sorted({k for row in settings for k in row[i]}) for i in range(len(laws))]
        self.offsets = np.cumsum([0, *map(len, self.keys)])
        spread = [
            law.spread.get(key.split("=")[0], law.other)
            for law, keys in zip(laws, self.keys, strict=True)
            for key in keys
        ]
        self.precision = 1.0 / np.array(spread) ** 2
        blocks = [
            _incidence([row[i] for row in settings], keys) for i, keys in enumerate(self.keys)
        ]
        self.matrix = sparse.block_diag(blocks, format="csr")
        self.transposed = self.matrix.T.tocsr()

    def values(self, theta: Array) -> list[Array]:
        """Every law's value in every row."""
        lines = (self.matrix @ theta).reshape(len(self.laws), self.count)
        return [law.mean + line[self.setting] for law, line in zip(self.laws, lines, strict=True)]

    def gather(self, rows: Array) -> Array:
        """Sum rows (laws x rows) over settings, then over deviations."""
        summed = [np.bincount(self.setting, row, self.count) for row in rows]
        gathered: Array = self.transposed @ np.concatenate(summed)
        return gathered

    def normal(self, slopes: Array, weights: Array) -> Array:
        """The matrix of the normal equations, penalty excluded."""
        n, count = len(self.laws), self.count
        at = np.arange(count)
        data, row, column = [], [], []
        for i in range(n):
            weighted = weights * slopes[i]
            for j in range(i, n):
                block = np.bincount(self.setting, weighted * slopes[j], count)
                data.append(block)
                row.append(i * count + at)
                column.append(j * count + at)
                if i != j:
                    data.append(block)
                    row.append(j * count + at)
                    column.append(i * count + at)
        inner = sparse.csr_matrix(
            (np.concatenate(data), (np.concatenate(row), np.concatenate(column))),
            shape=(n * count, n * count),
        )
        product: Array = (self.transposed @ inner @ self.matrix).toarray()
        return product

    def tables(self, theta: Array) -> dict[str, dict[str, float]]:
        """Every law's deviations by trait."""
        return {
            law.name: dict(zip(keys, theta[start:stop].tolist(), strict=True))
            for law, keys, start, stop in zip(
                self.laws, self.keys, self.offsets[:-1], self.offsets[1:], strict=True
            )
        }


def _incidence(rows: Sequence[Sequence[str]], keys: Sequence[str]) -> sparse.csr_matrix:
    at = {key: i for i, key in enumerate(keys)}
    pairs = np.array([(i, at[k]) for i, row in enumerate(rows) for k in row], int).reshape(-1, 2)
    return sparse.csr_matrix(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(keys))
    )


def slopes_of(log_prediction: Predict, values: Sequence[Array], scale: Array) -> Array:
    """How each scaled log prediction changes with each law's value: laws x rows."""
    base = log_prediction(values)
    slopes = np.empty((len(values), len(base)))
    for i, value in enumerate(values):
        bumped = list(values)
        bumped[i] = value + _BUMP
        slopes[i] = (log_prediction(bumped) - base) / (_BUMP * scale)
    return slopes


def loss(
    design: Design,
    log_prediction: Predict,
    target: Array,
    weights: Array,
    scale: Array,
    theta: Array,
) -> float:
    """What `minimise` minimises: sum w * 2 * (sqrt(1 + r^2) - 1) + sum (theta / spread)^2."""
    r = (log_prediction(design.values(theta)) - target) / scale
    misfit = weights * 2 * (np.sqrt(1 + r * r) - 1)
    return float(misfit.sum() + (theta**2 * design.precision).sum())


def minimise(
    design: Design,
    log_prediction: Predict,
    target: Array,
    weights: Array,
    scale: Array,
    *,
    start: Array | None = None,
    iterations: int = 60,
    tolerance: float = 2e-5,
) -> Array:
    """The deviations with the least `loss`, where r = (log prediction - target) / scale.

    Levenberg-Marquardt on iteratively reweighted residuals;
    deterministic. A row of weight 0 has no say: a trait that only such rows have stays at 0, which
    is what a held-out group needs.
    SOURCE: pseudo-Huber loss, Charbonnier et al., IEEE Trans. Image Processing 6(2), 1997.
    """
    theta = np.zeros(design.offsets[-1]) if start is None else start.copy()

    def objective(candidate: Array) -> float:
        return loss(design, log_prediction, target, weights, scale, candidate)

    damping, best, stale = _LEAST_DAMPING, objective(theta), 0
    for _ in range(iterations):
        values = design.values(theta)
        base = log_prediction(values)
        r = (base - target) / scale
        w = weights / np.sqrt(1 + r * r)
        slopes = slopes_of(log_prediction, values, scale)
        normal = design.normal(slopes, w)
        normal[np.diag_indices_from(normal)] += design.precision
        gradient = design.gather(slopes * (w * r)) + theta * design.precision
        moved = False
        for _ in range(10):
            damped = normal.copy()
            damped[np.diag_indices_from(damped)] *= 1 + damping
            factor = linalg.cho_factor(damped, overwrite_a=True, check_finite=False)
            trial = theta - linalg.cho_solve(factor, gradient, check_finite=False)
            value = objective(trial)
            if np.isfinite(value) and value < best:
                stale = 0 if best - value > tolerance * best else stale + 1
                theta, best, damping, moved = trial, value, max(damping / 4, _LEAST_DAMPING), True
                break
            damping *= 4
        if not moved or stale >= 2:
            break
    return theta
