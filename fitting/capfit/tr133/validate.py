"""TR133 SS3.3's metrics on the held-out records, its four targets, and its ten spot checks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from capfit.tr133.planner import (
    BITS,
    REFERENCE_GB_S,
    SHAPES,
    Planner,
    usd_month,
    usd_per_million_tokens,
)
from capfit.tr133.records import Dataset, Latency, Throughput, Vram

# SS3.3, Appendix C: metric and limit; R² must reach it, errors must stay within it.
TARGETS = {
    "vram": ("r2", 0.95),
    "throughput": ("r2", 0.85),
    "quality": ("rmse", 0.10),
    "latency": ("mape", 0.25),
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """Errors of predictions against measurements; `bias` is predicted minus measured."""

    n: int
    rmse: float
    mae: float
    mape: float
    r2: float
    bias: float


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """One row of SS12; `value` and `other` are the two sides of what it compares."""

    number: int
    check: str
    value: float
    other: float
    passed: bool


def metrics(pairs: Sequence[tuple[float, float]]) -> Metrics | None:
    """Of (predicted, measured) pairs; None without any. R² is NaN when nothing varies."""
    if not pairs:
        return None
    errors = [predicted - actual for predicted, actual in pairs]
    mean = statistics.fmean(actual for _, actual in pairs)
    spread = sum((actual - mean) ** 2 for _, actual in pairs)
    squares = sum(error * error for error in errors)
    relative = [
        abs(error / actual) for error, (_, actual) in zip(errors, pairs, strict=True) if actual
    ]
    return Metrics(
        n=len(pairs),
        rmse=math.sqrt(squares / len(pairs)),
        mae=statistics.fmean(map(abs, errors)),
        mape=statistics.fmean(relative) if relative else math.nan,
        r2=1.0 - squares / spread if spread else math.nan,
        bias=statistics.fmean(errors),
    )


def validate(planner: Planner, held_out: Dataset) -> Mapping[str, Metrics | None]:
    """Metrics per category on held-out records.

    Groups as TR133 counts them: memory by model and context (n = 17), latency by model and backend
    (9), the others by record; scaling over the records of several agents, whose base is the
    predicted rate of one (SS15.2).
    """
    alone = [one for one in held_out.throughput if one.n_agents == 1]
    several = [one for one in held_out.throughput if one.n_agents > 1]
    return {
        "vram": metrics(list(_vram(planner, held_out.vram))),
        "throughput": metrics([(_rate(planner, one), one.tok_s) for one in alone]),
        "scaling": metrics(
            [
                (
                    planner.eta(one.model, one.backend, agents=one.n_agents),
                    one.tok_s / _rate(planner, one),
                )
                for one in several
            ]
        ),
        "quality": metrics(
            [(planner.quality(one.model, one.quant), one.composite) for one in held_out.quality]
        ),
        "latency": metrics(list(_latency(planner, held_out.latency))),
    }


def met(category: str, found: Metrics | None) -> bool | None:
    """Whether a category reaches its target; None without records or target."""
    if found is None or category not in TARGETS:
        return None
    metric, limit = TARGETS[category]
    value: float = getattr(found, metric)
    return value >= limit if metric == "r2" else value <= limit


def spot_checks(planner: Planner) -> tuple[SpotCheck, ...]:
    """SS12 with the given coefficients: on TR133's own it prints what its formulas give."""
    three, eight = SHAPES["llama3.2-3b"], SHAPES["llama3.1-8b"]
    small = planner.vram_gb(three, BITS["FP16"], context_tokens=2048)
    large = planner.vram_gb(eight, BITS["FP16"], context_tokens=2048)
    quantised = planner.vram_gb(three, BITS["Q4_K_M"], context_tokens=2048)
    fast, slow = (_ollama(planner, model) for model in ("llama3.2-1b", "llama3.2-3b"))
    full, low = (planner.quality("llama3.2-1b", quant) for quant in ("FP16", "Q2_K"))
    alone, crowded = (planner.eta("llama3.2-3b", "ollama", agents=n) for n in (1, 8))
    cheap, dear = usd_per_million_tokens(100.0), usd_per_million_tokens(10.0)
    manual = 0.035 / (50.0 * 3600.0) * 1e6
    return (
        SpotCheck(1, "llama3.2-3b FP16 at 2048: 3 to 12 GB", small, 12.0, 3.0 <= small <= 12.0),
        SpotCheck(2, "llama3.1-8b FP16 at 2048: 8 to 30 GB", large, 30.0, 8.0 <= large <= 30.0),
        SpotCheck(3, "Q4_K_M needs less than FP16", quantised, small, quantised < small),
        SpotCheck(4, "1B is faster than 3B on Ollama", fast, slow, fast > slow),
        SpotCheck(5, "FP16 scores no worse than Q2_K", full, low, full >= low),
        SpotCheck(6, "eta(1) is 1", alone, 1.0, math.isclose(alone, 1.0)),
        SpotCheck(7, "eta(8) is below 1 on Ollama", crowded, 1.0, crowded < 1.0),
        SpotCheck(8, "100 tok/s costs less than 10", cheap, dear, cheap < dear),
        SpotCheck(
            9,
            "cost at 50 tok/s as by hand",
            usd_per_million_tokens(50.0),
            manual,
            math.isclose(usd_per_million_tokens(50.0), manual),
        ),
        SpotCheck(
            10,
            "$0.035 an hour is $25.20 a month",
            usd_month(),
            25.2,
            math.isclose(usd_month(), 25.2),
        ),
    )


def _rate(planner: Planner, one: Throughput) -> float:
    size = SHAPES[one.model].params_b if one.model in SHAPES else 1.0
    return planner.tok_s(one.model, one.backend, one.quant, params_b=size, gpu_gb_s=REFERENCE_GB_S)


def _ollama(planner: Planner, model: str) -> float:
    return _rate(planner, Throughput("", model, "ollama", "FP16", 0.0, 1))


def _vram(planner: Planner, records: Iterable[Vram]) -> Iterable[tuple[float, float]]:
    groups: dict[tuple[str, int, str], list[float]] = {}
    for one in records:
        if one.model in SHAPES:
            groups.setdefault((one.model, one.context_length, one.quant), []).append(one.peak_gb)
    for (model, context, quant), peaks in groups.items():
        bits = BITS.get(quant, 16.0)
        predicted = planner.vram_gb(SHAPES[model], bits, context_tokens=context)
        yield predicted, statistics.fmean(peaks)


def _latency(planner: Planner, records: Iterable[Latency]) -> Iterable[tuple[float, float]]:
    groups: dict[tuple[str, str], list[float]] = {}
    for one in records:
        if one.n_agents == 1 and (one.model, one.backend) in planner.service_ms:
            groups.setdefault((one.model, one.backend), []).append(one.wall_ms)
    for pair, times in groups.items():
        yield planner.service_ms[pair], statistics.median(times)
