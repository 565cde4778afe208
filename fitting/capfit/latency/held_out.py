"""Coefficients of the speed laws that have not seen a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from capcheck.predict import coefficients
from capcheck.predict.coefficients import Coefficients

from capfit.artifact import selection
from capfit.data.rows import Decode, Prefill, Serving
from capfit.data.setting import Setting
from capfit.data.tables import Data
from capfit.speed.joint import Joint
from capfit.speed.points import points
from capfit.speed.section import laws
from capfit.speed.shrink import Array

STEPS = 12  # of a refit that starts at the fit to everything


def fitted(data: Data) -> Callable[[Setting], Coefficients]:
    """The speed laws fitted to everything, whatever the setting."""
    joint = _joint(data)
    everything = _with_laws(joint, joint.fit())
    return lambda setting: everything


def without_model(data: Data) -> Callable[[Setting], Coefficients]:
    """The speed laws fitted to all measurements but those of a setting's model."""
    joint = _joint(data)
    start = joint.fit()
    names = np.array([point.model.name for point in joint.points])
    known: dict[str, Coefficients] = {}

    def of(setting: Setting) -> Coefficients:
        name = setting.model.name
        if name not in known:
            theta = joint.fit(without=names == name, start=start, iterations=STEPS)
            known[name] = _with_laws(joint, theta)
        return known[name]

    return of


def _joint(data: Data) -> Joint:
    cells = (cell for table in (Decode, Prefill, Serving) for cell in data.cells(table).kept)
    return Joint(points(cells), selection.load().speed())


def _with_laws(joint: Joint, theta: Array) -> Coefficients:
    """The shipped artifact with other laws; its intervals stay, and are not looked at."""
    shipped = coefficients.load(None)
    sections = dict(shipped.sections)
    for name, section in laws(joint, theta).items():
        sections[name] = {**sections[name], **section}
    return Coefficients("held out", shipped.sha256, sections)
