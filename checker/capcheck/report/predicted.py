"""The predicted figures of the JSON report: leaves with interval and provenance.

A leaf's `value` is None when it is unknown; `low` or `high` is None beside a value when that end
is open.
"""

from __future__ import annotations

from typing import TypedDict

from capcheck.estimate import Provenance


class Leaf(TypedDict):
    """A predicted figure with its 90 % interval and where it came from."""

    value: float | None
    low: float | None
    high: float | None
    provenance: Provenance
    basis: str


class Percentiles(TypedDict):
    """A latency in milliseconds over requests."""

    mean: Leaf
    p50: Leaf
    p90: Leaf
    p95: Leaf
    p99: Leaf


class Vram(Leaf):
    """Need of one GPU; `parts` sum to `value`; it fits when `value` <= `usable`."""

    parts: dict[str, float]
    usable: Leaf


class Quality(Leaf):
    """A benchmark score; `drop` is against `reference`, the same variant unquantised."""

    benchmark: str | None
    tier: str | None
    n_items: int | None
    reference: Leaf
    drop: Leaf


class Forecast(TypedDict):
    """What is predicted for one deployment; units are in the names."""

    vram_gib: Vram
    kv_cache_tokens: Leaf
    max_concurrent_sequences: Leaf
    decode_tok_s: Leaf
    prefill_tok_s: Leaf
    throughput_tok_s: Leaf
    capacity_tok_s: Leaf
    saturation_rps: Leaf
    goodput_rps: Leaf
    utilisation: Leaf
    loss_rate: Leaf
    agent_tok_s: Leaf
    scaling_efficiency: Leaf
    ttft_ms: Percentiles
    tpot_ms: Percentiles
    latency_ms: Percentiles
    latency_parts_ms: dict[str, float]
    quality: Quality
    usd_month: Leaf
    usd_per_million_tokens: Leaf
    usd_per_million_tokens_at_capacity: Leaf
