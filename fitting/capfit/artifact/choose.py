"""Every candidate form of a predictor by its error on groups held out, and the least of them."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from capfit import memory, quality, scaling
from capfit.artifact.selection import CANDIDATES, Candidate, Choice
from capfit.data.rows import Decode, Prefill, Serving
from capfit.data.tables import Data
from capfit.held_out import HeldOut
from capfit.scaling import turns
from capfit.speed.baselines import BASELINES
from capfit.speed.forms import Form as SpeedForm
from capfit.speed.joint import Joint
from capfit.speed.points import points
from capfit.speed.validate import BY, By

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Judged:
    """Mean absolute error of a form on `n` rows of `groups` groups, and of simpler rules."""

    error: float
    n: int
    groups: int
    baselines: Mapping[str, tuple[float, int]]


_SPEED_GROUPS: tuple[By, ...] = ("shape", "gpu")

Judge = Callable[[Data, Any], _Judged]


def choose(
    data: Data, predictor: str, progress: Progress = lambda _: None, *, jobs: int = 1
) -> Choice:
    """Try the forms of one predictor, `jobs` at a time; of equals the first declared is kept."""
    forms = CANDIDATES[predictor]
    candidates: list[Candidate] = []
    last: _Judged | None = None
    for form, judged in zip(forms, _judgements(data, predictor, jobs), strict=True):
        last = judged
        progress(f"{predictor}: {form.name}: {judged.error:.4f}")
        candidates.append(Candidate(form.name, judged.error, judged.n, judged.groups))
    best = min(candidates, key=lambda candidate: candidate.error)
    simple = [
        Candidate(name, error, n, last.groups if last else 0, True)
        for name, (error, n) in (last.baselines if last else {}).items()
    ]
    held_out = _JUDGES[predictor][1]
    return Choice(predictor, best.form, held_out, data.sha256, (*candidates, *simple))


def _judgements(data: Data, predictor: str, jobs: int) -> Iterator[_Judged]:
    """What is found of every form, in their order."""
    judge = _JUDGES[predictor][0]
    if jobs <= 1:
        yield from (judge(data, form) for form in CANDIDATES[predictor])
        return
    indices = range(len(CANDIDATES[predictor]))
    # Forked workers inherit the tables instead of reading them again.
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("fork"), initializer=_inherit, initargs=(data, predictor)
    ) as pool:
        yield from pool.map(_judge_inherited, indices)


_INHERITED: list[tuple[Data, str]] = []


def _inherit(data: Data, predictor: str) -> None:
    _INHERITED[:] = [(data, predictor)]


def _judge_inherited(index: int) -> _Judged:
    data, predictor = _INHERITED[0]
    return _JUDGES[predictor][0](data, CANDIDATES[predictor][index])


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
    """Absolute log errors, models and GPUs held out in turn; every figure counts alike.

    There are thousands of served rows and hundreds of prompts: the mean is that of the figures'
    means, so that neither decides for the other.
    """
    cells = [cell for table in (Decode, Prefill, Serving) for cell in data.cells(table).kept]
    joint = Joint(points(cells), form)
    theta = joint.fit()
    errors: dict[str, list[float]] = defaultdict(list)
    simple: dict[str, list[float]] = defaultdict(list)
    groups = 0
    for by in _SPEED_GROUPS:
        group = BY[by]
        held = joint.hold_out(theta, group)
        for point, ms in zip(joint.points, held, strict=True):
            stream = point.kind == "step" and point.sequences == 1
            figure = "decode" if stream else point.kind
            errors[figure].append(abs(math.log(ms / point.ms)))
        groups += len({group(point) for point in joint.points})
        for name, rule in BASELINES.items():
            off = np.log(rule(joint.points, group) / [point.ms for point in joint.points])
            simple[name] += [abs(one) for one in off if math.isfinite(one)]
    mean = statistics.fmean(statistics.fmean(each) for each in errors.values())
    baselines = {name: (statistics.fmean(each), len(each)) for name, each in simple.items()}
    return _Judged(mean, sum(map(len, errors.values())), groups, baselines)


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
    baselines = {name: (statistics.fmean(each), len(each)) for name, each in simple.items() if each}
    found = statistics.fmean(error(row.predicted, row) for row in rows)
    return _Judged(found, len(rows), len({row.group for row in rows}), baselines)


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
    "speed": (
        _speed,
        "models of one shape together, and GPUs, in turn; mean absolute log error of the figures",
    ),
    "batch step growth": (_growth, "models; mean absolute error, share of the measurement"),
    "turns on one slot": (_turns, "models; mean absolute error, share of the measurement"),
}
