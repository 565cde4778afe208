"""The fit and its hold-outs, from cells to sections and rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from capfit.data.cells import Cell
from capfit.speed.baselines import BASELINES
from capfit.speed.forms import SHIPPED, Form
from capfit.speed.intervals import SECTIONS, honest, residuals, section_of
from capfit.speed.joint import Group, Joint, by_concurrency, by_gpu, by_model, by_shape
from capfit.speed.points import Point, points
from capfit.speed.section import sections
from capfit.speed.support import Support, support

By = Literal["model", "shape", "gpu", "concurrency"]
BY: dict[By, Group] = {
    "model": by_model,
    "shape": by_shape,
    "gpu": by_gpu,
    "concurrency": by_concurrency,
}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A point predicted from the other groups, in ms; `low` and `high` bound 90 %.

    `section` names the law (decode, step, prefill), `group` what was held out with it, `baselines`
    what simpler rules say from the same data (NaN where they can't), `support` what the other
    groups knew of it.
    """

    point: Point
    section: str
    group: str
    predicted: float
    measured: float
    low: float
    high: float
    baselines: dict[str, float]
    support: Support

    @property
    def rate_error(self) -> float:
        """Predicted over measured rate, less 1: the error in tokens per second."""
        return self.measured / self.predicted - 1.0

    @property
    def time_error(self) -> float:
        """Predicted over measured time, less 1."""
        return self.predicted / self.measured - 1.0


def fit(cells: Iterable[Cell], form: Form = SHIPPED) -> dict[str, Any]:
    """The sections `decode`, `step`, `prefill` and `engines` of the artifact; deterministic."""
    joint = Joint(points(cells), form)
    return sections(joint, joint.fit())


def hold_out(
    cells: Iterable[Cell], by: By, *, form: Form = SHIPPED, quick: bool = False
) -> list[HeldOut]:
    """Every point predicted by a fit without its group, with intervals from the other groups.

    `quick` takes one damped Newton step per group instead of refitting: seconds, not minutes.
    """
    joint, group = Joint(points(cells), form), BY[by]
    theta = joint.fit()
    held = joint.hold_out_quickly(theta, group) if quick else joint.hold_out(theta, group)
    all_points, residual = joint.points, residuals(joint.points, held)
    found: list[HeldOut] = []
    for section in SECTIONS:
        at = np.array([i for i, p in enumerate(all_points) if section_of(p) == section], int)
        if not at.size:
            continue
        mine = [all_points[i] for i in at]
        known = support(mine, group, all_points)
        bounds = honest(mine, residual[at], group, known)
        simple = {name: rule(mine, group) for name, rule in BASELINES.items()}
        for i, (point, (low, high), near) in enumerate(zip(mine, bounds, known, strict=True)):
            predicted = float(held[at[i]])
            found.append(
                HeldOut(
                    point, section, str(group(point)), predicted, point.ms,
                    predicted * low, predicted * high,
                    {name: float(times[i]) for name, times in simple.items()}, near,
                )
            )  # fmt: skip
    return found
