"""transformers: what a forward pass holds beside weights and cache, with and without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from capcheck.predict.memory.grow import Era, Sizes, eras, peak_parts, sizes, standing_parts
from numpy.typing import NDArray
from scipy.optimize import minimize

from capfit.memory.cases import Case

Array = NDArray[np.float64]

PEAK, AFTER_PREFILL, FUSED_PEAK, AFTER_RUN = (
    "allocated_peak_gib",
    "allocated_after_prefill_gib",
    "device_peak_gib",
    "device_after_run_gib",
)
EAGER, FUSED = (PEAK, AFTER_PREFILL), (FUSED_PEAK, AFTER_RUN)


@dataclass(frozen=True, slots=True)
class Form:
    """Which of (logits copies, intermediate widths, hidden widths, workspace in GiB) are free.

    `start` holds all four; `free` maps the free numbers to them.
    """

    name: str
    start: tuple[float, ...]
    free: Callable[[Sequence[float]], tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True)
class FusedForm:
    """The (intermediate, hidden) widths of a pass with a fused kernel, from the free numbers.

    `ignored` are the stated constants that the form does without.
    """

    name: str
    start: tuple[float, ...]
    widths: Callable[[Sequence[float]], tuple[float, float]]
    ignored: tuple[str, ...] = ()


FORMS = (
    Form("one copy of the logits, one width", (2.0, 0.03), lambda p: (1.0, p[0], p[0], p[1])),
    Form("free copies, one width", (1.0, 2.0, 0.03), lambda p: (p[0], p[1], p[1], p[2])),
    Form("free copies, scores and mask", (1.0, 0.03), lambda p: (p[0], 0.0, 0.0, p[1])),
    Form("free copies, two widths", (1.0, 2.0, 2.0, 0.03), lambda p: (p[0], p[1], p[2], p[3])),
)
FUSED_FORMS = (
    FusedForm("eras, one width", (3.0,), lambda p: (p[0], p[0])),
    FusedForm("eras, intermediate width", (3.0,), lambda p: (p[0], 0.0)),
    FusedForm("eras, two widths", (3.0, 4.0), lambda p: (p[0], p[1])),
    FusedForm("eras, three intermediate, free hidden width", (4.0,), lambda p: (3.0, p[0])),
    FusedForm(
        "eras, two widths, no format's own copies",
        (3.0, 4.0),
        lambda p: (p[0], p[1]),
        ("unpacks", "own_head"),
    ),
    FusedForm(
        "no eras, two widths", (3.0, 4.0), lambda p: (p[0], p[1]), ("eras", "unpacks", "own_head")
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement in GiB, and what its run's stages are made of."""

    sizes: Sizes
    release: tuple[int, ...] | None
    measured: float
    metric: str


def eager(cases: Iterable[Case]) -> list[tuple[Case, Cell]]:
    """The cells of TR123 and TR127: torch's allocations with eager attention."""
    return [(case, _cell(case, m)) for case in _own(cases) for m in EAGER if m in case.figures]


def fused(cases: Iterable[Case]) -> list[tuple[Case, Cell]]:
    """The cells of the Qwen speed benchmark that fit one GPU: flash attention.

    On several GPUs the sum says nothing of the fullest one.
    """
    return [
        (case, _cell(case, metric))
        for case in _own(cases)
        for metric in FUSED
        if metric in case.figures and case.setting.n_gpus == 1
    ]


def fit(cases: Sequence[Case], form: Form = FORMS[0]) -> dict[str, Any]:
    """The eager law's numbers: least mean absolute log error, all of them at least 0."""
    known = [cell for _, cell in eager(cases)]

    def law(free: Sequence[float]) -> dict[str, Any]:
        copies, intermediate, hidden, workspace = form.free(free)
        return {
            "logits_copies": copies,
            "eager_widths": [intermediate, hidden],
            "workspace_gib": workspace,
        }

    return law(_least(form.start, law, known))


def fit_fused(
    cases: Sequence[Case], stated: Mapping[str, Any], form: FusedForm = FUSED_FORMS[0]
) -> dict[str, Any]:
    """The widths of a pass with a fused kernel: least mean absolute log error of the peaks.

    `stated` holds the constants, and the workspace of the eager law; what the form ignores comes
    back empty.
    """
    known = [cell for _, cell in fused(cases) if cell.metric == FUSED_PEAK]
    kept = {name: value for name, value in stated.items() if name not in form.ignored}

    def law(free: Sequence[float]) -> dict[str, Any]:
        return {**kept, "fused_widths": list(form.widths(free))}

    found = law(_least(form.start, law, known))
    return {"fused_widths": found["fused_widths"], **{name: _EMPTY[name] for name in form.ignored}}


_EMPTY: Mapping[str, Any] = {"eras": [{"until": None}], "unpacks": [], "own_head": {}}


def predicted_gib(law: Mapping[str, Any], cell: Cell) -> float:
    """The allocation that a cell measured, by this law."""
    return _gib(law, cell, eras(law, cell.release)[0])


def _gib(law: Mapping[str, Any], cell: Cell, era: Era) -> float:
    if cell.metric == AFTER_PREFILL:
        return sum(standing_parts(cell.sizes, law, Era()).values()) + cell.sizes.logits
    if cell.metric == AFTER_RUN:
        return sum(standing_parts(cell.sizes, law, era).values())
    return sum(peak_parts(cell.sizes, law, era, fused=cell.metric == FUSED_PEAK).values())


def _least(
    start: Sequence[float],
    law: Callable[[Sequence[float]], Mapping[str, Any]],
    known: Sequence[Cell],
) -> list[float]:
    target = np.log([cell.measured for cell in known])
    in_era = [(cell, eras(law(start), cell.release)[0]) for cell in known]

    def loss(free: Array) -> float:
        if min(free) < 0:
            return float("inf")
        candidate = law([float(number) for number in free])
        found = np.array([_gib(candidate, cell, era) for cell, era in in_era])
        return float(np.abs(np.log(found) - target).mean())

    options = {"maxiter": 6000, "xatol": 1e-7, "fatol": 1e-11}
    found = minimize(loss, start, method="Nelder-Mead", options=options)
    return [float(x) for x in found.x]


def _own(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.backend == "transformers"]


def _cell(case: Case, metric: str) -> Cell:
    tokens = case.engine.max_model_len
    prompt = case.setting.prompt_tokens
    request = case.request({"backends": {case.backend: {}}})
    found = sizes(
        request,
        sequences=1,
        prompt_tokens=tokens if prompt is None else int(prompt),
        tokens=tokens,
    )
    return Cell(found, case.version, case.figures[metric], metric)
