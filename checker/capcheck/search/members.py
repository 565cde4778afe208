"""The settings that a family may run with: what it states, and lighter or roomier ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from capcheck.judge import Started
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.records import dataclass
from capcheck.registry import support
from capcheck.registry.engine_defaults import memory_fraction_setting
from capcheck.registry.matches import Miss
from capcheck.registry.tables import Registry

# Slots worth trying on an engine that runs few requests at once unless told.
SLOTS = (2, 4, 8, 16)

# Slots worth trying where a batch as large as the engine allows makes tokens too slow.
FEWER_SLOTS = (8, 32)

# The largest share of the device that is left to the engine: TR133 SS10.4 keeps a twentieth free.
MEMORY_FRACTION = 0.95


# Slots, context, share of the device: what a setting has room for.
Room = tuple[int, int, float]


@dataclass(slots=True)
class Opened:
    """A family that was looked into: its settings, the first of them started.

    More room saturates no earlier: `saturated` holds, by the room of settings that were looked at,
    the fewest replicas that they need, and with a room in `hopeless` no affordable number will do.
    """

    first: Started
    settings: Sequence[Deployment]
    hopeless: list[Room] = field(default_factory=list)
    saturated: list[tuple[Room, int]] = field(default_factory=list)

    def room(self, setting: int) -> Room:
        """The room of a setting."""
        serving, usual = self.settings[setting].serving, self.first.resolved.engine
        return (
            serving.max_num_seqs or (usual.max_num_seqs if usual else 1),
            serving.max_model_len or (usual.max_model_len if usual else 0),
            serving.gpu_memory_utilization or (usual.memory_fraction if usual else 0.0) or 0.0,
        )

    def roomiest(self) -> list[int]:
        """Of each context the setting with the most slots: what it lacks, the others lack too."""
        most: dict[int, int] = {}
        for setting in range(len(self.settings)):
            context = self.room(setting)[1]
            if context not in most or self.room(setting) >= self.room(most[context]):
                most[context] = setting
        return list(most.values())

    def is_hopeless(self, setting: int) -> bool:
        """Whether a roomier setting is known not to do."""
        return any(_holds(roomier, self.room(setting)) for roomier in self.hopeless)

    def fewest(self, setting: int) -> int:
        """Replicas below which a setting is saturated, as far as roomier ones tell."""
        room = self.room(setting)
        return max((least for roomier, least in self.saturated if _holds(roomier, room)), default=1)


def _holds(roomier: Room, room: Room) -> bool:
    return all(more >= less for more, less in zip(roomier, room, strict=True))


def keeps(deployment: Deployment, name: str) -> bool:
    """Whether `alternatives.keep` names the field."""
    return name in deployment.alternatives.keep


def others(started: Started, registry: Registry) -> Iterator[Deployment]:
    """Every other way to set the family, in a fixed order; what a manifest keeps stays.

    Slots where the engine's number of them matters, a shorter context where that leaves more room,
    and where memory is short a larger share of the device. Another type of KV cache only where
    this engine or GPU lacks today's: what a narrower one costs in quality nobody predicts.
    """
    deployment, engine = started.resolved.deployment, started.resolved.engine
    if engine is None or started.resolved.backend is None:
        return
    batching = started.resolved.backend.batching
    short = started.gates["vram"].verdict != "pass"
    if short and not _may_fit(started):
        return
    contexts: list[int | None] = [None]
    if (short or batching == "slots") and (fewer := _shorter_context(started)) is not None:
        contexts.append(fewer)
    slots = [None, *_slots(started)]
    fractions = [None, *(_fractions(started) if short else ())]
    types = [None, *(_cache_types(started, registry) if _unsupported(started) else ())]
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


def _may_fit(started: Started) -> bool:
    """Whether the weights leave any room on the whole device: no setting makes them smaller."""
    weights_gib = started.forecast.memory.parts.get("weights", 0.0)
    usable_gib = started.resolved.usable_gib
    return usable_gib is None or weights_gib < usable_gib - started.resolved.reserved_gib


def _with(serving: Serving, changed: dict[str, object]) -> Serving:
    return replace(serving, **changed)  # type: ignore[arg-type]


def _slots(started: Started) -> Iterator[int]:
    """More on an engine that runs few at once; fewer where tokens have a limit of their own."""
    deployment, engine = started.resolved.deployment, started.resolved.engine
    if engine is None or started.resolved.backend is None or keeps(deployment, "max_num_seqs"):
        return
    if started.resolved.backend.batching == "slots":
        yield from (slots for slots in SLOTS if slots > engine.max_num_seqs)
    elif any(limit.metric == "tpot" for limit in deployment.slo.latency):
        yield from (slots for slots in FEWER_SLOTS if slots < engine.max_num_seqs)


def _shorter_context(started: Started) -> int | None:
    """The next power of two that the longest stated request needs, when that is less."""
    deployment, engine = started.resolved.deployment, started.resolved.engine
    traffic = deployment.traffic
    if engine is None or traffic is None or keeps(deployment, "max_model_len"):
        return None
    if traffic.prompt_tokens is None or traffic.output_tokens is None:
        return None
    longest = sum(
        tokens.max or tokens.p95 or tokens.mean
        for tokens in (traffic.prompt_tokens, traffic.output_tokens)
    )
    needed = 1 << (int(longest) - 1).bit_length()
    return needed if needed < engine.max_model_len else None


def _fractions(started: Started) -> Iterator[float]:
    """A larger share of the device, on the engine whose share is one of all its memory."""
    deployment, engine = started.resolved.deployment, started.resolved.engine
    backend = started.resolved.backend
    if engine is None or backend is None or keeps(deployment, "gpu_memory_utilization"):
        return
    if memory_fraction_setting(backend.name) != "gpu_memory_utilization":
        return
    if engine.memory_fraction is not None and engine.memory_fraction < MEMORY_FRACTION:
        yield MEMORY_FRACTION


def _cache_types(started: Started, registry: Registry) -> Iterator[str]:
    """The engine's types of the table of the search that this GPU has."""
    resolved = started.resolved
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


def _unsupported(started: Started) -> bool:
    """Today's type of KV cache may be what another engine or GPU lacks."""
    stated = started.resolved.deployment.serving.kv_cache_dtype is not None
    return stated and started.gates["support"].verdict != "pass"
