"""Own scores: what a weight format costs on the user's benchmark and models."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.evidence import Score
from capcheck.predict.quality import DROP, quality, refit_class
from capcheck.resolution.resolved import Resolved

from capfit.refit.measurement import Z90, Measurement, Prior
from capfit.refit.rows import Own

# Where the row does not say: the items of a small benchmark.
_ITEMS = 1000


def measurement(row: Own, resolved: Resolved, coefficients: Coefficients) -> Measurement | None:
    """The row as a score, a share of the items; None where no mean drop is known for its format.

    `reference` is the same model's unquantised score on the same items.
    """
    model, quant, score = resolved.model, resolved.quant, row.reference
    if model is None or quant is None or score is None:
        return None
    entry = coefficients.section("quality")["drops"].get(quant.name)
    if entry is None:
        return None
    reference = Score("own", model.name, "", "", "FP16", score, score, score, row.n_items, "own")

    def predicted(candidate: Coefficients) -> float:
        found = quality(
            model,
            quant,
            benchmark="own",
            backend=None,
            evidence=[reference],
            coefficients=candidate,
        )
        return found.score.value or float("nan")

    def values(candidate: Coefficients) -> Mapping[str, float]:
        return {DROP: score - predicted(candidate)}

    variance = (1.0 - row.value) / (row.value * (row.n_items or _ITEMS))
    return Measurement(
        row=row,
        resolved=resolved,
        section="quality",
        touched=refit_class(quant),
        cell=f"{model.name} {quant.name}",
        measured=row.value,
        predicted=predicted,
        prior=Prior((DROP,), np.array([[(entry["spread"] / Z90) ** 2]])),
        noise=max(1e-3, math.sqrt(max(0.0, variance))),
        values=values,
        figure="the score",
    )
