"""Every memory measurement beside its prediction by given laws: what the fits are judged on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capfit.memory import llama_cpp, transformers, vllm
from capfit.memory.cases import Case

Laws = Mapping[str, Any]

TOKENS, POOL, FIXED = "kv_cache_tokens", "kv_cache_gib", "fixed_gib"


@dataclass(frozen=True, slots=True)
class Residual:
    """One measurement and its prediction in the metric's unit.

    `off` is how far the law's own part is off, on the scale of its interval `kind`: a logarithm for
    "interval", GiB for "interval_gib" (with flash attention) and "interval_gib_unfused" (without).
    A pool is what the fixed parts leave, and what stays after a run is below its peak: they have no
    interval of their own.
    """

    case: Case
    metric: str
    measured: float
    predicted: float
    kind: str
    off: float


def residuals(cases: Sequence[Case], laws: Laws) -> Iterator[Residual]:
    """The residuals of the laws by backend: `transformers`, `llama.cpp`, `vllm`."""
    for case, cell in (*transformers.eager(cases), *transformers.fused(cases)):
        predicted = transformers.predicted_gib(laws["transformers"], cell)
        cache = cell.sizes.cache
        off = math.log((cell.measured - cache) / (predicted - cache))
        kind = "after run" if cell.metric == transformers.AFTER_RUN else "interval"
        yield Residual(case, cell.metric, cell.measured, predicted, kind, off)
    for case, metric, measured in llama_cpp.measured(cases):
        predicted = llama_cpp.predicted_gib(laws["llama.cpp"], case, metric)
        unfused = case.setting.condition("flash_attention") is False
        kind = "interval_gib_unfused" if unfused else "interval_gib"
        yield Residual(case, metric, measured, predicted, kind, measured - predicted)
    yield from _pools(cases, laws["vllm"])


def _pools(cases: Iterable[Case], law: Mapping[str, Any]) -> Iterator[Residual]:
    whole = {"interval": [1.0, 1.0], "basis": "", **law}
    for log in vllm.logs(cases, law["eras"]):
        case, figures = log.case, log.case.figures
        forecast = case.forecast({"backends": {"vllm": whole}})
        fixed = sum(size for name, size in forecast.parts.items() if name != "kv_cache")
        metric = TOKENS if TOKENS in figures else POOL
        pool = (forecast.usable.value or 0.0) - fixed
        predicted = (forecast.kv_cache_tokens.value or 0.0) if metric == TOKENS else pool
        yield Residual(case, metric, figures[metric], predicted, "pool", 0.0)
        logged = (figures.get(name) for name in ("weights_gib", vllm.ACTIVATION, vllm.OVERHEAD))
        parts = [part for part in logged if part is not None]
        if len(parts) == 3:
            off = math.log(sum(parts) / fixed)
            yield Residual(case, FIXED, sum(parts), fixed, "interval", off)
