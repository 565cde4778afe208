"""The GPUs that the search may put a replica on, with their price."""

from __future__ import annotations

import math
from collections.abc import Iterator

from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.records import dataclass
from capcheck.registry import prices
from capcheck.registry.matches import GpuMatch, PriceMatch
from capcheck.registry.specs import GpuSpec
from capcheck.registry.tables import Registry
from capcheck.search.axes import OWNED, Axes, Gpu

GPUS_PER_REPLICA = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Hardware:
    """The GPUs of one replica and what they cost.

    Whole instances are billed: `usd_month_each` buys room for `replicas_each` replicas; it is None
    without a price.
    """

    gpu: Gpu
    gpus: int
    price: PriceMatch | None
    usd_month_each: float | None
    replicas_each: int

    def usd_month(self, replicas: int) -> float:
        """What so many replicas cost; infinite without a price."""
        if self.usd_month_each is None:
            return math.inf
        return self.usd_month_each * math.ceil(replicas / self.replicas_each)


def hardware_of(axes: Axes, registry: Registry) -> Iterator[Hardware]:
    """Today's GPU first, of each GPU today's number, then the others."""
    stays = axes.keeps("gpus_per_replica") or axes.keeps("tensor_parallel_size")
    counts = (axes.gpus,) if stays else tuple(dict.fromkeys((axes.gpus, *GPUS_PER_REPLICA)))
    for gpu in (axes.gpu, *_other_gpus(axes, registry)):
        for gpus in counts:
            price = _price(axes, registry, gpu[1], gpus)
            each = None if price is None else prices.usd_per_hour(price.price, gpus)
            if gpu[1] == axes.gpu[1] and axes.usd_per_gpu_hour is not None:
                each = axes.usd_per_gpu_hour * gpus
            yield Hardware(
                gpu,
                gpus,
                price,
                None if each is None else each * HOURS_PER_MONTH,
                1 if price is None else max(1, price.price.n_gpus // gpus),
            )


def _other_gpus(axes: Axes, registry: Registry) -> Iterator[Gpu]:
    # A stated memory size is a fact about today's GPU: it says nothing about another.
    if axes.keeps("gpu") or axes.vram_gib is not None:
        return
    current = axes.gpu[1]
    if axes.scope.gpus is not None:
        for name in axes.scope.gpus:
            match = registry.gpu(name)
            if isinstance(match, GpuMatch) and match.spec != current:
                yield name, match.spec
        return
    for gpu in registry.gpus:
        if gpu != current and registry.prices_of(gpu.name):
            price = _price(axes, registry, gpu, 1)
            if price is not None and (price.price.kind in OWNED) == axes.is_owned:
                yield gpu.name, gpu


def _price(axes: Axes, registry: Registry, gpu: GpuSpec, gpus: int) -> PriceMatch | None:
    is_todays = gpu == axes.gpu[1]
    if is_todays and axes.usd_per_gpu_hour is not None:
        return None
    found = prices.choose(
        registry,
        gpu,
        n_gpus=gpus,
        provider=axes.provider,
        instance_type=axes.instance_type if is_todays else None,
        region=axes.region,
        capacity_type=axes.capacity_type,
        variants=(gpu,),
    )
    return found if isinstance(found, PriceMatch) else None
