"""What a memory prediction starts from: the facts it needs, none of them missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.predict.footprint.kv_cache import CacheShape, cache_shape
from capcheck.predict.footprint.sharding import Shard
from capcheck.records import dataclass
from capcheck.registry.specs import BackendSpec, ModelSpec, QuantSpec
from capcheck.registry.versions import Version, parse
from capcheck.resolution.resolved import Engine, Resolved

GIB = 2.0**30


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """One engine copy on known hardware.

    `totals_gib` is the device memory of every product that the GPU's name may mean, the assumed one
    first. `law` is the coefficients' entry for this backend.
    """

    model: ModelSpec
    quant: QuantSpec
    backend: BackendSpec
    engine: Engine
    version: Version | None
    cache: CacheShape
    shard: Shard
    totals_gib: tuple[float, ...]
    reserved_gib: float
    vendor: str | None
    law: Mapping[str, Any]

    @classmethod
    def of(cls, resolved: Resolved, laws: Mapping[str, Any]) -> MemoryRequest | str:
        """The request of a deployment, or, as text, which fact is missing."""
        model, quant, backend = resolved.model, resolved.quant, resolved.backend
        if model is None:
            return "the model is not known"
        if quant is None:
            return "the quant is not known"
        if backend is None or resolved.engine is None:
            return resolved.needs
        if resolved.usable_gib is None:
            return "the GPU's memory is not known"
        cache = cache_shape(model)
        if cache is None:
            return f"the KV cache of {model.name} is not published for its kind of attention"
        if not (model.hidden_size and model.vocab_size):
            return f"hidden_size and vocab_size of {model.name} are not known"
        law = laws["backends"].get(backend.name)
        if law is None:
            return f"how {backend.name} takes memory has not been measured"
        return cls(
            model=model,
            quant=quant,
            backend=backend,
            engine=resolved.engine,
            version=parse(resolved.deployment.backend_version),
            cache=cache,
            shard=_shard(resolved, resolved.engine, backend),
            totals_gib=_totals(resolved, resolved.usable_gib),
            reserved_gib=resolved.reserved_gib,
            vendor=resolved.gpu.vendor if resolved.gpu else None,
            law=law,
        )

    @property
    def is_hybrid(self) -> bool:
        """Some layers hold a recurrent state instead of a KV cache."""
        return self.model.attention.lower().startswith("hybrid")

    @property
    def beyond_measured(self) -> str | None:
        """In words, how the model's size lies outside of what the law was fitted on, if it does.

        A fifth below and a quarter above count as inside, as for the speed laws.
        """
        seen = self.law.get("seen")
        if seen is None:
            return None
        least, most = seen["params_b"]
        if 0.8 * least <= self.model.params_b <= 1.25 * most:
            return None
        return f"not measured: a model of {self.model.params_b:.3g}B"

    def sequence_gib(self, tokens: float) -> float:
        """The cache of one sequence on one GPU."""
        windowed = tokens if self.cache.window is None else min(tokens, self.cache.window)
        return self.cache_gib(full_tokens=tokens, sliding_tokens=windowed)

    def cache_gib(self, *, full_tokens: float, sliding_tokens: float) -> float:
        """Cache on one GPU for so many tokens in full-attention and in sliding layers."""
        elements = self.cache.full * full_tokens + self.cache.sliding * sliding_tokens
        size = elements * self.engine.kv_bytes_per_element + self.cache.index_bytes * full_tokens
        return size * self.shard.cache_share(self.model) / GIB


def _shard(resolved: Resolved, engine: Engine, backend: BackendSpec) -> Shard:
    """Engines without tensor parallelism spread whole layers over the replica's GPUs."""
    if backend.memory_model == "budget":
        return Shard(engine.tensor_parallel_size, engine.pipeline_parallel_size)
    gpus = max(1, resolved.gpus_per_replica // engine.data_parallel_size)
    return Shard(1, max(gpus, engine.pipeline_parallel_size))


def _totals(resolved: Resolved, assumed_gib: float) -> tuple[float, ...]:
    if resolved.deployment.vram_gib is not None:
        return (assumed_gib,)
    variants = (gpu.usable_gib for gpu in resolved.gpu_variants if gpu.usable_gib is not None)
    return (assumed_gib, *variants)
