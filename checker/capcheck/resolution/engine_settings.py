"""The engine settings in force: what the manifest states, else what the engine does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeVar

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.predict.footprint.kv_cache import bytes_of_context
from capcheck.predict.footprint.weights import loaded_bytes
from capcheck.records import dataclass
from capcheck.registry.engine_defaults import (
    MAX_MODEL_LEN,
    MODEL_CONTEXT,
    NO_LIMIT,
    PARALLEL_SIZES,
    SGLANG_MEMORY_FRACTION,
    Site,
    Value,
    default,
    flag,
    memory_fraction_setting,
    sglang_memory_fraction,
)
from capcheck.registry.matches import Miss
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec
from capcheck.registry.tables import Registry
from capcheck.registry.versions import parse, release_in
from capcheck.resolution.ignored_settings import ignored
from capcheck.resolution.resolved import Engine, Origin

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """The GPUs of one replica; `usable_gib` is the memory of one, None when unknown."""

    gpu: GpuSpec
    gpus: int
    usable_gib: float | None
    reserved_gib: float


@dataclass(frozen=True)
class Parts:
    """What an engine runs: the manifest's wishes and the resolved things they are about."""

    deployment: Deployment
    model: ModelSpec
    quant: QuantSpec | None
    backend: BackendSpec
    machine: Machine

    @cached_property
    def site(self) -> Site:
        """What the engine's defaults may depend on here."""
        device_gib = self.machine.usable_gib or 0.0
        return Site(
            backend=self.backend.name,
            version=parse(self.deployment.backend_version),
            gpu=self.machine.gpu.name,
            device_gib=device_gib,
            total_gib=device_gib * self.machine.gpus,
            attention=self.model.attention,
            tensor_parallel_size=parallel_sizes(self.deployment, self.backend)[0],
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The engine's settings with their origins; `engine` is None when one could not be found."""

    engine: Engine | None
    origins: Mapping[str, Origin]
    findings: tuple[Finding, ...]


T = TypeVar("T", bound=Value)
Sourced = tuple[T, Origin]


def settings(parts: Parts, registry: Registry) -> Settings:
    """Every setting of one engine copy, stated or default, with where it comes from.

    Findings missing-max-model-len and unknown-kv-cache-dtype say why there is no engine;
    setting-ignored names what was stated to no effect.
    """
    findings = list(ignored(parts.deployment, parts.backend))
    cache = _cache_type(parts, registry)
    context = _context(parts, 2.0 if isinstance(cache, Finding) else cache[1])
    if isinstance(context, Finding) or isinstance(cache, Finding):
        blocking = [found for found in (context, cache) if isinstance(found, Finding)]
        return Settings(None, {}, (*findings, *blocking))
    (dtype, dtype_origin), bytes_per_element = cache
    chunked = _switch(parts, "enable_chunked_prefill")
    tokens = _token_budget(parts, context[0], chunked=chunked[0])
    sequences = _sequences(parts, tokens[0])
    fraction = _memory_fraction(parts, tokens[0])
    prefix, eager = (_switch(parts, it) for it in ("enable_prefix_caching", "enforce_eager"))
    tensor, pipeline, data = parallel_sizes(parts.deployment, parts.backend)
    engine = Engine(
        tensor_parallel_size=tensor,
        pipeline_parallel_size=pipeline,
        data_parallel_size=data,
        max_model_len=context[0],
        max_num_seqs=sequences[0],
        max_num_batched_tokens=tokens[0],
        memory_fraction=fraction[0] if fraction else None,
        kv_cache_dtype=dtype,
        kv_bytes_per_element=bytes_per_element,
        enable_prefix_caching=prefix[0],
        enable_chunked_prefill=chunked[0],
        enforce_eager=eager[0],
        kv_cache_tokens=_allocated_tokens(parts, context[0], sequences[0]),
        max_queue=_queue_limit(parts),
    )
    origins = {
        **{name: _origin(parts, name) for name in PARALLEL_SIZES},
        "max_model_len": context[1],
        "max_num_seqs": sequences[1],
        "max_num_batched_tokens": tokens[1],
        "memory_fraction": fraction[1] if fraction else Origin("takes what it needs", False),
        "kv_cache_dtype": dtype_origin,
        "enable_prefix_caching": prefix[1],
        "enable_chunked_prefill": chunked[1],
        "enforce_eager": eager[1],
        "max_queue": _origin(parts, "max_queue"),
    }
    return Settings(engine, origins, tuple(findings))


def parallel_sizes(deployment: Deployment, backend: BackendSpec | None) -> tuple[int, int, int]:
    """Tensor, pipeline and data parallel size as the engine will use them: 1 where it has none."""
    sizes = (
        (getattr(deployment.serving, name) or 1)
        if backend is None or flag(backend.name, name)
        else 1
        for name in PARALLEL_SIZES
    )
    tensor, pipeline, data = sizes
    return tensor, pipeline, data


def _stated(parts: Parts, setting: str) -> Value | None:
    """The manifest's value, if this engine has such a setting."""
    value: Value | None = getattr(parts.deployment.serving, setting, None)
    return value if flag(parts.backend.name, setting) else None


def _origin(parts: Parts, setting: str) -> Origin:
    """Where the value of a setting comes from: its line, or this release's default."""
    if _stated(parts, setting) is not None:
        place = parts.deployment.at(f"/serving/{setting}")
        return Origin(f"{place.path}:{place.line}", True)
    return Origin(f"default of {release(parts.deployment, parts.backend)}", False)


def release(deployment: Deployment, backend: BackendSpec) -> str:
    """The engine and the release whose defaults hold: `vllm 0.11.2`, `llama.cpp`."""
    stated = deployment.backend_version
    version = stated if parse(stated) else release_in(backend.version_read)
    return f"{backend.name} {version.removeprefix('v')}" if version else backend.name


def _default(parts: Parts, setting: str) -> Value | None:
    row = default(parts.site, setting)
    return row.value if row else None


def _switch(parts: Parts, setting: str) -> Sourced[bool]:
    value = _stated(parts, setting)
    if value is None:
        value = _default(parts, setting)
    return bool(value), _origin(parts, setting)


def _context(parts: Parts, bytes_per_element: float) -> Sourced[int] | Finding:
    """The longest sequence of one request, or the finding that nobody says how long it is."""
    origin = _origin(parts, "max_model_len")
    stated = _stated(parts, "max_model_len")
    if stated is not None:
        return int(stated), origin
    usual, model_context = _default(parts, "max_model_len"), parts.model.max_context
    if usual in (None, MODEL_CONTEXT):
        usual = model_context
    if usual is None:
        return Finding(
            rule="missing-max-model-len",
            severity="error",
            verdict="cannot-predict",
            message=(
                f"{parts.backend.name} takes its context from the model, and the registry does not "
                f"know that of {parts.model.name}"
            ),
            place=parts.deployment.at("/model"),
            fix="set serving.max_model_len",
        )
    length = int(usual) if model_context is None else min(int(usual), model_context)
    fitting = _context_that_fits(parts, length, bytes_per_element)
    if fitting < length:
        origin = Origin(f"{origin.text}, shortened from {length} to fit", False)
    return fitting, origin


def _context_that_fits(parts: Parts, length: int, bytes_per_element: float) -> int:
    """What is left of an unstated context after the engine has made it fit its memory.

    The first of the engine's steps for which weights, cache and its safety margin fit the GPUs, or
    the last one. SOURCE: the rows `context_steps` and `fit_margin_gib` of engine_defaults.csv.
    """
    steps, margin_gib = _default(parts, "context_steps"), _default(parts, "fit_margin_gib")
    machine = parts.machine
    if steps is None or margin_gib is None or parts.quant is None or machine.usable_gib is None:
        return length
    free_gib = machine.gpus * (machine.usable_gib - machine.reserved_gib - float(margin_gib))
    room = free_gib * GIB - loaded_bytes(parts.model, parts.quant)
    lengths = [length, *(step for step in map(int, str(steps).split()) if step < length)]
    for tokens in lengths:
        cache = bytes_of_context(parts.model, tokens=tokens, bytes_per_element=bytes_per_element)
        if cache is None:
            return length
        if _caches(parts) * cache <= room:
            return tokens
    return lengths[-1]


def _caches(parts: Parts) -> int:
    """How many full-length sequences the cache of an allocating engine is made for."""
    slots = _stated(parts, "max_num_seqs")
    if slots is not None:
        return int(slots)
    return 1 if _default(parts, "shared_kv_cache") else int(_default(parts, "max_num_seqs") or 1)


def _allocated_tokens(parts: Parts, context: int, sequences: int) -> int | None:
    if parts.backend.memory_model != "allocate":
        return None
    return context * min(sequences, _caches(parts))


def _token_budget(parts: Parts, context: int, *, chunked: bool) -> Sourced[int]:
    """Prompt tokens of one step; an engine that does not chunk makes room for a whole prompt."""
    origin = _origin(parts, "max_num_batched_tokens")
    stated = _stated(parts, "max_num_batched_tokens")
    if stated is not None:
        return int(stated), origin
    usual = _default(parts, "max_num_batched_tokens")
    if usual in (None, MAX_MODEL_LEN):
        return context, origin
    tokens = int(usual)
    if not chunked and _default(parts, "whole_prompts_fit"):
        tokens = max(tokens, context)
    return tokens, origin


def _sequences(parts: Parts, tokens_per_step: int) -> Sourced[int]:
    """Slots of one engine copy; by default no more than a step has tokens."""
    origin = _origin(parts, "max_num_seqs")
    stated = _stated(parts, "max_num_seqs")
    if stated is not None:
        return int(stated), origin
    return min(int(_default(parts, "max_num_seqs") or 1), tokens_per_step), origin


def _queue_limit(parts: Parts) -> int | None:
    """Requests that wait for a slot before more are refused; None where any number may."""
    limit = _stated(parts, "max_queue")
    if limit is None:
        limit = _default(parts, "max_queue")
    return None if limit in (None, NO_LIMIT) else int(limit)


def _memory_fraction(parts: Parts, tokens_per_step: int) -> Sourced[float] | None:
    """The engine's own share of the device, whichever it is; None when it has none."""
    setting = memory_fraction_setting(parts.backend.name)
    if setting is None:
        return None
    value, origin = _stated(parts, setting), _origin(parts, setting)
    if value is None:
        value = _default(parts, setting)
    if value == SGLANG_MEMORY_FRACTION:
        value = sglang_memory_fraction(
            parts.site,
            max_num_batched_tokens=tokens_per_step,
            pipeline_parallel_size=parallel_sizes(parts.deployment, parts.backend)[1],
        )
    wiggle_room = _default(parts, "memory_wiggle_room")
    return float(value or 0.0) * float(1.0 if wiggle_room is None else wiggle_room), origin


def _cache_type(parts: Parts, registry: Registry) -> tuple[Sourced[str], float] | Finding:
    """The KV cache's type and bytes per element, or the finding that nobody prints them.

    A type that only other engines have keeps its bytes: the support matrix says that it fails.
    """
    value = _stated(parts, "kv_cache_dtype") or _default(parts, "kv_cache_dtype") or "auto"
    origin = _origin(parts, "kv_cache_dtype")
    name = str(value)
    match = registry.kv_cache_dtype(name, backend=parts.backend.name)
    if isinstance(match, Miss):
        elsewhere = (registry.kv_cache_dtype(name, backend=it.name) for it in registry.backends)
        found = next((it for it in elsewhere if not isinstance(it, Miss)), None)
        if found is not None and found.bytes_per_element is not None:
            return (name, origin), found.bytes_per_element
    elif match.dtype == "auto":
        wide = parts.quant is not None and parts.quant.name == "FP32"
        return ("auto", origin), 4.0 if wide else 2.0
    elif match.bytes_per_element is not None:
        return (match.dtype, origin), match.bytes_per_element
    return _unknown_cache_type(parts, name, match.nearest if isinstance(match, Miss) else ())


def _unknown_cache_type(parts: Parts, name: str, nearest: tuple[str, ...]) -> Finding:
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
    return Finding(
        rule="unknown-kv-cache-dtype",
        severity="error",
        verdict="cannot-predict",
        message=f"nobody prints the bytes per element of a {name} KV cache{hint}",
        place=parts.deployment.at("/serving/kv_cache_dtype", "/backend"),
        fix="set a kv_cache_dtype of known size, such as auto or fp8",
    )
