"""transformers: what a forward pass holds beside weights and cache, with and without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from capcheck.predict.footprint.weights import loaded_bytes
from capcheck.predict.memory.activations import (
    eager_attention_bytes,
    logits_bytes,
    streaming_bytes,
)
from numpy.typing import NDArray
from scipy.optimize import minimize

from capfit.memory.cases import Case

Array = NDArray[np.float64]
GIB = 2.0**30

PEAK, AFTER_PREFILL, FUSED_PEAK = (
    "allocated_peak_gib",
    "allocated_after_prefill_gib",
    "device_peak_gib",
)
EAGER = (PEAK, AFTER_PREFILL)

# Releases before it scored a whole prompt's vocabulary in 32 bits; from 4.50 on the benchmark's
# peaks are weights and cache alone.
_FUSED_RELEASES = ((4, 40), (4, 50))


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
    """The (intermediate, hidden) widths of a pass with a fused kernel, from the free numbers."""

    name: str
    start: tuple[float, ...]
    widths: Callable[[Sequence[float]], tuple[float, float]]


FORMS = (
    Form("one copy of the logits, one width", (2.0, 0.03), lambda p: (1.0, p[0], p[0], p[1])),
    Form("free copies, one width", (1.0, 2.0, 0.03), lambda p: (p[0], p[1], p[1], p[2])),
    Form("free copies, scores and mask", (1.0, 0.03), lambda p: (p[0], 0.0, 0.0, p[1])),
    Form("free copies, two widths", (1.0, 2.0, 2.0, 0.03), lambda p: (p[0], p[1], p[2], p[3])),
)
FUSED_FORMS = (
    FusedForm("intermediate width", (3.0,), lambda p: (p[0], 0.0)),
    FusedForm("one width", (2.0,), lambda p: (p[0], p[0])),
    FusedForm("three intermediate vectors, free hidden width", (4.0,), lambda p: (3.0, p[0])),
    FusedForm("two widths", (3.0, 4.0), lambda p: (p[0], p[1])),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a case's peak is made of, in GiB; widths are per vector of that size and token."""

    base: float  # weights and cache
    cache: float
    logits: float
    scores: float
    intermediate: float
    hidden: float
    measured: float
    metric: str


def eager(cases: Iterable[Case]) -> list[tuple[Case, Sizes]]:
    """The cells of TR123 and TR127: torch's allocations with eager attention."""
    return [(case, _sizes(case, m)) for case in _own(cases) for m in EAGER if m in case.figures]


def fused(cases: Iterable[Case]) -> list[tuple[Case, Sizes]]:
    """The cells of the Qwen2.5 speed benchmark that fit one GPU: flash attention."""
    low, high = _FUSED_RELEASES
    return [
        (case, _sizes(case, FUSED_PEAK))
        for case in _own(cases)
        if FUSED_PEAK in case.figures
        and case.setting.n_gpus == 1
        and not case.setting.model.is_moe
        and case.version is not None
        and low <= case.version < high
    ]


def fit(cases: Sequence[Case], form: Form = FORMS[0]) -> dict[str, Any]:
    """The eager law's numbers: least mean absolute log error, all of them at least 0."""
    known = [sizes for _, sizes in eager(cases)]
    found = _least(
        form.start, lambda free: np.array([_peak(s, form.free(free)) for s in known]), known
    )
    copies, intermediate, hidden, workspace = form.free(found)
    return {
        "logits_copies": copies,
        "eager_widths": [intermediate, hidden],
        "workspace_gib": workspace,
    }


def fit_fused(
    cases: Sequence[Case], form: FusedForm = FUSED_FORMS[0], *, workspace_gib: float
) -> dict[str, Any]:
    """The widths of a pass with a fused kernel: least mean absolute log error."""
    known = [sizes for _, sizes in fused(cases)]

    def predict(free: Sequence[float]) -> Array:
        numbers = (0.0, *form.widths(free), workspace_gib)
        return np.array([_streamed(s, numbers) for s in known])

    return {"fused_widths": list(form.widths(_least(form.start, predict, known)))}


def predicted_gib(law: Mapping[str, Any], sizes: Sizes) -> float:
    """The allocation that a cell measured, by this law."""
    widths = law["fused_widths"] if sizes.metric == FUSED_PEAK else law["eager_widths"]
    numbers = (law["logits_copies"], widths[0], widths[1], law["workspace_gib"])
    return (_streamed if sizes.metric == FUSED_PEAK else _peak)(sizes, numbers)


def _peak(sizes: Sizes, numbers: tuple[float, float, float, float]) -> float:
    copies, intermediate, hidden, workspace = numbers
    if sizes.metric == AFTER_PREFILL:
        return sizes.base + workspace + sizes.logits
    layer = sizes.scores + intermediate * sizes.intermediate + hidden * sizes.hidden
    return sizes.base + workspace + max(copies * sizes.logits, layer)


def _streamed(sizes: Sizes, numbers: tuple[float, float, float, float]) -> float:
    _, intermediate, hidden, workspace = numbers
    return sizes.base + workspace + intermediate * sizes.intermediate + hidden * sizes.hidden


def _least(
    start: Sequence[float], predict: Callable[[Sequence[float]], Array], known: Sequence[Sizes]
) -> list[float]:
    target = np.log([s.measured for s in known])

    def loss(free: Array) -> float:
        if min(free) < 0:
            return float("inf")
        return float(np.abs(np.log(predict(list(free))) - target).mean())

    options = {"maxiter": 6000, "xatol": 1e-7, "fatol": 1e-11}
    found = minimize(loss, start, method="Nelder-Mead", options=options)
    return [float(x) for x in found.x]


def _own(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.backend == "transformers"]


def _sizes(case: Case, metric: str) -> Sizes:
    model, tokens = case.setting.model, case.engine.max_model_len
    request = case.request({"backends": {case.backend: {}}})
    cache = request.sequence_gib(tokens)

    def streamed(intermediate: float, hidden: float) -> float:
        widths = (intermediate, hidden)
        return streaming_bytes(model, tokens=tokens, tensor_parallel_size=1, widths=widths) / GIB

    return Sizes(
        base=loaded_bytes(model, case.setting.quant) / GIB + cache,
        cache=cache,
        logits=logits_bytes(model, rows=tokens) / 2 / GIB,
        scores=eager_attention_bytes(model, sequences=1, tokens=tokens) / GIB,
        intermediate=streamed(1.0, 0.0),
        hidden=streamed(0.0, 1.0),
        measured=case.figures[metric],
        metric=metric,
    )
