"""Every candidate form of a predictor by its error on groups held out, and the least of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from capfit import memory, quality, scaling
from capfit.artifact.selection import CANDIDATES, Candidate, Choice
from capfit.data.rows import Decode, Prefill, Serving
from capfit.data.tables import Data
from capfit.held_out import HeldOut
from capfit.scaling import turns
from capfit.speed import hold_out as speed_hold_out
from capfit.speed.forms import Form as SpeedForm
from capfit.speed.validate import By

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Judged:
    """Absolute errors of a form and of the simpler rules, with how many groups were held out."""

    errors: Sequence[float]
    groups: int
    baselines: Mapping[str, Sequence[float]]


_SPEED_GROUPS: tuple[By, ...] = ("model", "gpu")

Judge = Callable[[Data, Any], _Judged]


def choose(data: Data, predictor: str, progress: Progress = lambda _: None) -> Choice:
    """Try the forms of one predictor in order; of equals the first declared is kept."""
    judge, held_out = _JUDGES[predictor]
    candidates: list[Candidate] = []
    last: _Judged | None = None
    for form in CANDIDATES[predictor]:
        progress(f"{predictor}: {form.name}")
        last = judge(data, form)
        error = statistics.fmean(last.errors)
        candidates.append(Candidate(form.name, error, len(last.errors), last.groups))
    best = min(candidates, key=lambda candidate: candidate.error)
    simple = [
        Candidate(name, statistics.fmean(errors), len(errors), last.groups if last else 0, True)
        for name, errors in (last.baselines if last else {}).items()
        if errors
    ]
    return Choice(predictor, best.form, held_out, data.sha256, (*candidates, *simple))


def _memory(field: str, backend: str, metrics: Iterable[str] | None = None) -> Judge:
    wanted = None if metrics is None else set(metrics)

    def judge(data: Data, form: Any) -> _Judged:  # noqa: ANN401 - a form of that field
        forms = replace(memory.Forms(), **{field: form})
        return _shares(
            row
            for row in memory.hold_out(data, forms)
            if row.backend == backend and (wanted is None or row.metric in wanted)
        )

    return judge


def _growth(data: Data, form: scaling.Growth) -> _Judged:
    return _shares(scaling.hold_out(data, form))


def _turns(data: Data, form: scaling.Overhead) -> _Judged:
    return _shares(turns.hold_out(data, form))


def _quality(data: Data, form: quality.Form) -> _Judged:
    rows = quality.hold_out(data, form)
    return _judged(rows, lambda said, row: abs(said - row.measured))


def _speed(data: Data, form: SpeedForm) -> _Judged:
    """Absolute log errors, models and GPUs held out in turn."""
    cells = [cell for table in (Decode, Prefill, Serving) for cell in data.cells(table).kept]
    rows = [row for by in _SPEED_GROUPS for row in speed_hold_out(cells, by, form=form)]
    simple = {
        name: [
            abs(math.log(row.baselines[name] / row.measured))
            for row in rows
            if math.isfinite(row.baselines[name])
        ]
        for name in rows[0].baselines
    }
    errors = [abs(math.log(row.predicted / row.measured)) for row in rows]
    return _Judged(errors, len({row.group for row in rows}), simple)


def _shares(rows: Iterable[HeldOut]) -> _Judged:
    return _judged(rows, lambda said, row: abs(said / row.measured - 1.0))


def _judged(rows: Iterable[HeldOut], error: Callable[[float, HeldOut], float]) -> _Judged:
    rows = list(rows)
    simple = {
        name: [
            error(row.baselines[name], row) for row in rows if math.isfinite(row.baselines[name])
        ]
        for name in rows[0].baselines
    }
    return _Judged(
        [error(row.predicted, row) for row in rows], len({row.group for row in rows}), simple
    )


_MODELS = "models of one shape together; mean absolute error, share of the measurement"
_JUDGES: Mapping[str, tuple[Judge, str]] = {
    "memory transformers eager": (
        _memory("eager", "transformers", ("allocated_peak_gib", "allocated_after_prefill_gib")),
        _MODELS,
    ),
    "memory transformers fused": (
        _memory("fused", "transformers", ("device_peak_gib",)),
        _MODELS,
    ),
    "memory llama.cpp": (_memory("buffers", "llama.cpp"), _MODELS),
    "memory vllm": (_memory("startup", "vllm", ("fixed_gib",)), _MODELS),
    "quality": (_quality, "models; mean absolute error, share of items"),
    "speed": (_speed, "models and GPUs in turn; mean absolute log error"),
    "batch step growth": (_growth, "models; mean absolute error, share of the measurement"),
    "turns on one slot": (_turns, "models; mean absolute error, share of the measurement"),
}
