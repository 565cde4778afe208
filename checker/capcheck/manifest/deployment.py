"""One deployment as stated in a manifest: nothing resolved, nothing defaulted.

Units are those of the field names. None means "not stated". `places` maps a JSON pointer relative
to the deployment (`/serving/max_model_len`, `/slo/latency_p95`, `` for the deployment's own name)
to the place of that value; every stated field has one. A map's place is that of its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date

from capcheck.place import Place
from capcheck.records import Keyed, dataclass


@dataclass(frozen=True, slots=True)
class Replicas:
    """Machines serving the deployment: `min` is checked against SLOs, `max` against the budget."""

    min: int = 1
    max: int = 1


@dataclass(frozen=True, slots=True)
class Serving(Keyed):
    """Engine settings under one canonical name for every engine; None is the engine's default."""

    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None
    data_parallel_size: int | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None  # vLLM: share of total memory
    mem_fraction_static: float | None = None  # SGLang: share of total for weights + KV pool
    kv_cache_free_gpu_memory_fraction: float | None = None  # TensorRT-LLM: share of free memory
    cuda_memory_fraction: float | None = None  # TGI
    kv_cache_dtype: str | None = None
    enable_prefix_caching: bool | None = None
    enable_chunked_prefill: bool | None = None
    enforce_eager: bool | None = None
    max_queue: int | None = None  # requests waiting for a slot before more are refused


@dataclass(frozen=True, slots=True)
class Tokens(Keyed):
    """A length in tokens. `p95` and `max` are None when only a mean was stated."""

    mean: float
    p95: float | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Load over all replicas: an open-loop rate or N closed-loop agents, never both.

    `profile` names the preset that gave the token lengths (chat, generate, rag, long) or is None.
    A field is None when it was not stated and no profile gives it.
    """

    requests_per_second: float | None = None
    peak_requests_per_second: float | None = None
    agents: int | None = None
    think_time_s: float = 0.0
    prompt_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    profile: str | None = None
    burstiness: float = 1.0  # squared coefficient of variation of the gaps between arrivals
    routing: str = "round-robin"  # of arrivals over replicas, or "random", "least-outstanding"
    prefix_cache_hit_rate: float = 0.0  # share of prompt tokens found in the prefix cache

    @property
    def busiest_rps(self) -> float:
        """The rate that latencies are judged at: the peak if one is stated; 0 in a closed loop."""
        return max(self.requests_per_second or 0.0, self.peak_requests_per_second or 0.0)


@dataclass(frozen=True, slots=True)
class LatencyLimit:
    """One `slo:` entry such as `latency_p95: 3s`."""

    metric: str  # "ttft", "tpot" or "latency"
    percentile: int  # 50, 90, 95 or 99
    limit_ms: float
    pointer: str  # "/slo/latency_p95"


@dataclass(frozen=True, slots=True)
class Slo:
    """Limits on latency, load and throughput."""

    latency: tuple[LatencyLimit, ...] = ()
    max_utilisation: float | None = None
    min_throughput_tok_s: float | None = None


@dataclass(frozen=True, slots=True)
class QualityLimit:
    """The floor on a named benchmark; exactly one of `min_score` and `max_drop` when gated."""

    benchmark: str | None = None
    min_score: float | None = None
    max_drop: float | None = None


@dataclass(frozen=True, slots=True)
class SafetyLimit:
    """Limits on refusal rates, as shares."""

    min_refusal: float | None = None
    max_over_refusal: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on cost."""

    monthly_usd: float | None = None
    max_increase_usd: float | None = None
    usd_per_million_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class AlternativesScope:
    """What the search may change; None is the default (same model, every priced GPU)."""

    models: tuple[str, ...] | None = None
    quants: tuple[str, ...] | None = None
    backends: tuple[str, ...] | None = None
    gpus: tuple[str, ...] | None = None
    max_replicas: int | None = None
    keep: tuple[str, ...] = ()  # field names that must stay as they are


@dataclass(frozen=True, slots=True)
class Skip:
    """Rules that do not apply until the end of a day."""

    rules: tuple[str, ...]
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class Blank:
    """A fact that a native file leaves to something else, and where: a variable, a folder, `all`.

    Its default does not hold either: something decides it, only not what was read. `words` are the
    file's own where they say a part of it: `AMD`, `L4|A100`.
    """

    reason: str
    place: Place
    words: str = ""


@dataclass(frozen=True, slots=True)
class Displaced:
    """What a native file says of a fact that the manifest states too, and where."""

    value: str | int | float | bool
    place: Place


@dataclass(frozen=True, slots=True)
class Observed:
    """What the texts of native files show without any table, as a rule's finding tells it.

    It holds for models of more layers than `layers`, where that is stated.
    """

    rule: str
    message: str
    place: Place
    related: Place | None = None
    layers: int | None = None


@dataclass(frozen=True, slots=True)
class Native:
    """What native files add to a deployment besides its values; all keys are its pointers.

    `origins` says what states a value: `--max-model-len`, `env MODEL_ID`, `label ...`.
    """

    blanks: Mapping[str, Blank] = field(default_factory=dict)
    displaced: Mapping[str, Displaced] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    observed: tuple[Observed, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of `deployments:`, in an environment if one was asked for."""

    name: str
    path: str
    place: Place  # of the deployment's name
    model: str | None = None
    architecture: Mapping[str, object] | None = None  # inline, or read from `model_config`
    quant: str | None = None
    backend: str | None = None
    backend_version: str | None = None
    replicas: Replicas = Replicas()
    gpu: str | None = None
    gpus_per_replica: int | None = None
    vram_gib: float | None = None
    reserved_gib: float | None = None
    usd_per_gpu_hour: float | None = None
    provider: str | None = None
    instance_type: str | None = None
    region: str | None = None
    capacity_type: str | None = None
    serving: Serving = Serving()
    traffic: Traffic | None = None
    slo: Slo = Slo()
    quality: QualityLimit | None = None
    safety: SafetyLimit | None = None
    budget: Budget = Budget()
    alternatives: AlternativesScope = AlternativesScope()
    skip: Skip | None = None
    environment: str | None = None
    native: Native = field(default=Native(), compare=False, repr=False)
    # JSON pointer, from the root of the file, of the map that changes are written to.
    root: str = field(default="", compare=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)

    def at(self, *pointers: str) -> Place:
        """The place of the first stated pointer, else of the deployment's name."""
        for pointer in pointers:
            if pointer in self.places:
                return self.places[pointer]
        return self.place
