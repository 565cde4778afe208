"""The tables of measurements, one class each. GiB is 2^30 bytes, times are ms, rates tokens/s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from capfit.data.columns import Role, Row, column, condition, measure

# Why a row stays in its table but out of every fit.
EXCLUSIONS = {
    "aggregate": "a mean of other rows of the table",
    "duplicate": "the same measurement as another row",
    "prefix-cache-hit": "the prompt was in the cache: nothing was prefilled",
    "pooled-prompts": "prompts of very different lengths under one figure",
    "pooled-models": "several models under one figure",
    "whole-device": "the device's memory, with what else runs on it",
    "by-construction": "the formula itself, not a measurement",
    "letter-answers": "rates of answers of one or two tokens",
    "profiled": "slowed by a profiler",
    "derived": "computed from other figures, not measured",
    "failed": "no request completed",
    "computed": "another tool's estimate",
    "inconsistent": "contradicts itself in its source",
    "unverified": "no source is known for the figure",
    "superseded": "measured again, better, in another row",
}

ARRIVALS = {
    "single": "one request at a time",
    "static": "a fixed batch, started together",
    "closed": "clients that each wait for their answer",
    "burst": "all requests at once",
    "poisson": "independent arrivals at a mean rate",
    "periodic": "evenly spaced arrivals",
}

RATES = ("decode_tok_s", "output_tok_s_e2e", "total_output_tok_s")
TIMES = ("e2e_ms_mean", "e2e_ms_p99", "tpot_ms_mean", "tpot_ms_p99", "itl_ms_p50")
TTFTS = ("ttft_ms_mean", "ttft_ms_p50", "ttft_ms_p99")


@dataclass(frozen=True, kw_only=True)
class Sourced(Row):
    """Where a row comes from. `trust`: A full conditions, B a stated gap, C unverified."""

    collection: str = column(role=Role.PROVENANCE, allowed=("tr", "public"))
    source: str = column(role=Role.PROVENANCE)
    location: str = column(role=Role.PROVENANCE)
    date: str | None = column(role=Role.PROVENANCE)
    trust: str | None = column(role=Role.PROVENANCE, allowed=("A", "B", "C"))
    excluded: str | None = column(role=Role.PROVENANCE, allowed=EXCLUSIONS)


@dataclass(frozen=True, kw_only=True)
class Measured(Sourced):
    """Measured on a device. A blank quant is what the backend's tag pulls, if it has tags.

    `quant_claimed` is what the source says where that is wrong. `session` is the clock state of
    the card: sessions never mix. `tensor_parallel_size` 1 on several GPUs: see `sharding`.
    """

    session: str | None = column(role=Role.SUBJECT)
    backend: str = column(role=Role.SUBJECT)
    backend_version: str | None = column(role=Role.SUBJECT)
    model: str = column(role=Role.SUBJECT)
    quant: str | None = column(role=Role.SUBJECT)
    quant_claimed: str | None = column(role=Role.DETAIL)
    gpu: str | None = column(role=Role.SUBJECT)
    n_gpus: int = column(role=Role.SUBJECT, least=1)
    tensor_parallel_size: int | None = column(role=Role.SUBJECT, least=1)


@dataclass(frozen=True, kw_only=True)
class Speed(Measured):
    """A rate or a time. `concurrency` counts the sequences (or clients) of the whole deployment.

    `prompt_tokens` are prefilled; `cached_tokens` were in the cache before them.
    """

    arrival: str = column(role=Role.SUBJECT, allowed=ARRIVALS)
    concurrency: int | None = column(role=Role.SUBJECT, least=1)
    request_rate_rps: float | None = column(role=Role.SUBJECT, unit="requests/s", least=0)
    prompt_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    cached_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    output_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    metric: str = column(role=Role.MEASURE)
    value: float | None = column(role=Role.MEASURE, unit="ms or tokens/s, see metric", least=0)
    outcome: str | None = column(role=Role.SUBJECT, allowed=("spill", "oom"))
    statistic: str | None = column(role=Role.DETAIL)
    n_samples: int | None = column(role=Role.DETAIL, least=1)
    ci_low: float | None = column(role=Role.DETAIL, least=0)
    ci_high: float | None = column(role=Role.DETAIL, least=0)
    cv_percent: float | None = column(role=Role.DETAIL, unit="percent", least=0)
    weight_gib: float | None = column(role=Role.DETAIL, unit="GiB of the weight file", least=0)
    sharding: str | None = condition(allowed=("tensor", "row", "layer", "data", "pipeline"))
    expert_parallel_size: int | None = condition()
    attention_data_parallel_size: int | None = condition()
    kv_cache_dtype: str | None = condition()
    flash_attention: bool | None = condition()
    power_limit_w: float | None = condition(unit="W")
    build: str | None = condition()
    protocol: str | None = condition()
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class Decode(Speed):
    """One stream's decoding. `decode_tok_s` is the clean metric; the others include prefill."""

    table: ClassVar[str] = "decode"
    metric: str = column(role=Role.MEASURE, allowed=(*RATES, *TIMES))


@dataclass(frozen=True, kw_only=True)
class Prefill(Speed):
    """One prompt's prefill."""

    table: ClassVar[str] = "prefill"
    metric: str = column(role=Role.MEASURE, allowed=("prefill_tok_s", "prefill_ms", *TTFTS))


@dataclass(frozen=True, kw_only=True)
class Serving(Speed):
    """Several sequences at a time. `batch_decode_tok_s` is the whole batch's, without prefill."""

    table: ClassVar[str] = "serving"
    metric: str = column(
        role=Role.MEASURE,
        allowed=("total_output_tok_s", "batch_decode_tok_s", "prefill_tok_s", *TIMES, *TTFTS),
    )


@dataclass(frozen=True, kw_only=True)
class Memory(Measured):
    """Device memory of all GPUs together, or whether a configuration fits.

    `prompt_tokens` of the `context_tokens` were prefilled; blank: all of them.
    """

    table: ClassVar[str] = "memory"
    context_tokens: int | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    prompt_tokens: int | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    concurrency: int | None = column(role=Role.SUBJECT, least=1)
    metric: str = column(
        role=Role.MEASURE,
        allowed=(
            *("allocated_loaded_gib", "allocated_after_prefill_gib", "allocated_peak_gib"),
            *("kv_cache_gib", "device_idle_gib", "device_used_gib", "device_peak_gib"),
            *("device_after_run_gib", "buffers_gib", "fits"),
        ),
    )
    value_gib: float | None = column(role=Role.MEASURE, unit="GiB", least=0)
    outcome: str = column(role=Role.SUBJECT, allowed=("fits", "spill", "oom"))
    statistic: str | None = column(role=Role.DETAIL)
    n_samples: int | None = column(role=Role.DETAIL, least=1)
    kv_cache_dtype: str | None = condition()
    flash_attention: bool | None = condition()
    build: str | None = condition()
    protocol: str | None = condition()
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class Startup(Measured):
    """What an engine logged when it started, per GPU. Not every failure is about memory."""

    table: ClassVar[str] = "startup"
    id: str = column(role=Role.PROVENANCE)
    context_tokens: int | None = column(role=Role.SUBJECT, unit="tokens (max_model_len)", least=1)
    gpu_memory_utilization: float | None = condition()
    kv_cache_dtype: str | None = condition()
    device_gib: float | None = column(role=Role.DETAIL, unit="GiB", least=0)
    weights_gib: float | None = measure(unit="GiB")
    activation_gib: float | None = measure(unit="GiB")
    non_torch_gib: float | None = measure(unit="GiB")
    cuda_graph_gib: float | None = measure(unit="GiB", least=-1.0)
    kv_cache_gib: float | None = measure(unit="GiB", least=-1000.0)
    kv_cache_tokens: int | None = measure(unit="tokens")
    kv_required_gib: float | None = measure(unit="GiB")
    total_required_gib: float | None = measure(unit="GiB")
    total_measured_gib: float | None = measure(unit="GiB")
    kv_bytes_per_token: float | None = measure(unit="bytes")
    outcome: str = column(
        role=Role.SUBJECT, allowed=("ok", "no-memory", "partial-offload", "other-failure", "none")
    )
    outcome_text: str = column(role=Role.REMARK)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class Scaling(Measured):
    """The rate of each of N agents on one copy, closed loop."""

    table: ClassVar[str] = "scaling"
    concurrency: int = column(role=Role.SUBJECT, unit="agents", least=1)
    think_ms: float | None = condition(unit="ms")
    profiled: bool = column(role=Role.SUBJECT)
    per_agent_tok_s: float | None = measure(unit="tokens/s")
    total_tok_s: float | None = measure(unit="tokens/s")
    efficiency: float | None = measure(unit="of the rate of one agent")
    baseline_tok_s: float | None = column(role=Role.DETAIL, unit="tokens/s", least=0)
    efficiency_computed: float | None = column(role=Role.DETAIL, least=0)
    wall_ms_mean: float | None = measure(unit="ms")
    statistic: str | None = column(role=Role.DETAIL)
    n_samples: str | None = column(role=Role.DETAIL)
    ci_low: float | None = column(role=Role.DETAIL, unit="tokens/s", least=0)
    ci_high: float | None = column(role=Role.DETAIL, unit="tokens/s", least=0)
    status: str = column(role=Role.REMARK)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class LatencyLoad(Measured):
    """Latency under a stated load. `gpu_tok_s` is the decode rate while the GPU works."""

    table: ClassVar[str] = "latency_load"
    arrival: str = column(role=Role.SUBJECT, allowed=ARRIVALS)
    request_rate_rps: float | None = column(role=Role.SUBJECT, unit="requests/s", least=0)
    concurrency: int | None = column(role=Role.SUBJECT, unit="agents", least=1)
    think_ms: float | None = condition(unit="ms")
    num_parallel: str | None = condition(allowed=("1", "2", "4", "default"))
    mode: str = condition(allowed=("batch", "stream", "generate()"))
    max_output_tokens: int | None = condition(unit="tokens")
    task_mix: str | None = condition(allowed=("mixed",))
    wall_ms_mean: float | None = measure(unit="ms")
    wall_ms_p50: float | None = measure(unit="ms")
    wall_ms_p95: float | None = measure(unit="ms")
    wall_ms_p99: float | None = measure(unit="ms")
    wall_ms_ci_low: float | None = column(role=Role.DETAIL, unit="ms", least=0)
    wall_ms_ci_high: float | None = column(role=Role.DETAIL, unit="ms", least=0)
    ttft_ms_mean: float | None = measure(unit="ms")
    ttft_ms_p50: float | None = measure(unit="ms")
    ttft_ms_p95: float | None = measure(unit="ms")
    ttft_ms_p99: float | None = measure(unit="ms")
    queue_ms_mean: float | None = measure(unit="ms")
    queue_ms_p95: float | None = measure(unit="ms")
    queue_depth: float | None = measure(unit="requests")
    chunk_gap_ms_mean: float | None = measure(unit="ms")
    chunk_gap_ms_p95: float | None = measure(unit="ms")
    gpu_tok_s: float | None = measure(unit="tokens/s")
    utilisation: float | None = column(role=Role.DETAIL, least=0)
    n_samples: int = column(role=Role.DETAIL, least=1)
    status: str = column(role=Role.REMARK)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class ServiceTime(Measured):
    """One request alone: its wall time and the parts of it. `eff_tok_s` is tokens over wall time,
    `gpu_tok_s` the decode rate while the GPU works.
    """

    table: ClassVar[str] = "service_time"
    prompt_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    prompt_range: str | None = condition()
    max_output_tokens: int | None = condition(unit="tokens")
    task_mix: str | None = condition(allowed=("mixed",))
    mean_ms: float | None = measure(unit="ms")
    median_ms: float | None = measure(unit="ms")
    p95_ms: float | None = measure(unit="ms")
    p99_ms: float | None = measure(unit="ms")
    cv: float | None = column(role=Role.DETAIL, least=0)
    eff_tok_s: float | None = measure(unit="tokens/s")
    gpu_tok_s: float | None = measure(unit="tokens/s")
    prefill_ms_mean: float | None = measure(unit="ms")
    prefill_ms_median: float | None = measure(unit="ms")
    decode_ms_mean: float | None = measure(unit="ms")
    ttft_ms_mean: float | None = measure(unit="ms")
    n_samples: int | None = column(role=Role.DETAIL, least=1)
    ci_low_ms: float | None = column(role=Role.DETAIL, unit="ms", least=0)
    ci_high_ms: float | None = column(role=Role.DETAIL, unit="ms", least=0)
    status: str = column(role=Role.REMARK)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class EnergyCost(Measured):
    """Power, energy and what the reports derived from them."""

    table: ClassVar[str] = "energy_cost"
    scenario: str = condition()
    build: str | None = condition()
    prompt_tokens: int | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    output_tokens: int | None = column(role=Role.SUBJECT, unit="tokens", least=0)
    metric: str = column(role=Role.MEASURE)
    value: float = column(role=Role.MEASURE, unit="see column unit", least=0)
    unit: str = column(role=Role.DETAIL)
    n_samples: int = column(role=Role.DETAIL, least=1)
    notes: str | None = column(role=Role.REMARK)
