"""The memory laws on models that they did not see, and on what really ran out of memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from capcheck.predict.forecast import Memory as Forecast

from capfit.data.constants import Constant, tree
from capfit.data.tables import Data
from capfit.held_out import HeldOut
from capfit.memory.baselines import predictions
from capfit.memory.cases import Case, cases, groups
from capfit.memory.residuals import FIXED, TOKENS, Laws, Residual
from capfit.memory.section import Forms, held_out, intervals, laws, section
from capfit.memory.transformers import AFTER_PREFILL, AFTER_RUN

Verdict = Literal["fits", "borderline", "fails"]

RAN_OUT = ("oom", "no-memory", "spill")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the checker would have said of a configuration, and what became of it."""

    backend: str
    group: str
    what: str
    verdict: Verdict
    outcome: str

    @property
    def false_fit(self) -> bool:
        """The worst error: a fit that ran out of memory."""
        return self.verdict == "fits" and self.outcome in RAN_OUT

    @property
    def false_fail(self) -> bool:
        """A refusal of what ran."""
        return self.verdict == "fails" and self.outcome not in RAN_OUT


def fit(data: Data, forms: Forms | None = None) -> dict[str, Any]:
    """The artifact's `memory` section; deterministic."""
    return section(cases(data), data.rows(Constant), forms)


def hold_out(data: Data, forms: Forms | None = None) -> list[HeldOut]:
    """Every measurement predicted by laws fitted without its model (models of one shape together).

    Metrics: `allocated_peak_gib` and `allocated_after_prefill_gib` (transformers, eager),
    `device_peak_gib` (transformers with flash attention, and llama.cpp), `device_after_run_gib`
    (transformers), `buffers_gib` (llama.cpp),
    `kv_cache_tokens` and, where a log prints no tokens, `kv_cache_gib` (vLLM), `fixed_gib` (what
    vLLM takes beside its pool). Intervals come from
    the other groups' residuals. Baselines: `TR133`, `2 bytes x params x 1.2`, `class mean`.
    """
    rows = []
    for fold in _folds(data, forms or Forms()):
        rows += [_row(residual, fold) for residual in fold.residuals]
    return rows


def outcomes(data: Data, forms: Forms | None = None) -> list[Outcome]:
    """What laws fitted without its model say of every configuration with a known outcome.

    Left out: failures that are not about memory. What spilled to the host's memory ran out.
    """
    return [
        Outcome(case.backend, case.group, case.what, said, case.outcome)
        for fold in _folds(data, forms or Forms())
        for case in fold.cases
        if case.outcome != "other-failure" and (said := _verdict(case, fold))
    ]


@dataclass(frozen=True, slots=True)
class _Fold:
    """A group, the laws by backend that the others made, and the others' residuals."""

    cases: Sequence[Case]
    residuals: Sequence[Residual]
    laws: Laws
    others: Sequence[Residual]


def _folds(data: Data, forms: Forms) -> list[_Fold]:
    known, constants = cases(data), tree(data.rows(Constant))["memory"]
    found = held_out(known, constants, forms)
    folds = []
    for group in groups(known):
        mine = [residual for residual, _ in found if residual.case.group == group]
        others = [residual for residual, _ in found if residual.case.group != group]
        fitted = next((law for residual, law in found if residual.case.group == group), None)
        kept = [case for case in known if case.group != group]
        fitted = fitted or laws(kept, constants, forms)
        ranges = intervals(others, constants)
        with_range = {name: {**law, **ranges[name]} for name, law in fitted.items()}
        at = [case for case in known if case.group == group]
        folds.append(_Fold(at, mine, with_range, others))
    return folds


def _verdict(case: Case, fold: _Fold) -> Verdict | None:
    forecast = case.forecast({"backends": fold.laws})
    needed, usable = forecast.needed, forecast.usable
    if needed.high is None or needed.low is None or usable.low is None or usable.high is None:
        return None
    if needed.high <= usable.low:
        return "fits"
    return "fails" if needed.low > usable.high else "borderline"


def _row(residual: Residual, fold: _Fold) -> HeldOut:
    case, name = residual.case, residual.case.backend
    law = fold.laws[name]
    forecast = case.forecast({"backends": {name: law}})
    low, high = _range(residual, law, forecast)
    return HeldOut(
        predictor="memory",
        backend=name,
        metric=residual.metric,
        group=case.group,
        what=case.what,
        predicted=residual.predicted,
        low=low,
        high=high,
        measured=residual.measured,
        baselines={**predictions(residual), "class mean": _mean(residual, fold.others)},
    )


def _range(residual: Residual, law: Mapping[str, Any], forecast: Forecast) -> tuple[float, float]:
    """The 90 % interval of a measurement, as the checker would state it."""
    predicted, backend = residual.predicted, residual.case.backend
    if backend == "vllm":
        tokens = forecast.kv_cache_tokens
        if residual.metric == FIXED:
            low, high = law["interval"]
            return predicted * low, predicted * high
        if residual.metric == TOKENS:
            return tokens.low or 0.0, tokens.high or 0.0
        scale = predicted / (tokens.value or 1.0)
        return (tokens.low or 0.0) * scale, (tokens.high or 0.0) * scale
    if backend == "llama.cpp":
        low, high = law[residual.kind]
        return predicted + low, predicted + high
    low, high = law["interval"]
    cache = forecast.parts["kv_cache"]
    fixed = predicted - cache
    if residual.metric == AFTER_PREFILL:
        return cache + fixed * low, cache + fixed * high
    needed = forecast.needed
    if residual.metric == AFTER_RUN:
        return cache + fixed * low, max(predicted, needed.high or 0.0)
    return min(predicted * low, needed.low or 0.0), needed.high or 0.0


def _mean(residual: Residual, others: Sequence[Residual]) -> float:
    """The mean of the same metric on the other groups' models, whatever their size."""
    alike = [r.measured for r in others if r.metric == residual.metric]
    return sum(alike) / len(alike) if alike else float("nan")
