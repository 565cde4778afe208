"""A member's engine copy by itself, for bounds that rule it out without starting it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import field
from functools import cached_property, lru_cache
from typing import TypeVar

from capcheck.estimate import Estimate, unknown
from capcheck.finding import Gate
from capcheck.judge import Context
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.predict.latency.ends import End
from capcheck.predict.memory.device import memory
from capcheck.predict.speed.engine_copy import Speed, speed
from capcheck.records import dataclass, replace
from capcheck.registry.matches import GpuMatch
from capcheck.registry.specs import GpuSpec
from capcheck.registry.tables import Registry
from capcheck.resolution.engine_settings import Machine, Parts, values
from capcheck.resolution.resolved import Resolved
from capcheck.rules import vram
from capcheck.search.edits import Disruption, disruption, edits, root_of_edits
from capcheck.search.members import most_slots, others
from capcheck.search.space import Family

Lone = tuple[float, float, float] | None
Found = TypeVar("Found")

# Of so many lengths a family remembers its sketches.
KEPT = 8


@dataclass(frozen=True)
class Copy:
    """Speed and memory of an engine copy, as a forecast would have them.

    They depend on nothing but what deployments of one space have in common. Of `resolved`, and of
    `today` from which it is asked for, nothing else holds: lengths, rates, origins, prices and
    replicas are another deployment's.
    """

    today: Deployment
    resolved: Resolved
    coefficients: Coefficients
    speeds: dict[tuple[float, int], Speed | Estimate]

    @cached_property
    def speed(self) -> Speed | Estimate:
        """The same for all members of a family with this type of cache and token budget."""
        engine = self.resolved.engine
        if engine is None:
            return unknown(self.resolved.needs)
        same = engine.kv_bytes_per_element, engine.max_num_batched_tokens
        if same not in self.speeds:
            self.speeds[same] = speed(self.resolved, self.coefficients)
        return self.speeds[same]

    @cached_property
    def memory(self) -> Memory:
        """Of the fullest GPU."""
        return memory(self.resolved, self.coefficients)

    @cached_property
    def fits(self) -> Gate:
        """Whether the device holds that, at some place of the manifest."""
        return vram.gate_of(self.memory, self.today.place)

    @cached_property
    def disruption(self) -> Disruption:
        """Of everything in which it differs from today's, with today's replicas."""
        stated = replace(self.resolved.deployment, replicas=self.today.replicas)
        return disruption(edits(self.today, stated), root_of_edits(self.today))


@dataclass(frozen=True, slots=True)
class Sketch:
    """A member as `start` would have it as far as bounds need it, for a sixth of the work.

    Only specs and settings in force of `resolved` are the member's, and of its traffic only the
    lengths are today's. What was asked once is remembered: bounds are asked for each limit that may
    give, and by each deployment with the same lengths. `breaks` says, by what `held_to` names and
    replicas, whether a limit of load is surely broken.
    """

    copy: Copy
    asker: Deployment
    lone: dict[End, Lone] = field(default_factory=dict, compare=False, repr=False)
    saturations: dict[tuple[End, int | None], float | None] = field(
        default_factory=dict, compare=False, repr=False
    )
    breaks: dict[tuple[object, int], bool] = field(default_factory=dict, compare=False, repr=False)

    @property
    def resolved(self) -> Resolved:
        """With the traffic of who asked first."""
        return replace(self.copy.resolved, deployment=self.asker)

    @property
    def memory(self) -> Memory:
        """As in a forecast."""
        return self.copy.memory

    def lone_ms(self, *, end: End) -> Lone:
        """TTFT, TPOT and latency of a lone request; None without lengths or speed."""
        if end not in self.lone:
            self.lone[end] = unloaded_ms(self.resolved, self.copy.speed, end=end)
        return self.lone[end]

    def saturation_rps(self, *, end: End) -> float | None:
        """Requests per second that saturate a replica."""
        known, asked = self.saturations, (end, None)
        if asked not in known:
            known[asked] = saturation_rps(self.resolved, self.copy.speed, self.memory, end=end)
        return known[asked]

    def most_rps(self, *, end: End) -> float | None:
        """Requests per second that saturate a replica of any setting of the family.

        With enough cache, mostly the most slots. But at the slow end the step of a large batch is
        less sure, so that fewer may serve more.
        """
        slots, most = most_slots(self.copy.resolved), None
        while slots:
            each = self._roomiest_rps(slots, end)
            if each is None or (most is not None and each <= most):
                break
            slots, most = slots // 2, each
        return most

    def _roomiest_rps(self, slots: int, end: End) -> float | None:
        """Requests per second that saturate so many slots with enough cache."""
        engine = self.copy.resolved.engine
        if engine is None:
            return None
        known, asked = self.saturations, (end, slots)
        if asked not in known:
            engine = replace(engine, max_num_seqs=slots)
            resolved = replace(self.copy.resolved, deployment=self.asker, engine=engine)
            known[asked] = saturation_rps(resolved, self.copy.speed, None, end=end)
        return known[asked]


def asked_of(today: Deployment) -> object:
    """What a sketch and its settings depend on beside the family, as a key that hashes fast.

    Equal deployments have the same one.
    """
    traffic = today.traffic
    limits_tpot = any(limit.metric == "tpot" for limit in today.slo.latency)
    if traffic is None:
        return _key(None, None, 0.0, limits_tpot)
    lengths = traffic.prompt_tokens, traffic.output_tokens
    return _key(*lengths, traffic.prefix_cache_hit_rate, limits_tpot)


def limited(today: Deployment, end: End) -> object:
    """What decides, beside the family, whether a lone request is too slow: a fast key."""
    return _key(asked_of(today), today.slo.latency, end)


def held_to(today: Deployment, end: End) -> object:
    """What decides, beside sketch and replicas, whether limits of load hold: a fast key."""
    return _key(today.traffic, today.slo, end)


@lru_cache(maxsize=256)
def _key(*_: Hashable) -> object:
    return object()


def alone(family: Family, today: Resolved, context: Context, asked: object) -> Sketch:
    """The sketch of a family as it states itself, for what `asked_of` says of today."""
    found = family.alone.get(asked)
    if found is None:
        found = sketch(family, family.serving, today, context)
        remember(family.alone, asked, found)
    return found


def settings(
    family: Family, today: Resolved, context: Context, asked: object
) -> tuple[Sketch, ...]:
    """The sketches of all settings of a family, its own first."""
    found = family.settings.get(asked)
    if found is None:
        own = alone(family, today, context, asked)
        stated = replace(own.resolved, deployment=family.of(today.deployment))
        others_too = others(stated, own.memory, context.registry)
        sketches = (sketch(family, one.serving, today, context) for one in others_too)
        found = (own, *sketches)
        remember(family.settings, asked, found)
    return found


def remember(known: dict[object, Found], asked: object, found: Found, *, most: int = KEPT) -> None:
    """Of what was asked last: the lengths of a thousand deployments may all differ."""
    known[asked] = found
    if len(known) > most:
        del known[next(iter(known))]


def sketch(family: Family, serving: Serving, today: Resolved, context: Context) -> Sketch:
    """The sketch of a member of a family by its settings."""
    copy = family.copies.get(serving)
    if copy is None:
        stated = today.deployment
        deployment = replace(family.of(stated), serving=serving)
        resolved = sketched(family, deployment, today, context.registry)
        copy = Copy(stated, resolved, context.coefficients, family.speeds)
        family.copies[serving] = copy
    return Sketch(copy, today.deployment)


def sketched(
    family: Family, deployment: Deployment, today: Resolved, registry: Registry
) -> Resolved:
    """Specs and settings in force of a member, as far as speed and memory depend on them."""
    served, hardware = family.served, family.hardware
    gpu = hardware.gpu[1]
    usable_gib = deployment.vram_gib or gpu.usable_gib
    parts = Parts(
        deployment.serving,
        deployment.backend_version,
        served.model[1],
        served.quant[1],
        served.backend[1],
        Machine(gpu, hardware.gpus, usable_gib, today.reserved_gib),
    )
    return replace(
        today,
        deployment=deployment,
        model=served.model[1],
        quant=served.quant[1],
        backend=served.backend[1],
        gpu=gpu,
        gpu_variants=_variants(family, today, registry),
        gpus_per_replica=hardware.gpus,
        usable_gib=usable_gib,
        engine=None if today.engine is None else values(parts, registry).engine,
    )


def _variants(family: Family, today: Resolved, registry: Registry) -> tuple[GpuSpec, ...]:
    """The products that the GPU's name may mean."""
    name, gpu = family.hardware.gpu
    if gpu == today.gpu:
        return today.gpu_variants
    match = registry.gpu(name) if name is not None else None
    return match.variants if isinstance(match, GpuMatch) else (gpu,)
