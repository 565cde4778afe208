"""A deployment after the registry and the engine's defaults filled in what it left open."""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.manifest.deployment import Deployment
from capcheck.records import dataclass
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, Price, QuantSpec


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact comes from: `capcheck.yaml:12`, `model tag`, `default of vllm`, ..."""

    text: str
    stated: bool  # the user wrote it; False for defaults and inferences


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine settings in force: every figure that the predictors need, none missing.

    `max_model_len` is the longest sequence of one request; `max_num_seqs` the slots of one engine
    copy; `memory_fraction` the engine's own fraction (whichever of the three it uses) or None.
    `kv_cache_tokens` is what an engine of the "allocate" kind reserves up front, for all its slots;
    None for the others, whose cache is what their memory leaves. `max_queue` requests may wait for
    a slot of one copy before more are refused, None for any number.
    """

    tensor_parallel_size: int
    pipeline_parallel_size: int
    data_parallel_size: int
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    memory_fraction: float | None
    kv_cache_dtype: str
    kv_bytes_per_element: float
    enable_prefix_caching: bool
    enable_chunked_prefill: bool
    enforce_eager: bool
    kv_cache_tokens: int | None = None
    max_queue: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Specs and settings in force. A spec is None when it could not be resolved.

    `gpu_variants` holds every product an ambiguous GPU name may mean, the assumed one first;
    intervals span them all. `replicas_min`/`replicas_max` and `gpus_per_replica` are final.
    `origins` has one entry per key of `resolved` in the report (`model`, `quant`, `gpu`,
    `max_model_len`, ...).
    """

    deployment: Deployment
    model: ModelSpec | None
    quant: QuantSpec | None
    backend: BackendSpec | None
    gpu: GpuSpec | None
    gpu_variants: tuple[GpuSpec, ...]
    price: Price | None
    price_variants: tuple[Price, ...]
    replicas_min: int
    replicas_max: int
    gpus_per_replica: int
    usable_gib: float | None  # device memory after `vram_gib`, before reservations
    reserved_gib: float
    engine: Engine | None  # None unless model, backend and gpu are all known
    origins: Mapping[str, Origin]

    @property
    def needs(self) -> str:
        """What is not known of model, quant, backend, GPU and settings, in a clause for people."""
        names = [name for name in ("model", "quant", "backend") if getattr(self, name) is None]
        names += ["GPU"] if self.gpu is None else []
        blanks = self.deployment.native.blanks
        settings = (one for one in blanks if one.startswith("/serving/"))
        names += [one.rpartition("/")[2] for one in settings]
        *others, last = names or ["setting of the engine"]
        return f"needs a known {', '.join(others)}{' and ' if others else ''}{last}"
