"""The settings that a family may run with: what it states, and lighter or roomier ones."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.manifest.deployment import Deployment, Serving, Traffic
from capcheck.predict.forecast import Memory
from capcheck.records import replace
from capcheck.registry import support
from capcheck.registry.engine_defaults import memory_fraction_setting
from capcheck.registry.matches import Miss
from capcheck.registry.tables import Registry
from capcheck.resolution.resolved import Resolved
from capcheck.rules import vram
from capcheck.rules.context import longest

# Slots worth trying on an engine that runs few requests at once unless told.
SLOTS = (2, 4, 8, 16)

# Slots worth trying where a batch as large as the engine allows makes tokens too slow.
FEWER_SLOTS = (8, 32)

# The largest share of the device that is left to the engine: TR133 SS10.4 keeps a twentieth free.
MEMORY_FRACTION = 0.95


def keeps(deployment: Deployment, name: str) -> bool:
    """Whether `alternatives.keep` names the field."""
    return name in deployment.alternatives.keep


def others(resolved: Resolved, memory: Memory, registry: Registry) -> Iterator[Deployment]:
    """Every other way to set the family, in a fixed order; what a manifest keeps stays.

    Slots where the engine's number of them matters, a shorter context where that leaves more room
    and a longer one where requests need it, and where memory is short a larger share of the device.
    Another type of KV cache only where this engine or GPU lacks today's: what a narrower one costs
    in quality nobody predicts.
    """
    deployment, engine = resolved.deployment, resolved.engine
    if engine is None or resolved.backend is None:
        return
    short = vram.gate_of(memory, deployment.place).verdict != "pass"
    if short and not _may_fit(resolved, memory):
        return
    contexts: list[int | None] = [None]
    needed = _needed_context(resolved)
    if needed is not None and needed > engine.max_model_len:
        contexts = [needed]
    elif needed is not None and (short or resolved.backend.batching == "slots"):
        contexts.append(needed)
    slots = [None, *_slots(resolved)]
    fractions = [None, *(_fractions(resolved) if short else ())]
    types = [None, *(_cache_types(resolved, registry) if _lacks_cache_type(resolved) else ())]
    for max_model_len in contexts:
        for max_num_seqs in slots:
            for fraction in fractions:
                for kv_cache_dtype in types:
                    changed = {
                        name: value
                        for name, value in (
                            ("max_model_len", max_model_len),
                            ("max_num_seqs", max_num_seqs),
                            ("gpu_memory_utilization", fraction),
                            ("kv_cache_dtype", kv_cache_dtype),
                        )
                        if value is not None
                    }
                    if changed:
                        yield replace(deployment, serving=_with(deployment.serving, changed))


def _may_fit(resolved: Resolved, memory: Memory) -> bool:
    """Whether the weights leave any room on the whole device: no setting makes them smaller."""
    weights_gib = memory.parts.get("weights", 0.0)
    usable_gib = resolved.usable_gib
    return usable_gib is None or weights_gib < usable_gib - resolved.reserved_gib


def _with(serving: Serving, changed: dict[str, object]) -> Serving:
    return replace(serving, **changed)  # type: ignore[arg-type]


def _slots(resolved: Resolved) -> Iterator[int]:
    """More on an engine that runs few at once; fewer where tokens have a limit of their own."""
    deployment, engine = resolved.deployment, resolved.engine
    if engine is None or resolved.backend is None or keeps(deployment, "max_num_seqs"):
        return
    if resolved.backend.batching == "slots":
        yield from (slots for slots in SLOTS if slots > engine.max_num_seqs)
    elif any(limit.metric == "tpot" for limit in deployment.slo.latency):
        yield from (slots for slots in FEWER_SLOTS if slots < engine.max_num_seqs)


def most_slots(resolved: Resolved) -> int:
    """The most slots of any setting; 0 when the engine is not known."""
    if resolved.engine is None or resolved.backend is None:
        return 0
    stated = resolved.engine.max_num_seqs
    is_open = resolved.backend.batching == "slots" and not keeps(
        resolved.deployment, "max_num_seqs"
    )
    return max(stated, *SLOTS) if is_open else stated


def _needed_context(resolved: Resolved) -> int | None:
    """The least power of two that the longest stated request needs, when that is another than the
    engine's: a longer one only where requests do not fit."""
    deployment, engine, traffic = resolved.deployment, resolved.engine, resolved.deployment.traffic
    if engine is None or traffic is None or keeps(deployment, "max_model_len"):
        return None
    if traffic.prompt_tokens is None or traffic.output_tokens is None:
        return None
    longest_tokens = longest_request(traffic)
    needed = 1 << (longest_tokens - 1).bit_length()
    if needed < engine.max_model_len:
        return needed
    known = resolved.model.max_context if resolved.model else None
    if longest_tokens <= engine.max_model_len or known is None or longest_tokens > known:
        return None
    return min(needed, known)


def longest_request(traffic: Traffic | None) -> int:
    """Tokens in and out of the longest request that is stated; 0 where nobody says."""
    if traffic is None:
        return 0
    return longest(traffic.prompt_tokens) + longest(traffic.output_tokens)


def _fractions(resolved: Resolved) -> Iterator[float]:
    """A larger share of the device, on the engine whose share is one of all its memory."""
    deployment, engine, backend = resolved.deployment, resolved.engine, resolved.backend
    if engine is None or backend is None or keeps(deployment, "gpu_memory_utilization"):
        return
    if memory_fraction_setting(backend.name) != "gpu_memory_utilization":
        return
    if engine.memory_fraction is not None and engine.memory_fraction < MEMORY_FRACTION:
        yield MEMORY_FRACTION


def _cache_types(resolved: Resolved, registry: Registry) -> Iterator[str]:
    """The engine's types of the table of the search that this GPU has."""
    if keeps(resolved.deployment, "kv_cache_dtype"):
        return
    engine, backend, gpu = resolved.engine, resolved.backend, resolved.gpu
    if engine is None or backend is None or gpu is None:
        return
    for row in registry.rows("search_space"):
        if row["kind"] != "kv_cache_dtype" or row["name"] == engine.kv_cache_dtype:
            continue
        match = registry.kv_cache_dtype(row["name"], backend=backend.name)
        if isinstance(match, Miss) or match.dtype != row["name"]:
            continue
        level = support.kv_cache(dtype=match.dtype, backend=backend, gpu=gpu).level
        if level == "loads" and (match.bytes_per_element or 2.0) >= engine.kv_bytes_per_element:
            yield match.dtype


def _lacks_cache_type(resolved: Resolved) -> bool:
    """Today's type of KV cache may be what another engine or GPU lacks."""
    engine, backend, gpu = resolved.engine, resolved.backend, resolved.gpu
    if resolved.deployment.serving.kv_cache_dtype is None:
        return False
    if engine is None or backend is None or gpu is None:
        return False
    found = support.kv_cache(dtype=engine.kv_cache_dtype, backend=backend, gpu=gpu)
    return found.level == "does-not-load"
