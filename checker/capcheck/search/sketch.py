"""A family's engine copy by itself, for bounds that rule it out without starting it."""

from __future__ import annotations

from dataclasses import replace

from capcheck.judge import Context
from capcheck.predict.latency.bounds import unloaded_ms
from capcheck.predict.latency.ends import End
from capcheck.predict.speed.engine_copy import speed
from capcheck.registry.matches import GpuMatch
from capcheck.registry.specs import GpuSpec
from capcheck.registry.tables import Registry
from capcheck.resolution.engine_settings import Machine, Parts, values
from capcheck.resolution.resolved import Resolved
from capcheck.search.space import Family


def lone_ms(
    family: Family, today: Resolved, context: Context, *, end: End
) -> tuple[float, float, float] | None:
    """TTFT, TPOT and latency of a lone request as `start` would have them, for a sixth of the work.

    None where settings, speed or lengths are not known.
    """
    if today.engine is None:
        return None
    sketch = sketched(family, today, context.registry)
    return unloaded_ms(sketch, speed(sketch, context.coefficients), end=end)


def sketched(family: Family, today: Resolved, registry: Registry) -> Resolved:
    """Specs and settings in force of a family, as far as speed depends on them.

    Origins, prices and replicas stay today's.
    """
    deployment, choice = family.deployment, family.choice
    gpu = choice.gpu[1]
    usable_gib = deployment.vram_gib or gpu.usable_gib
    machine = Machine(gpu, family.gpus, usable_gib, today.reserved_gib)
    parts = Parts(
        deployment.serving,
        deployment.backend_version,
        choice.model[1],
        choice.quant[1],
        choice.backend[1],
        machine,
    )
    return replace(
        today,
        deployment=deployment,
        model=choice.model[1],
        quant=choice.quant[1],
        backend=choice.backend[1],
        gpu=gpu,
        gpu_variants=_variants(family, today, registry),
        gpus_per_replica=family.gpus,
        usable_gib=usable_gib,
        engine=values(parts, registry).engine,
    )


def _variants(family: Family, today: Resolved, registry: Registry) -> tuple[GpuSpec, ...]:
    """The products that the GPU's name may mean."""
    name, gpu = family.choice.gpu
    if gpu == today.gpu:
        return today.gpu_variants
    match = registry.gpu(name) if name is not None else None
    return match.variants if isinstance(match, GpuMatch) else (gpu,)
