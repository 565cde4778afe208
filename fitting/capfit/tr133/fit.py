"""How TR133 SS3.2 fits its six forms. Closed forms, but for the power law."""

from __future__ import annotations

import statistics
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from capfit.tr133.planner import (
    BITS,
    DEFAULT_MULTIPLIERS,
    SHAPES,
    Planner,
    cache_gb,
)
from capfit.tr133.records import Dataset, Serial, Vram

K = TypeVar("K", bound=Hashable)

# SS3.2: contexts whose activation is taken as negligible.
_LOW_CONTEXT = 2048
_BOUNDS = ([0.0, 0.0], [10000.0, 5.0])
_MAX_EVALUATIONS = 5000
# SS5.4, used when fewer than two models of known size were measured.
_PRINTED_POWER_LAW = (72.1, 0.089)


def fit(train: Dataset) -> Planner:
    """The six forms fitted on training records."""
    overhead, activation = _vram(train.vram)
    rates = _means(
        ((one.model, one.backend, one.quant), one.tok_s)
        for one in train.throughput
        if one.n_agents == 1
    )
    scores = _means(((one.model, one.quant), one.composite) for one in train.quality)
    return Planner(
        overhead_factor=overhead,
        activation_gb=activation,
        throughput=rates,
        multipliers=_multipliers(rates),
        power_law=_power_law(rates),
        serial=_serial(train.scaling),
        quality_scores=scores,
        quality_deltas=_deltas(scores),
        service_ms={
            key: statistics.median(times)
            for key, times in _grouped(
                ((one.model, one.backend), one.wall_ms)
                for one in train.latency
                if one.n_agents == 1
            ).items()
        },
    )


def _vram(records: Sequence[Vram]) -> tuple[float, float]:
    """Pass 1: median overhead at low contexts. Pass 2: least squares of what is left."""
    known = [one for one in records if one.model in SHAPES]
    ratios = [
        (one.peak_gb - _cache(one)) / _weights(one)
        for one in known
        if one.context_length <= _LOW_CONTEXT
    ]
    overhead = statistics.median(ratios) if ratios else 1.0
    spans = [SHAPES[one.model].n_layers * (one.context_length / 1024) ** 2 for one in known]
    rest = [one.peak_gb - _weights(one) * overhead - _cache(one) for one in known]
    square = sum(span * span for span in spans)
    slope = (
        sum(span * left for span, left in zip(spans, rest, strict=True)) / square if square else 0.0
    )
    return overhead, slope


def _weights(record: Vram) -> float:
    return SHAPES[record.model].params_b * BITS.get(record.quant, 16.0) / 8


def _cache(record: Vram) -> float:
    return cache_gb(SHAPES[record.model], context_tokens=record.context_length)


def _multipliers(rates: Mapping[tuple[str, str, str], float]) -> Mapping[str, float]:
    """Ratio to FP16 on the same model and backend, averaged; the default where nothing is."""
    ratios = _means(
        (quant, rate / rates[model, backend, "FP16"])
        for (model, backend, quant), rate in rates.items()
        if (model, backend, "FP16") in rates
    )
    return {**DEFAULT_MULTIPLIERS, **ratios}


def _power_law(rates: Mapping[tuple[str, str, str], float]) -> tuple[float, float]:
    """tok/s = a x params^-b over the look-up entries: bounded least squares, as curve_fit's."""
    from scipy.optimize import least_squares

    known = [
        (SHAPES[model].params_b, rate) for (model, _, _), rate in rates.items() if model in SHAPES
    ]
    if len({size for size, _ in known}) < 2:
        return _PRINTED_POWER_LAW

    def errors(form: Sequence[float]) -> list[float]:
        factor, exponent = form
        return [factor * size**-exponent - rate for size, rate in known]

    found = least_squares(errors, (100.0, 0.5), bounds=_BOUNDS, max_nfev=_MAX_EVALUATIONS)
    return float(found.x[0]), float(found.x[1])


def _serial(records: Iterable[Serial]) -> Mapping[tuple[str, str], float]:
    """Of each pair's fits the one with the highest R²."""
    best: dict[tuple[str, str], Serial] = {}
    for one in records:
        held = best.get((one.model, one.backend))
        if held is None or one.r2 > held.r2:
            best[one.model, one.backend] = one
    return {pair: one.fraction for pair, one in best.items()}


def _deltas(scores: Mapping[tuple[str, str], float]) -> Mapping[str, float]:
    """Mean difference from FP16 over the models that have both."""
    return _means(
        (quant, score - scores[model, "FP16"])
        for (model, quant), score in scores.items()
        if quant != "FP16" and (model, "FP16") in scores
    )


def _grouped(pairs: Iterable[tuple[K, float]]) -> dict[K, list[float]]:
    found: dict[K, list[float]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _means(pairs: Iterable[tuple[K, float]]) -> dict[K, float]:
    return {key: statistics.fmean(values) for key, values in _grouped(pairs).items()}
