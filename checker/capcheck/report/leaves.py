"""Predictions and gates as the document's leaves: six significant digits, None for unknown."""

from __future__ import annotations

import math

from capcheck.estimate import Estimate, unknown
from capcheck.finding import Gate
from capcheck.place import Place
from capcheck.predict.forecast import Distribution, Forecast, Memory, Quality
from capcheck.report import document, predicted


def forecast(predicted: Forecast) -> predicted.Forecast:
    """Everything predicted for one deployment."""
    memory, load, cost = predicted.memory, predicted.load, predicted.cost
    return {
        "vram_gib": _vram(memory),
        "kv_cache_tokens": leaf(memory.kv_cache_tokens),
        "max_concurrent_sequences": leaf(memory.max_concurrent_sequences),
        "decode_tok_s": leaf(predicted.decode_tok_s),
        "prefill_tok_s": leaf(predicted.prefill_tok_s),
        "throughput_tok_s": leaf(load.throughput_tok_s),
        "capacity_tok_s": leaf(load.capacity_tok_s),
        "saturation_rps": leaf(load.saturation_rps),
        "goodput_rps": leaf(load.goodput_rps),
        "utilisation": leaf(load.utilisation),
        "loss_rate": leaf(load.loss_rate),
        "agent_tok_s": leaf(load.agent_tok_s),
        "scaling_efficiency": leaf(load.scaling_efficiency),
        "ttft_ms": _percentiles(load.ttft_ms),
        "tpot_ms": _percentiles(load.tpot_ms),
        "latency_ms": _percentiles(load.latency_ms),
        "latency_parts_ms": {
            name: rounded(part) or 0.0 for name, part in load.latency_parts_ms.items()
        },
        "quality": _quality(predicted.quality),
        "usd_month": leaf(cost.usd_month),
        "usd_per_million_tokens": leaf(cost.usd_per_million_tokens),
        "usd_per_million_tokens_at_capacity": leaf(cost.usd_per_million_tokens_at_capacity),
    }


def leaf(estimate: Estimate) -> predicted.Leaf:
    """One figure; a value that JSON cannot say is unknown."""
    value = rounded(estimate.value)
    return {
        "value": value,
        "low": None if value is None else rounded(estimate.low),
        "high": None if value is None else rounded(estimate.high),
        "provenance": "unknown" if value is None else estimate.provenance,
        "basis": estimate.basis,
    }


def _vram(memory: Memory) -> predicted.Vram:
    parts = {name: rounded(size) or 0.0 for name, size in memory.parts.items()}
    return {**leaf(memory.needed), "parts": parts, "usable": leaf(memory.usable)}


def _quality(quality: Quality) -> predicted.Quality:
    return {
        **leaf(quality.score),
        "benchmark": quality.benchmark,
        "tier": quality.tier,
        "n_items": quality.n_items,
        "reference": leaf(quality.reference),
        "drop": leaf(quality.drop),
    }


def _percentiles(distribution: Distribution) -> predicted.Percentiles:
    return {
        "mean": leaf(distribution.mean),
        "p50": leaf(distribution.p50),
        "p90": leaf(distribution.p90),
        "p95": leaf(distribution.p95),
        "p99": leaf(distribution.p99),
    }


def gate(judged: Gate) -> document.Gate:
    """One gate's answer."""
    return {
        **leaf(judged.estimate or unknown("")),
        "verdict": judged.verdict,
        "label": judged.label,
        "limit": rounded(judged.limit),
        "sense": judged.sense,
        "unit": judged.unit,
        "place": None if judged.place is None else spot(judged.place),
    }


def spot(place: Place) -> document.Spot:
    """One place."""
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_column": place.end_column,
    }


def exact(value: document.Scalar) -> document.Scalar:
    """A value as it was written; None for what JSON cannot say."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rounded(value: float | None) -> float | None:
    """Six significant digits; None for what JSON cannot say (NaN and infinity)."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
