"""Cases with figures chosen by the test, so that a rule's answer does not hang on a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from capcheck.estimate import Estimate, exact, unknown
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.place import Place
from capcheck.predict.forecast import (
    Cost,
    Distribution,
    Forecast,
    Load,
    Memory,
    Quality,
    Safety,
)
from capcheck.registry.tables import load
from capcheck.resolution.resolve import resolve
from capcheck.rules.case import Case

TODAY = date(2026, 11, 23)
POINTERS = (
    "/model",
    "/quant",
    "/gpu",
    "/replicas",
    "/traffic/requests_per_second",
    "/traffic/agents",
    "/serving/max_model_len",
    "/slo/ttft_p95",
    "/slo/latency_p50",
    "/slo/latency_p95",
    "/slo/max_utilisation",
    "/slo/min_throughput_tok_s",
    "/quality/min_score",
    "/quality/max_drop",
    "/quality/benchmark",
    "/safety/min_refusal",
    "/safety/max_over_refusal",
    "/budget/monthly_usd",
    "/budget/usd_per_million_tokens",
)
LINES = {pointer: line for line, pointer in enumerate(POINTERS, start=3)}


def about(value: float, low: float, high: float | None) -> Estimate:
    return Estimate(value, low, high, "interpolated", "a test's figure")


def flat(value: float) -> Distribution:
    return Distribution(*(exact(value, "a test's figure"),) * 5)


IDLE = Forecast(
    memory=Memory(
        needed=about(10.0, 9.0, 11.0),
        usable=exact(20.0, "a test's figure"),
        parts={"weights": 6.0, "kv_cache": 3.0, "activation_peak": 1.0},
        kv_cache_tokens=exact(80_000, "a test's figure"),
        max_concurrent_sequences=exact(10, "a test's figure"),
    ),
    decode_tok_s=exact(50, "a test's figure"),
    prefill_tok_s=exact(5_000, "a test's figure"),
    load=Load(
        throughput_tok_s=exact(100, "a test's figure"),
        capacity_tok_s=about(1_000, 800, 1_200),
        saturation_rps=exact(4, "a test's figure"),
        utilisation=about(0.25, 0.2, 0.3),
        ttft_ms=flat(100),
        tpot_ms=flat(20),
        latency_ms=flat(3_000),
        queue_wait_ms=flat(0),
    ),
    quality=Quality(
        score=about(0.70, 0.65, 0.75),
        reference=exact(0.71, "a test's figure"),
        drop=about(0.01, 0.0, 0.02),
        benchmark="mmlu",
        tier="negligible",
        n_items=485,
    ),
    safety=Safety(about(0.9, 0.85, 0.95), unknown("not measured")),
    cost=Cost(*(about(500.0, 480.0, 520.0),) * 4),
)


def case_of(
    stated: dict[str, Any] | None = None,
    *,
    explained: frozenset[str] = frozenset(),
    today: date = TODAY,
    **figures: Any,
) -> Case:
    """The stated fields, and a forecast with parts replaced (`load__tpot_ms=`)."""
    deployment = Deployment(
        name="chat",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 2, 3, 7),
        places={pointer: Place("capcheck.yaml", line, 5, 9) for pointer, line in LINES.items()},
        **{
            "model": "llama3.1-8b",
            "quant": "FP8",
            "backend": "vllm",
            "gpu": "L4 24GB",
            "serving": Serving(gpu_memory_utilization=0.9),
            **(stated or {}),
        },
    )
    forecast = IDLE
    for name, value in figures.items():
        part, _, field = name.partition("__")
        forecast = replace(forecast, **{part: replace(getattr(forecast, part), **{field: value})})
    resolved, _ = resolve(deployment, load())
    return Case(resolved, forecast, today, explained)


@pytest.fixture
def case() -> Callable[..., Case]:
    return case_of
