"""What the space of a search depends on: today's point on every axis, and what stays as it is."""

from __future__ import annotations

from capcheck.manifest.deployment import AlternativesScope, Serving
from capcheck.records import dataclass
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec
from capcheck.resolution.resolved import Resolved
from capcheck.search.members import keeps

# On an axis: the text to write (None: nothing is stated) and the thing it means.
Model = tuple[str | None, ModelSpec]
Backend = tuple[str | None, BackendSpec]
Quant = tuple[str | None, QuantSpec]
Gpu = tuple[str | None, GpuSpec]

# A rented GPU is no substitute for one that is owned, nor the other way round: the search stays on
# today's side unless `alternatives.gpus` names GPUs of the other.
OWNED = frozenset({"amortised"})


@dataclass(frozen=True, slots=True)
class Axes:
    """Deployments that are alike in all of this share their space.

    `gpus` are those of a replica in force, `stated_gpus` what the manifest says; `replicas` are the
    fewest that may be tried.
    """

    model: Model
    backend: Backend
    quant: Quant
    gpu: Gpu
    gpus: int
    replicas: int
    scope: AlternativesScope
    serving: Serving
    has_traffic: bool
    is_owned: bool
    stated_gpus: int | None
    backend_version: str | None
    vram_gib: float | None
    reserved_gib: float
    has_engine: bool
    usd_per_gpu_hour: float | None
    provider: str | None
    instance_type: str | None
    region: str | None
    capacity_type: str | None

    def keeps(self, name: str) -> bool:
        """Whether `alternatives.keep` names the field."""
        return name in self.scope.keep


def axes_of(today: Resolved) -> Axes | None:
    """The axes of a deployment; None when its model, quant, backend or GPU is not known."""
    if not (today.model and today.quant and today.backend and today.gpu):
        return None
    stated = today.deployment
    return Axes(
        model=(stated.model, today.model),
        backend=(stated.backend, today.backend),
        quant=(stated.quant, today.quant),
        gpu=(stated.gpu, today.gpu),
        gpus=today.gpus_per_replica,
        replicas=fewest_replicas(today),
        scope=stated.alternatives,
        serving=stated.serving,
        has_traffic=stated.traffic is not None,
        is_owned=today.price is not None and today.price.kind in OWNED,
        stated_gpus=stated.gpus_per_replica,
        backend_version=stated.backend_version,
        vram_gib=stated.vram_gib,
        reserved_gib=today.reserved_gib,
        has_engine=today.engine is not None,
        usd_per_gpu_hour=stated.usd_per_gpu_hour,
        provider=stated.provider,
        instance_type=stated.instance_type,
        region=stated.region,
        capacity_type=stated.capacity_type,
    )


def fewest_replicas(today: Resolved) -> int:
    """One where their number is open, else today's."""
    return today.replicas_min if replicas_are_fixed(today) else 1


def replicas_are_fixed(today: Resolved) -> bool:
    """Without traffic nobody knows what one replica less would do."""
    return today.deployment.traffic is None or keeps(today.deployment, "replicas")
