"""How far a new GPU's coefficients may lie from what the fit predicts for them, and how jointly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from capcheck.predict.speed.fitted import LAWS
from capcheck.predict.speed.traits import Traits
from scipy import linalg

from capfit.speed.joint import Joint
from capfit.speed.shrink import Array, slopes_of

# The coefficients that a user's own rows of a section may move: what a stream's times hang on.
MOVED: Mapping[str, tuple[str, ...]] = {
    "decode": ("floor", "efficiency"),
    "prefill": ("utilisation", "request_overhead"),
}
# What a class (one engine on one GPU) is; formats and kinds of model differ within it.
_OF_A_CLASS = (
    "",
    "engine",
    "platform",
    "host",
    "era",
    "memory",
    "host-memory",
    "arch",
    "host-arch",
)


def class_key(traits: Traits) -> str:
    """The engine, platform and architecture that a class's covariance is filed under."""
    return f"{traits.host} {traits.architecture}"


def covariances(joint: Joint, theta: Array) -> dict[str, dict[str, list[list[float]]]]:
    """By section, by class: the covariance of `MOVED` on a card that was not measured.

    SOURCE: the inverse of the penalised normal equations at the fit (Laplace's method), with the
    prior spread of one GPU product added: MacKay, Information Theory, Inference, and Learning
    Algorithms, 2003, chapter 27.
    """
    inverse = _inverse(joint, theta)
    known = {class_key(point.traits): point.traits for point in reversed(joint.points)}
    return {
        section: {
            key: _of_class(joint, inverse, traits, names).tolist()
            for key, traits in sorted(known.items())
        }
        for section, names in MOVED.items()
    }


def _inverse(joint: Joint, theta: Array) -> Array:
    design = joint.design
    values = design.values(theta)
    slopes = slopes_of(joint.log_ms, values, joint.scale)
    residual = (joint.log_ms(values) - joint.target) / joint.scale
    normal = design.normal(slopes, joint.weights / np.sqrt(1 + residual**2))
    normal[np.diag_indices_from(normal)] += design.precision
    inverse: Array = linalg.inv(normal, check_finite=False)
    return inverse


def _of_class(joint: Joint, inverse: Array, traits: Traits, names: Sequence[str]) -> Array:
    design = joint.design
    index = {law.name: i for i, law in enumerate(design.laws)}
    rows = np.zeros((len(names), len(inverse)))
    fresh = np.zeros(len(names))
    for row, name in enumerate(names):
        law = index[name]
        at = {key: i + design.offsets[law] for i, key in enumerate(design.keys[law])}
        spread = design.laws[law].spread
        for key in LAWS[name][1](traits):
            kind = key.split("=")[0]
            if kind == "gpu":
                fresh[row] += spread.get(kind, design.laws[law].other) ** 2
            elif kind in _OF_A_CLASS and key in at:
                rows[row, at[key]] = 1.0
        if "" in at:
            rows[row, at[""]] = 1.0
    found: Array = rows @ inverse @ rows.T + np.diag(fresh)
    return found
