"""The engine settings in force: what the manifest states, else what the engine does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.predict.footprint.kv_cache import bytes_of_context
from capcheck.predict.footprint.weights import loaded_bytes
from capcheck.records import Keyed, dataclass
from capcheck.registry.engine_defaults import (
    MAX_MODEL_LEN,
    MODEL_CONTEXT,
    NO_LIMIT,
    PARALLEL_SIZES,
    SGLANG_MEMORY_FRACTION,
    memory_fraction_setting,
    sglang_memory_fraction,
)
from capcheck.registry.matches import Miss
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec
from capcheck.registry.tables import Registry
from capcheck.registry.versions import parse, release_in
from capcheck.resolution.choices import Choices, choices
from capcheck.resolution.identify import stated_at
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


@dataclass(frozen=True, slots=True)
class Parts(Keyed):
    """All that an engine's settings depend on: what is stated, and the resolved things it is about.

    `version` is the stated release as written.
    """

    serving: Serving
    version: str | None
    model: ModelSpec
    quant: QuantSpec | None
    backend: BackendSpec
    machine: Machine

    @property
    def choices(self) -> Choices:
        """What is stated, and what the engine does by itself here."""
        return choices(
            self.serving,
            self.backend,
            version=self.version,
            gpu=self.machine.gpu.name,
            gpus=self.machine.gpus,
            device_gib=self.machine.usable_gib or 0.0,
            attention=self.model.attention,
        )


@dataclass(frozen=True, slots=True)
class Values:
    """The settings in force; `engine` is None when one could not be found.

    `shortened_from` is the context that the engine would take had it the memory. `missing` names
    what nobody says, `nearest` are names like that of an unknown type of KV cache.
    """

    engine: Engine | None
    shortened_from: int | None = None
    missing: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The engine's settings with their origins; `engine` is None when one could not be found."""

    engine: Engine | None
    origins: Mapping[str, Origin]
    findings: tuple[Finding, ...]


def settings(deployment: Deployment, parts: Parts, registry: Registry) -> Settings:
    """Every setting of one engine copy, stated or default, with where it comes from.

    Findings missing-max-model-len and unknown-kv-cache-dtype say why there is no engine;
    setting-ignored names what was stated to no effect.
    """
    findings = tuple(ignored(deployment, parts.backend))
    found = values(parts, registry)
    if found.engine is None:
        missing = (_MISSING[name](deployment, parts, found) for name in found.missing)
        return Settings(None, {}, (*findings, *missing))
    stated = parts.choices.stated
    usual = Origin(f"default of {release(parts.version, parts.backend)}", False)
    names = {name: name for name in _SHOWN}
    fraction = memory_fraction_setting(parts.backend.name)
    if fraction is not None:
        names["memory_fraction"] = fraction
    origins = {
        shown: usual if name not in stated else stated_at(deployment, f"/serving/{name}")
        for shown, name in names.items()
    }
    origins.setdefault("memory_fraction", Origin("takes what it needs", False))
    if found.shortened_from is not None:
        text = f"{usual.text}, shortened from {found.shortened_from} to fit"
        origins["max_model_len"] = Origin(text, False)
    return Settings(found.engine, origins, findings)


# What the report says the origin of, beside the memory fraction under its own name.
_SHOWN = (
    *PARALLEL_SIZES,
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "kv_cache_dtype",
    "enable_prefix_caching",
    "enable_chunked_prefill",
    "enforce_eager",
    "max_queue",
)


# A search asks for the same copies again for another deployment of a fleet.
@lru_cache(maxsize=8192)
def values(parts: Parts, registry: Registry) -> Values:
    """Every setting of one engine copy, stated or default."""
    chosen = parts.choices
    cache = _cache_type(parts, chosen, registry)
    length = _context(parts.model, chosen)
    missing = [
        name
        for name, found in (("max_model_len", length), ("kv_cache_dtype", cache[1]))
        if found is None
    ]
    if length is None or cache[1] is None:
        return Values(None, missing=tuple(missing), nearest=cache[2])
    context = length
    if "max_model_len" not in chosen.stated:
        context = _context_that_fits(parts, chosen, length, cache[1])
    chunked = bool(chosen.in_force.get("enable_chunked_prefill"))
    tokens = _token_budget(chosen, context, chunked=chunked)
    sequences = _sequences(chosen, tokens)
    tensor, pipeline, data = chosen.sizes
    engine = Engine(
        tensor_parallel_size=tensor,
        pipeline_parallel_size=pipeline,
        data_parallel_size=data,
        max_model_len=context,
        max_num_seqs=sequences,
        max_num_batched_tokens=tokens,
        memory_fraction=_memory_fraction(chosen, tokens),
        kv_cache_dtype=cache[0],
        kv_bytes_per_element=cache[1],
        enable_prefix_caching=bool(chosen.in_force.get("enable_prefix_caching")),
        enable_chunked_prefill=chunked,
        enforce_eager=bool(chosen.in_force.get("enforce_eager")),
        kv_cache_tokens=_allocated_tokens(parts.backend, chosen, context, sequences),
        max_queue=_queue_limit(chosen),
    )
    return Values(engine, shortened_from=length if context < length else None)


def release(version: str | None, backend: BackendSpec) -> str:
    """The engine and the release whose defaults hold: `vllm 0.11.2`, `llama.cpp`."""
    known = version if parse(version) else release_in(backend.version_read)
    return f"{backend.name} {known.removeprefix('v')}" if known else backend.name


def _context(model: ModelSpec, chosen: Choices) -> int | None:
    """The longest sequence of one request, or None where nobody says how long it is."""
    stated = chosen.stated.get("max_model_len")
    if stated is not None:
        return int(stated)
    usual, model_context = chosen.usual.get("max_model_len"), model.max_context
    if usual in (None, MODEL_CONTEXT):
        return model_context
    return int(usual) if model_context is None else min(int(usual), model_context)


def _context_that_fits(parts: Parts, chosen: Choices, length: int, bytes_per_element: float) -> int:
    """What is left of an unstated context after the engine has made it fit its memory.

    The first of the engine's steps for which weights, cache and its safety margin fit the GPUs, or
    the last one. SOURCE: the rows `context_steps` and `fit_margin_gib` of engine_defaults.csv.
    """
    steps, margin_gib = chosen.usual.get("context_steps"), chosen.usual.get("fit_margin_gib")
    machine = parts.machine
    if steps is None or margin_gib is None or parts.quant is None or machine.usable_gib is None:
        return length
    free_gib = machine.gpus * (machine.usable_gib - machine.reserved_gib - float(margin_gib))
    room = free_gib * GIB - loaded_bytes(parts.model, parts.quant)
    caches = _caches(chosen)
    lengths = [length, *(step for step in map(int, str(steps).split()) if step < length)]
    for tokens in lengths:
        cache = bytes_of_context(parts.model, tokens=tokens, bytes_per_element=bytes_per_element)
        if cache is None:
            return length
        if caches * cache <= room:
            return tokens
    return lengths[-1]


def _caches(chosen: Choices) -> int:
    """How many full-length sequences the cache of an allocating engine is made for."""
    slots = chosen.stated.get("max_num_seqs")
    if slots is not None:
        return int(slots)
    return 1 if chosen.usual.get("shared_kv_cache") else int(chosen.usual.get("max_num_seqs") or 1)


def _allocated_tokens(
    backend: BackendSpec, chosen: Choices, context: int, sequences: int
) -> int | None:
    if backend.memory_model != "allocate":
        return None
    return context * min(sequences, _caches(chosen))


def _token_budget(chosen: Choices, context: int, *, chunked: bool) -> int:
    """Prompt tokens of one step; an engine that does not chunk makes room for a whole prompt."""
    stated = chosen.stated.get("max_num_batched_tokens")
    if stated is not None:
        return int(stated)
    usual = chosen.usual.get("max_num_batched_tokens")
    if usual in (None, MAX_MODEL_LEN):
        return context
    tokens = int(usual)
    if not chunked and chosen.usual.get("whole_prompts_fit"):
        tokens = max(tokens, context)
    return tokens


def _sequences(chosen: Choices, tokens_per_step: int) -> int:
    """Slots of one engine copy; by default no more than a step has tokens."""
    stated = chosen.stated.get("max_num_seqs")
    if stated is not None:
        return int(stated)
    return min(int(chosen.usual.get("max_num_seqs") or 1), tokens_per_step)


def _queue_limit(chosen: Choices) -> int | None:
    """Requests that wait for a slot before more are refused; None where any number may."""
    limit = chosen.in_force.get("max_queue")
    return None if limit in (None, NO_LIMIT) else int(limit)


def _memory_fraction(chosen: Choices, tokens_per_step: int) -> float | None:
    """The engine's own share of the device, whichever it is; None when it has none."""
    setting = memory_fraction_setting(chosen.site.backend)
    if setting is None:
        return None
    value = chosen.in_force.get(setting)
    if value == SGLANG_MEMORY_FRACTION:
        value = sglang_memory_fraction(
            chosen.site,
            max_num_batched_tokens=tokens_per_step,
            pipeline_parallel_size=chosen.sizes[1],
        )
    wiggle_room = chosen.usual.get("memory_wiggle_room")
    return float(value or 0.0) * float(1.0 if wiggle_room is None else wiggle_room)


def _cache_name(chosen: Choices) -> str:
    return str(chosen.in_force.get("kv_cache_dtype") or "auto")


def _cache_type(
    parts: Parts, chosen: Choices, registry: Registry
) -> tuple[str, float | None, tuple[str, ...]]:
    """The KV cache's type and its bytes per element; None of these, and names like it, if unknown.

    A type that only other engines have keeps its bytes: the support matrix says that it fails.
    """
    name = _cache_name(chosen)
    match = registry.kv_cache_dtype(name, backend=parts.backend.name)
    if not isinstance(match, Miss):
        if match.dtype == "auto":
            wide = parts.quant is not None and parts.quant.name == "FP32"
            return "auto", 4.0 if wide else 2.0, ()
        return match.dtype, match.bytes_per_element, ()
    elsewhere = (registry.kv_cache_dtype(name, backend=it.name) for it in registry.backends)
    found = next((it for it in elsewhere if not isinstance(it, Miss)), None)
    return name, None if found is None else found.bytes_per_element, match.nearest


def _unknown_context(deployment: Deployment, parts: Parts, found: Values) -> Finding:
    del found
    return Finding(
        rule="missing-max-model-len",
        severity="error",
        verdict="cannot-predict",
        message=(
            f"{parts.backend.name} takes its context from the model, and the registry does not "
            f"know that of {parts.model.name}"
        ),
        place=deployment.at("/model"),
        fix="set serving.max_model_len",
    )


def _unknown_cache_type(deployment: Deployment, parts: Parts, found: Values) -> Finding:
    name = _cache_name(parts.choices)
    hint = f"; did you mean {' or '.join(found.nearest)}?" if found.nearest else ""
    return Finding(
        rule="unknown-kv-cache-dtype",
        severity="error",
        verdict="cannot-predict",
        message=f"nobody prints the bytes per element of a {name} KV cache{hint}",
        place=deployment.at("/serving/kv_cache_dtype", "/backend"),
        fix="set a kv_cache_dtype of known size, such as auto or fp8",
    )


_MISSING = {"max_model_len": _unknown_context, "kv_cache_dtype": _unknown_cache_type}
