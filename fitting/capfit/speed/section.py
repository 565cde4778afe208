"""The fitted sections of the artifact: decode, step, prefill, engines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from capcheck.predict.speed.fitted import LAWS
from capcheck.predict.speed.traits import flagged_kernels

from capfit.speed.covariance import covariances
from capfit.speed.engines import ENGINES
from capfit.speed.intervals import SECTIONS, residuals, section_of, table
from capfit.speed.joint import Joint, by_gpu, by_model
from capfit.speed.points import Point
from capfit.speed.shrink import Array

_NEGLIGIBLE = 5e-4
# Steps of a refit without a group: a fourth moves the interval of most classes by under 3 %.
_STEPS = 3
_SOURCE = "joint fit of decode steps, prefills and served loads ({form})"


def rounded(value: float, digits: int = 6) -> float:
    """A number to so many significant digits: what two machines agree on."""
    if not value or not math.isfinite(value):
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def sections(joint: Joint, theta: Array) -> dict[str, Any]:
    """The artifact's sections of a fit; numbers have 6 significant digits."""
    points = joint.points
    out = laws(joint, theta)
    fitted = residuals(points, joint.predict(theta))
    models_out = residuals(points, joint.hold_out(theta, by_model, iterations=_STEPS))
    gpus_out = residuals(points, joint.hold_out(theta, by_gpu, iterations=_STEPS))
    for name in SECTIONS:
        at = np.array([i for i, p in enumerate(points) if section_of(p) == name], int)
        mine = [points[i] for i in at]
        folds = (models_out[at], by_model), (gpus_out[at], by_gpu)
        found_table = table(mine, fitted[at], *folds, points)
        out[name]["intervals"] = {
            kind: {label: [rounded(x) for x in bounds] for label, bounds in entry.items()}
            for kind, entry in found_table.items()
        }
        out[name]["seen"] = seen(mine, points)
    for name, classes in covariances(joint, theta).items():
        out[name]["prior_covariance"] = classes
    out["engines"] = ENGINES
    return out


def laws(joint: Joint, theta: Array) -> dict[str, Any]:
    """The coefficients of a fit, without intervals: sections `decode`, `step` and `prefill`."""
    out: dict[str, Any] = {
        name: {"source": _SOURCE.format(form=joint.form.name)} for name in SECTIONS
    }
    tables = joint.design.tables(theta)
    means = {law.name: law.mean for law in joint.design.laws}
    for law, (section, _, _) in LAWS.items():
        found = tables[law]
        out[section][law] = {
            "mean": rounded(means[law] + found.get("", 0.0)),
            "deviations": {
                trait: rounded(value)
                for trait, value in sorted(found.items())
                if trait and not trait.startswith("session=") and abs(value) >= _NEGLIGIBLE
            },
        }
    return out


def seen(points: Sequence[Point], every: Sequence[Point]) -> Mapping[str, Mapping[str, Any]]:
    """What a law was fed, by engine and platform: the range in which it interpolates.

    Kinds of memory, kernels and models are those of all laws (`support` says why).
    """
    found: dict[str, dict[str, Any]] = {}
    for host in sorted({p.traits.host for p in points}):
        mine = [p for p in points if p.traits.host == host]
        kin = [p for p in every if p.traits.host == host]
        sizes = [rounded(p.model.params_b, 3) for p in mine]
        found[host] = {
            "gpus": sorted({p.gpu.name for p in mine}),
            "memories": sorted({p.traits.memory for p in kin}),
            "kernels": sorted({p.traits.kernel for p in kin}),
            "flags": sorted({flag for p in kin for flag in p.traits.flags}),
            "flagged": sorted({name for p in kin for name in flagged_kernels(p.traits)}),
            "params_b": [min(sizes), max(sizes)],
            "ranks": max(p.ranks for p in mine),
            "cells": sorted({f"{p.model.name} {p.traits.kernel} {p.gpu.name}" for p in mine}),
        }
    return found
