"""One fit of decode steps, prefills and served loads together, and what it says when it is held
out from a group of points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence

import numpy as np
from scipy import linalg, sparse

from capfit.speed.facts import Facts
from capfit.speed.forms import NAMES, SHIPPED, Form, traits_of
from capfit.speed.points import Point
from capfit.speed.shrink import Array, Design, loss, minimise, slopes_of

Group = Callable[[Point], Hashable]

_FEW = 12


class Joint:
    """The points of a fit with everything that does not depend on coefficients worked out."""

    def __init__(self, points: Sequence[Point], form: Form = SHIPPED) -> None:
        self.points, self.form = list(points), form
        self.facts = Facts(points)
        self.design = Design(form.laws(), [traits_of(name, points) for name in NAMES])
        self.target = np.log([p.ms for p in points])
        self.weights = weights(points)
        self.scale = np.array([form.scale(p.kind) for p in points])

    def log_ms(self, values: Sequence[Array]) -> Array:
        """Logarithms of the predicted times."""
        times: Array = np.log(self.form.ms(values, self.facts))
        return times

    def fit(
        self, *, without: Array | None = None, start: Array | None = None, iterations: int = 60
    ) -> Array:
        """The deviations, fitted to all points or to those that `without` (a mask) leaves."""
        kept = self.weights if without is None else np.where(without, 0.0, self.weights)
        return minimise(
            self.design, self.log_ms, self.target, kept, self.scale,
            start=start, iterations=iterations,
        )  # fmt: skip

    def predict(self, theta: Array) -> Array:
        """Times in ms of all points."""
        times: Array = np.exp(self.log_ms(self.design.values(theta)))
        return times

    def hold_out(
        self,
        theta: Array,
        group: Group,
        *,
        iterations: int = 4,
        only: Collection[Hashable] | None = None,
    ) -> Array:
        """Times of every point from a fit without its group, started at `theta`.

        With `only`, of these groups; NaN for the points of others.
        """
        names = _codes(self.points, group)
        held = np.full(len(self.points), np.nan)
        for name in range(names.max() + 1):
            out = names == name
            if only is not None and group(self.points[int(np.argmax(out))]) not in only:
                continue
            steps = iterations if out.sum() > _FEW else 2
            held[out] = self.predict(self.fit(without=out, start=theta, iterations=steps))[out]
        return held

    def hold_out_quickly(self, theta: Array, group: Group) -> Array:
        """As `hold_out`, with one Newton step per group from `theta` (a downdated inverse).

        SOURCE: the leave-group-out form of Cook and Weisberg, Residuals and Influence in
        Regression, 1982, section 3.2; Woodbury's identity.
        """
        values = self.design.values(theta)
        slopes = slopes_of(self.log_ms, values, self.scale)
        residual = (self.log_ms(values) - self.target) / self.scale
        weight = self.weights / np.sqrt(1 + residual**2)
        normal = self.design.normal(slopes, weight)
        normal[np.diag_indices_from(normal)] += self.design.precision
        inverse = linalg.inv(normal, check_finite=False)
        jacobian = self._jacobian(slopes)
        names = _codes(self.points, group)
        held = np.empty(len(self.points))
        for name in range(names.max() + 1):
            out = np.flatnonzero(names == name)
            mine = jacobian[out].toarray()
            covariance = inverse @ mine.T
            core = np.diag(1 / weight[out]) - mine @ covariance
            step = covariance @ np.linalg.solve(core, residual[out])
            held[out] = self.predict(self._stepped(theta, step, names == name))[out]
        return held

    def _stepped(self, theta: Array, step: Array, without: Array) -> Array:
        """As much of a step as lowers the loss of the points that are left."""
        kept = np.where(without, 0.0, self.weights)

        def objective(candidate: Array) -> float:
            return loss(self.design, self.log_ms, self.target, kept, self.scale, candidate)

        before = objective(theta)
        for _ in range(4):
            if objective(theta + step) < before:
                return theta + step
            step = step / 3
        return theta

    def _jacobian(self, slopes: Array) -> sparse.csr_matrix:
        design = self.design
        lines = [
            sparse.diags(slope)
            @ design.matrix[i * design.count : (i + 1) * design.count][design.setting]
            for i, slope in enumerate(slopes)
        ]
        return sum(lines[1:], lines[0]).tocsr()


def weights(points: Sequence[Point]) -> Array:
    """Near-duplicates of one sweep share their say: m points count as sqrt(m)."""
    sizes = Counter(p.sweep for p in points)
    return np.array([sizes[p.sweep] ** -0.5 for p in points])


def _codes(points: Sequence[Point], group: Group) -> Array:
    names = [group(p) for p in points]
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names])


def by_model(point: Point) -> Hashable:
    """Hold out models by name."""
    return point.model.name


def by_shape(point: Point) -> Hashable:
    """Hold out models of one shape together: fine-tunes are not new models."""
    return point.cell.setting.model_group


def by_gpu(point: Point) -> Hashable:
    """Hold out GPU products."""
    return point.gpu.name


def by_concurrency(point: Point) -> Hashable:
    """Hold out a number of sequences in one source."""
    return (point.source, point.sequences)
