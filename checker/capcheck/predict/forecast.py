"""What capcheck predicts for one deployment. Keys of the JSON report are these field names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from capcheck.estimate import Estimate, unknown
from capcheck.records import dataclass

NOT_LOOKED_FOR = unknown("not looked for")


@dataclass(frozen=True, slots=True)
class Distribution:
    """A latency in milliseconds: its mean and percentiles over requests."""

    mean: Estimate
    p50: Estimate
    p90: Estimate
    p95: Estimate
    p99: Estimate

    def percentile(self, percentile: int) -> Estimate:
        """The estimate of the 50th, 90th, 95th or 99th percentile."""
        return {50: self.p50, 90: self.p90, 95: self.p95, 99: self.p99}[percentile]


@dataclass(frozen=True, slots=True)
class Memory:
    """Device memory of one GPU, in GiB, and what is left for the KV cache of one replica.

    `needed` is what the deployment must have to start and serve one full-length sequence (for a
    budget engine: weights + activation + overhead + one max_model_len sequence); `usable` is what
    the device offers to it. It fits when needed <= usable. `parts` (weights, kv_cache,
    activation_peak, runtime_overhead, cuda_graphs) sum to `needed.value`.
    """

    needed: Estimate
    usable: Estimate
    parts: Mapping[str, float]
    kv_cache_tokens: Estimate
    max_concurrent_sequences: Estimate


@dataclass(frozen=True, slots=True)
class Quality:
    """A score on a named benchmark, its same-variant reference, and TR133's tier of the drop."""

    score: Estimate
    reference: Estimate
    drop: Estimate
    benchmark: str | None
    tier: str | None  # "negligible", "acceptable", "concerning", "unacceptable"
    n_items: int | None


@dataclass(frozen=True, slots=True)
class Safety:
    """Share of harmful prompts refused, and of harmless prompts refused by mistake (0..1)."""

    refusal: Estimate
    over_refusal: Estimate


@dataclass(frozen=True, slots=True)
class Load:
    """Behaviour at the stated traffic, over all replicas.

    `goodput_rps` is the requests per second that keep all stated limits on latency, each by itself.
    `utilisation` is a share of what could be served, `busy` the share of time in which a replica
    runs any request. `loss_rate` is the share that a full queue turns away. Of a closed loop,
    `agent_tok_s` is what each agent gets and `scaling_efficiency` its share of what a lone agent
    gets: TR133's eta(N).
    `latency_parts_ms` (queue, host, prefill, decode) sum to the mean latency; empty when unknown.
    `preemption` says that requests compete for the KV cache.
    """

    throughput_tok_s: Estimate
    capacity_tok_s: Estimate
    saturation_rps: Estimate
    utilisation: Estimate
    ttft_ms: Distribution
    tpot_ms: Distribution
    latency_ms: Distribution
    queue_wait_ms: Distribution
    busy: Estimate = NOT_LOOKED_FOR
    goodput_rps: Estimate = NOT_LOOKED_FOR
    loss_rate: Estimate = NOT_LOOKED_FOR
    agent_tok_s: Estimate = NOT_LOOKED_FOR
    scaling_efficiency: Estimate = NOT_LOOKED_FOR
    latency_parts_ms: Mapping[str, float] = field(default_factory=dict)
    preemption: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """Money. `basis` names price source and date; amounts are null without a price."""

    usd_month: Estimate
    usd_month_max: Estimate  # at replicas.max
    usd_per_million_tokens: Estimate
    usd_per_million_tokens_at_capacity: Estimate


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything predicted for one deployment."""

    memory: Memory
    decode_tok_s: Estimate
    prefill_tok_s: Estimate
    load: Load
    quality: Quality
    safety: Safety
    cost: Cost
