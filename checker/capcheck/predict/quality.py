"""A model's score on a named benchmark in a given quant, and what the quant costs it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from capcheck.estimate import Estimate, Provenance, exact, unknown
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.evidence import Score, published
from capcheck.predict.forecast import Quality
from capcheck.predict.refits import refit_named
from capcheck.registry.specs import BackendSpec, ModelSpec, QuantSpec

# Which benchmark to report when the manifest names none: the most items first.
_PREFERRED = ("mmlu", "mmlu_5shot", "mmlu_arc_rescored", "mmlu_rescored", "composite_tr133")

# The coefficient that own scores move: a format's mean drop, as a share of the items.
DROP = "drop"

_SIXTEEN_BIT = ("FP16", "BF16", "F16")
_UNQUANTISED_BITS = 15.9


def quality(
    model: ModelSpec | None,
    quant: QuantSpec | None,
    *,
    benchmark: str | None,
    backend: BackendSpec | None,
    evidence: Iterable[Score] | None = None,
    coefficients: Coefficients,
) -> Quality:
    """The score on `benchmark`, or on the best known one when that is None.

    A measured cell is reported as such. Any other is its reference (the same variant unquantised,
    else Q8_0) less the quant's expected drop: a mean over models, or, below about 4.5 bits per
    weight, a law of the quant's divergence and the model's size. Scores of different benchmarks,
    variants and engines are never mixed. A model that nobody measured has no score; what its
    format costs is still known from other models.
    `evidence` is the scores to look at, the published ones by default. SOURCE: the coefficients'
    `quality` section.
    """
    if model is None or quant is None:
        return _unknown(benchmark, "the model or quant is not known")
    known = [
        row for row in (published() if evidence is None else evidence) if row.model == model.name
    ]
    name = benchmark or _best_known(known)
    rows = [row for row in known if row.benchmark == name]
    law = _with_refit(coefficients, quant)
    if not rows:
        return _unmeasured(model, quant, benchmark, _how_to_supply(model, benchmark, known), law)
    measured = _measured(rows, quant, backend)
    if measured is not None:
        return _from_cell(measured, _reference_of(rows, measured), law)
    reference = _reference(rows, backend)
    if reference is None:
        return _unknown(name, f"{name} of {model.name} was measured in no reference format")
    return _from_reference(model, quant, reference, law)


def refit_class(quant: QuantSpec) -> str:
    """The class of a user's own scores: what one format costs (`quality Q4_K_M`)."""
    return f"quality {quant.name}"


def tier(drop: float, tiers: Mapping[str, Any]) -> str:
    """TR133's tier of a drop from the reference (SS7.5): 0.03, 0.10 and 0.15 are the bounds."""
    for name in ("negligible", "acceptable", "concerning"):
        if drop < tiers[name]:
            return name
    return "unacceptable"


def _with_refit(coefficients: Coefficients, quant: QuantSpec) -> Mapping[str, Any]:
    """The law, with the user's own drop of the format where they measured it."""
    law = coefficients.section("quality")
    found, entry = refit_named(coefficients, refit_class(quant)), law["drops"].get(quant.name)
    if found is None or entry is None:
        return law
    own = {
        **entry,
        "drop": max(0.0, entry["drop"] + found.shift[DROP]),
        "spread": (found.high - found.low) / 2.0,
        "evidence": found.basis(f"of {quant.name}"),
    }
    return {**law, "drops": {**law["drops"], quant.name: own}}


def _from_cell(cell: Score, reference: Score | None, law: Mapping[str, Any]) -> Quality:
    score = Estimate(cell.score, cell.low, cell.high, "measured", cell.source)
    if reference is None:
        missing = unknown(f"{cell.benchmark} of this variant has no reference")
        return Quality(score, missing, missing, cell.benchmark, None, cell.n_items)
    drop = reference.score - cell.score
    spread = 0.0 if reference is cell else _spread_of_cell(cell, law)
    basis = f"against {reference.quant} of the same variant, {reference.source}"
    return Quality(
        score=score,
        reference=_as_estimate(reference),
        drop=Estimate(drop, drop - spread, drop + spread, "measured", basis),
        benchmark=cell.benchmark,
        tier=tier(drop, law["tiers"]),
        n_items=cell.n_items,
    )


def _from_reference(
    model: ModelSpec, quant: QuantSpec, reference: Score, law: Mapping[str, Any]
) -> Quality:
    expected = _expected_drop(model, quant, reference, law)
    if expected is None:
        reason = f"no published score tells what {quant.name} costs"
        return Quality(
            unknown(reason),
            _as_estimate(reference),
            unknown(reason),
            reference.benchmark,
            None,
            reference.n_items,
        )
    drop, spread, provenance, basis = expected
    score = reference.score - drop
    below = math.hypot(spread, reference.score - reference.low)
    above = math.hypot(spread, reference.high - reference.score)
    return Quality(
        score=Estimate(
            max(0.0, score),
            max(0.0, score - below),
            min(1.0, score + above),
            provenance,
            f"{reference.quant} measured ({reference.source}); {basis}",
        ),
        reference=_as_estimate(reference),
        drop=Estimate(drop, drop - spread, drop + spread, provenance, basis),
        benchmark=reference.benchmark,
        tier=tier(drop, law["tiers"]),
        n_items=reference.n_items,
    )


def _unmeasured(
    model: ModelSpec, quant: QuantSpec, benchmark: str | None, reason: str, law: Mapping[str, Any]
) -> Quality:
    """No score, and the mean drop of the format over the models that were measured."""
    missing = unknown(reason)
    entry = law["drops"].get(quant.name)
    if quant.name == model.native_quant or _is_unquantised(quant):
        drop = exact(0.0, "the format that the checkpoint is published in")
    elif entry is not None:
        basis = f"mean drop by {quant.name} on other models: {entry['evidence']}"
        low, high = entry["drop"] - entry["spread"], entry["drop"] + entry["spread"]
        drop = Estimate(entry["drop"], low, high, "extrapolated", basis)
    else:
        drop = missing
    shown = None if drop.value is None else tier(drop.value, law["tiers"])
    return Quality(missing, missing, drop, benchmark, shown, None)


def _expected_drop(
    model: ModelSpec, quant: QuantSpec, reference: Score, law: Mapping[str, Any]
) -> tuple[float, float, Provenance, str] | None:
    """Drop, half-width of its 90 % interval, provenance and basis; None when nothing is known."""
    drops = law["drops"]
    if _is_unquantised(quant):
        spread = drops["Q8_0"]["spread"] if reference.quant == "Q8_0" else 0.0
        return 0.0, spread, "interpolated", "unquantised"
    if quant.name in drops:
        entry = drops[quant.name]
        provenance: Provenance = "interpolated" if entry["n_models"] >= 3 else "extrapolated"
        return (
            entry["drop"],
            entry["spread"],
            provenance,
            f"mean drop by {quant.name}: {entry['evidence']}",
        )
    low = law["low_bit"]
    if quant.name not in low["divergence"]:
        return None
    divergence = low["divergence"][quant.name]
    size = (model.params_b / low["size_unit_b"]) ** low["size_exponent"]
    shift = low["scale"] * divergence ** low["divergence_exponent"] * size
    score = min(max(reference.score, 1e-3), 1.0 - 1e-3)
    shifted = 1.0 / (1.0 + math.exp(-(math.log(score / (1.0 - score)) + shift)))
    spread = next(s for bound, s in low["spread_below"] if divergence <= bound)
    drop = max(score - shifted, drops["Q4_K_M"]["drop"])
    return drop, spread, "extrapolated", f"law of divergence and size for {quant.name}"


def _measured(rows: Sequence[Score], quant: QuantSpec, backend: BackendSpec | None) -> Score | None:
    """The cell of this quant: of this engine family first, then one that names no engine."""
    family = backend.engine_family if backend is not None else ""
    cells = [row for row in rows if _same_format(row.quant, quant)]
    for engine in (family, ""):
        for row in cells:
            if row.engine == engine:
                return row
    return None


def _reference(rows: Sequence[Score], backend: BackendSpec | None) -> Score | None:
    """The reference for a quant that was not measured: unquantised, else Q8_0."""
    family = backend.engine_family if backend is not None else ""
    candidates = [row for row in rows if row.engine in (family, "")] or list(rows)
    return next(filter(_is_16_bit, candidates), None) or next(
        (row for row in candidates if row.quant == "Q8_0"), None
    )


def _reference_of(rows: Sequence[Score], cell: Score) -> Score | None:
    """The reference of a measured cell: same variant; unquantised, else Q8_0."""
    if _is_16_bit(cell):
        return cell
    same = [row for row in rows if row.variant == cell.variant]
    same_engine = [row for row in same if row.engine in (cell.engine, "")]
    return next(filter(_is_16_bit, same_engine), None) or next(
        (row for row in same_engine if row.quant == "Q8_0"), None
    )


def _spread_of_cell(cell: Score, law: Mapping[str, Any]) -> float:
    """Half-width for a measured drop.

    Reference and quant answered the same items, so their difference is much steadier than either
    score: the spread of the quant's drop over models bounds it. A composite without a printed item
    count keeps its own half-width.
    """
    if cell.n_items is None:
        return float(law["composite_half_width"])
    if cell.quant in law["drops"]:
        return float(law["drops"][cell.quant]["spread"])
    return (cell.high - cell.low) / 2


def _same_format(name: str, quant: QuantSpec) -> bool:
    return name == quant.name or (name in _SIXTEEN_BIT and _is_unquantised(quant))


def _is_16_bit(row: Score) -> bool:
    return row.quant in _SIXTEEN_BIT


def _is_unquantised(quant: QuantSpec) -> bool:
    return quant.bits_per_weight >= _UNQUANTISED_BITS


def _as_estimate(row: Score) -> Estimate:
    return Estimate(row.score, row.low, row.high, "measured", f"{row.quant}, {row.source}")


def _best_known(rows: Sequence[Score]) -> str | None:
    known = {row.benchmark for row in rows}
    return next((name for name in _PREFERRED if name in known), None)


def _how_to_supply(model: ModelSpec, benchmark: str | None, known: Sequence[Score]) -> str:
    text = f"no published score of {model.name}"
    if benchmark is not None:
        text += f" on {benchmark}"
        others = sorted({row.benchmark for row in known})
        if others:
            text += f" (known: {', '.join(others)})"
    return f"{text}; run lm-evaluation-harness and supply its result file as evidence"


def _unknown(benchmark: str | None, basis: str) -> Quality:
    missing = unknown(basis)
    return Quality(missing, missing, missing, benchmark, None, None)
