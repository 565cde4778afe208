"""A member's engine copy by itself, for bounds that rule it out without starting it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from capcheck.estimate import Estimate
from capcheck.judge import Context
from capcheck.manifest.deployment import Deployment
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.predict.latency.ends import End
from capcheck.predict.memory.device import memory
from capcheck.predict.speed.engine_copy import Speed, speed
from capcheck.records import dataclass
from capcheck.registry.matches import GpuMatch
from capcheck.registry.specs import GpuSpec
from capcheck.registry.tables import Registry
from capcheck.resolution.engine_settings import Machine, Parts, values
from capcheck.resolution.resolved import Resolved
from capcheck.search.members import holds_requests, most_slots
from capcheck.search.space import Family


@dataclass(frozen=True)
class Sketch:
    """Speed and memory of an engine copy as `start` would have them, for a sixth of the work.

    Of `resolved` nothing else holds: origins, prices and replicas are another deployment's.
    """

    resolved: Resolved
    coefficients: Coefficients

    @cached_property
    def speed(self) -> Speed | Estimate:
        """As in a forecast."""
        return speed(self.resolved, self.coefficients)

    @cached_property
    def memory(self) -> Memory:
        """As in a forecast."""
        return memory(self.resolved, self.coefficients)

    def lone_ms(self, today: Deployment, *, end: End) -> tuple[float, float, float] | None:
        """TTFT, TPOT and latency of a lone request of today's; None without lengths or speed."""
        return unloaded_ms(replace(self.resolved, deployment=today), self.speed, end=end)

    def saturation_rps(self, today: Deployment, *, end: End) -> float | None:
        """Requests of today's per second that saturate a replica."""
        resolved = replace(self.resolved, deployment=today)
        return saturation_rps(resolved, self.speed, self.memory, end=end)

    def roomiest_rps(self, today: Deployment, *, slots: int, end: End) -> float | None:
        """Requests of today's per second that saturate so many slots with enough cache."""
        engine = self.resolved.engine
        if engine is None:
            return None
        engine = replace(engine, max_num_seqs=slots)
        resolved = replace(self.resolved, deployment=today, engine=engine)
        return saturation_rps(resolved, self.speed, None, end=end)

    def most_slots(self, today: Deployment) -> int:
        """The most slots of any setting; 0 when the engine is not known."""
        return most_slots(replace(self.resolved, deployment=today))

    def holds_requests(self, today: Deployment) -> bool:
        """Whether the context in force holds today's longest request."""
        return holds_requests(replace(self.resolved, deployment=today))


def sketch(family: Family, deployment: Deployment, today: Resolved, context: Context) -> Sketch:
    """The sketch of a member of a family, whose manifest entry is `deployment`.

    It is kept: it depends on nothing but what deployments of one space have in common.
    """
    found = family.sketches.get(deployment.serving)
    if found is None:
        resolved = sketched(family, deployment, today, context.registry)
        found = family.sketches[deployment.serving] = Sketch(resolved, context.coefficients)
    return found


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
