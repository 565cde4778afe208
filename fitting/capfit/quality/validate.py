"""The quality laws on models that they did not see."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from capcheck.predict.coefficients import Coefficients
from capcheck.predict.evidence import Score
from capcheck.predict.quality import quality
from capcheck.registry.specs import QuantSpec

from capfit.data.constants import Constant, tree
from capfit.data.names import Unresolved
from capfit.data.score_rows import Quality, QuantFormat
from capfit.data.tables import Data
from capfit.held_out import HeldOut
from capfit.quality.drops import CLASSES, REFERENCE_QUANT, Drop, gguf_drops, published_drops
from capfit.quality.section import FORMS, Form, section
from capfit.tr133.artifact import printed

_ONE_MODEL = "Llama-3-8B"
_Z90 = 1.645


def fit(data: Data, form: Form = FORMS[0]) -> dict[str, Any]:
    """The artifact's `quality` section; deterministic."""
    return section(drops(data), divergences(data), _constants(data), form)


def hold_out(data: Data, form: Form = FORMS[0]) -> list[HeldOut]:
    """Every model's score in every format, predicted from its own reference and other models.

    `metric` is `score` (a share of items), `group` the model, `backend` the format or the class of
    formats; the interval joins the drop's spread with the reference's item noise. Baselines:
    `TR133` (reference plus its mean delta), `no loss` (the reference), `class mean` (the mean score
    of the other models in the format). An error in percentage points is
    100 * (predicted - measured).
    """
    every, published, constants = drops(data), divergences(data), _constants(data)
    rows = []
    for name in sorted({drop.model.name for drop in every}):
        others = [drop for drop in every if drop.model.name != name]
        fitted = Coefficients("fit", "", {"quality": section(others, published, constants, form)})
        for drop in every:
            quant = data.names.quant(CLASSES.get(drop.kind, (drop.kind,))[0], None, None)
            known_elsewhere = any(other.kind == drop.kind for other in others)
            if drop.model.name == name and known_elsewhere and isinstance(quant, QuantSpec):
                rows.append(_row(drop, quant, others, fitted))
    return rows


def drops(data: Data) -> list[Drop]:
    """Every drop of the quality table that the laws are fitted on."""
    cells = data.scores(Quality).kept
    return [*gguf_drops(cells), *published_drops(cells)]


def divergences(data: Data) -> dict[str, float]:
    """Published divergence by GGUF format, of one model; without imatrix where that is listed."""
    found: dict[str, tuple[bool, float]] = {}
    for row in data.rows(QuantFormat):
        if row.divergence is None or row.excluded or row.model != _ONE_MODEL:
            continue
        quant = data.names.quant(row.quant, None, None)
        if isinstance(quant, Unresolved) or quant.bits_per_weight > 8:
            continue
        plain = row.imatrix in (None, "no", "none", "None")
        before = found.get(quant.name)
        if before is None or (plain and not before[0]):
            found[quant.name] = (plain, row.divergence)
    return {name: value for name, (_, value) in sorted(found.items())}


def _constants(data: Data) -> dict[str, Any]:
    stated: dict[str, Any] = tree(data.rows(Constant))["quality"]
    return stated


def _row(drop: Drop, quant: QuantSpec, others: Iterable[Drop], fitted: Coefficients) -> HeldOut:
    sixteen_bit = drop.kind in (REFERENCE_QUANT, *CLASSES)
    noise = _Z90 * math.sqrt(drop.reference * (1 - drop.reference) / (drop.items or 1000))
    reference = Score(
        benchmark="mmlu",
        model=drop.model.name,
        variant="",
        engine="",
        quant="F16" if sixteen_bit else REFERENCE_QUANT,
        score=drop.reference,
        low=max(0.0, drop.reference - noise),
        high=min(1.0, drop.reference + noise),
        n_items=drop.items,
        source="held out",
    )
    said = quality(
        drop.model,
        quant,
        benchmark="mmlu",
        backend=None,
        evidence=[reference],
        coefficients=fitted,
    ).score
    same = [other.score for other in others if other.kind == drop.kind]
    delta = printed().quality_deltas.get(drop.kind, 0.0)
    return HeldOut(
        predictor="quality",
        backend=drop.kind,
        metric="score",
        group=drop.model.name,
        what=f"{drop.model.name} {drop.kind}",
        predicted=said.value or 0.0,
        low=said.low or 0.0,
        high=said.high or 1.0,
        measured=drop.score,
        baselines={
            "TR133": drop.reference + delta,
            "no loss": drop.reference,
            "class mean": math.fsum(same) / len(same),
        },
    )
