"""Which configurations the search may try: the axes that the manifest leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING

from capcheck.estimate import Estimate
from capcheck.judge import Context
from capcheck.manifest.deployment import Deployment, LatencyLimit, Replicas, Serving, Traffic
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.latency.lengths import lengths_of
from capcheck.predict.speed.engine_copy import Speed
from capcheck.records import dataclass, replace
from capcheck.registry import support
from capcheck.registry.tables import Registry
from capcheck.registry.versions import release_in
from capcheck.resolution.resolved import Resolved
from capcheck.search.axes import Axes, axes_of
from capcheck.search.hardware import Hardware, hardware_of
from capcheck.search.served import Served, served_by

# One node holds at most eight GPUs that reach each other directly; two are a pipeline.
GPUS_PER_NODE = 8

# Engines that run a replica as a pipeline of stages, by their documentation of
# `pipeline_parallel_size`; the others split layers over the GPUs of a replica by themselves.
PIPELINES = frozenset({"vllm", "sglang", "tensorrt-llm"})

ONE_REPLICA = Replicas(1, 1)

TIMES = ("ttft", "tpot", "latency")

if TYPE_CHECKING:
    from capcheck.search.sketch import Copy, Sketch


@dataclass(frozen=True, slots=True)
class Family:
    """Configurations that differ in replicas and light settings only.

    `changed` are the fields beside `serving` in which its manifest entry may differ from today's.
    `order` is by what is served, then by hardware, each as the tables list them. `short_by` is the
    share of the memory by which at least the weights alone are too large, 0 when they may do.
    `copies` and `speeds` are remembered of its members, `alone` and `settings` their sketches by
    what is asked of them, `late` by which share of its limits a lone request is too slow.
    """

    served: Served
    hardware: Hardware
    serving: Serving
    changed: Mapping[str, object]
    order: int
    short_by: float
    copies: dict[Serving, Copy] = field(default_factory=dict, compare=False, repr=False)
    speeds: dict[tuple[float, int], Speed | Estimate] = field(
        default_factory=dict, compare=False, repr=False
    )
    alone: dict[object, Sketch] = field(default_factory=dict, compare=False, repr=False)
    settings: dict[object, tuple[Sketch, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    late: dict[object, float] = field(default_factory=dict, compare=False, repr=False)

    def of(self, today: Deployment) -> Deployment:
        """The manifest entry, with one replica."""
        return replace(today, serving=self.serving, **self.changed)  # type: ignore[arg-type]

    @property
    def weights(self) -> tuple[str, str, str]:
        """What decides the quality: model, quant and engine."""
        return self.served.weights

    def usd_month(self, replicas: int) -> float:
        """What so many replicas cost; infinite without a price."""
        return self.hardware.usd_month(replicas)

    def least_ms(self, steps: float) -> tuple[float, float, float]:
        """TTFT, TPOT and latency of a lone request of so many decode steps, at the least.

        Each token reads all weights that it uses once, no faster than the memory gives them.
        """
        bandwidth_gb_s = self.hardware.gpu[1].bandwidth_gb_s
        if not bandwidth_gb_s:
            return 0.0, 0.0, 0.0
        step_ms = self.served.read_bytes / (bandwidth_gb_s * 1e6 * self.hardware.gpus)
        return 0.0, step_ms, steps * step_ms


class Space:
    """The families of some axes, cheapest first, each made when first asked for."""

    def __init__(self, families: Iterator[Family]) -> None:
        """`families` are taken one by one, and kept."""
        self._coming = families
        self._made: list[Family] = []

    def __iter__(self) -> Iterator[Family]:
        """From the first one on, whoever has asked before."""
        yield from self._made
        index = len(self._made)
        while index < len(self._made) or self._make():
            yield self._made[index]
            index += 1

    def _make(self) -> bool:
        family = next(self._coming, None)
        if family is None:
            return False
        self._made.append(family)
        return True


def space(today: Resolved, context: Context) -> Space:
    """Every (model, quant, backend, GPU, GPUs per replica) that may be tried, cheapest first.

    None at all when today's model, quant, backend or GPU is not known.
    """
    axes = axes_of(today)
    return Space(iter(())) if axes is None else _space(axes, context.registry, context.coefficients)


# A fleet asks for few spaces, one after the other.
@lru_cache(maxsize=8)
def _space(axes: Axes, registry: Registry, _: Coefficients) -> Space:
    return Space(_families(axes, registry))


def _families(axes: Axes, registry: Registry) -> Iterator[Family]:
    served = list(served_by(axes, registry))
    hardware = list(enumerate(hardware_of(axes, registry)))
    for place, one in sorted(hardware, key=lambda pair: pair[1].usd_month(axes.replicas)):
        gpu = one.gpu[1]
        usable_gib = axes.vram_gib or gpu.usable_gib
        for index, what in enumerate(served):
            if not _reaches(axes, what, one):
                continue
            level = support.weights(quant=what.quant[1], backend=what.backend[1], gpu=gpu).level
            if level in ("does-not-load", "unknown"):
                continue
            serving, changed = _serving(axes, what, one.gpus), _changed(axes, what, one)
            if serving is None or changed is None:
                continue
            if serving is not axes.serving or one.gpus != axes.gpus:
                changed["gpus_per_replica"] = _gpus_to_write(axes, serving, one.gpus)
            order = index * len(hardware) + place
            share = what.least_gib / (one.gpus * usable_gib) if usable_gib else 0.0
            yield Family(what, one, serving, changed, order, max(0.0, share - 1.0))


def median_steps(traffic: Traffic | None) -> float:
    """Decode steps of a request of median length; 0 where nobody says how many."""
    if traffic is None or traffic.output_tokens is None:
        return 0.0
    return max(0.0, lengths_of(traffic.output_tokens).at_normal(0.0) - 1.0)


def late_by(
    limits: Sequence[LatencyLimit], shortest_ms: tuple[float, float, float] | None
) -> float:
    """The share of a limit by which the shortest TTFT, TPOT and latency are too long."""
    late = 0.0
    if shortest_ms is not None:
        for limit in limits:
            late = max(late, shortest_ms[TIMES.index(limit.metric)] / limit.limit_ms - 1.0)
    return late


def _reaches(axes: Axes, served: Served, hardware: Hardware) -> bool:
    """Whether the engine spreads a replica over so many GPUs: over nodes only as a pipeline."""
    gpus = hardware.gpus
    return gpus <= GPUS_PER_NODE or gpus == axes.gpus or served.backend[1].name in PIPELINES


def _ranks(served: Served, gpus: int) -> tuple[int, int]:
    """Tensor parallel ranks, as many as divide the heads within a node, and pipeline stages."""
    if not served.backend[1].supports_tensor_parallel:
        return 1, 1
    heads = served.model[1].n_heads or GPUS_PER_NODE
    ranks = min(gpus, GPUS_PER_NODE)
    while gpus % ranks or heads % ranks:
        ranks -= 1
    return ranks, gpus // ranks


def _serving(axes: Axes, served: Served, gpus: int) -> Serving | None:
    """The settings with as many ranks and stages as there are GPUs; None when there is no such."""
    serving = axes.serving
    copies = serving.data_parallel_size or 1
    asked = (serving.tensor_parallel_size or 1) * (serving.pipeline_parallel_size or 1) * copies
    is_short = asked > gpus and not axes.keeps("tensor_parallel_size")
    if gpus == axes.gpus and not is_short:
        return serving
    if gpus % copies:
        return None
    tensor, pipeline = _ranks(served, gpus // copies)
    if pipeline != (serving.pipeline_parallel_size or 1):
        if served.backend[1].name not in PIPELINES or axes.keeps("pipeline_parallel_size"):
            return None
        serving = replace(serving, pipeline_parallel_size=pipeline)
    if tensor != (serving.tensor_parallel_size or 1):
        serving = replace(serving, tensor_parallel_size=tensor)
    return serving


def _changed(axes: Axes, served: Served, hardware: Hardware) -> dict[str, object] | None:
    """What to write into today's manifest entry beside the settings; None when it can't be."""
    price = hardware.price
    changed: dict[str, object] = {
        "model": served.model[0],
        "quant": served.quant[0],
        "backend": served.backend[0],
        "gpu": hardware.gpu[0],
        "replicas": ONE_REPLICA,
    }
    if hardware.gpu[1] != axes.gpu[1]:
        if axes.usd_per_gpu_hour is not None:
            if price is None:
                return None
            changed["usd_per_gpu_hour"] = price.price.usd_per_gpu_hour
        if axes.instance_type is not None:
            if price is None or price.price.instance_type is None:
                return None
            changed["instance_type"] = price.price.instance_type
    if served.backend[1] != axes.backend[1] and axes.backend_version is not None:
        release = release_in(served.backend[1].version_read)
        if release is None:
            return None
        changed["backend_version"] = release
    return changed


def _gpus_to_write(axes: Axes, serving: Serving, gpus: int) -> int | None:
    """The number of GPUs where ranks and stages do not say it, or where it was stated."""
    ranks = (serving.tensor_parallel_size or 1) * (serving.pipeline_parallel_size or 1)
    said = ranks * (serving.data_parallel_size or 1) == gpus
    return None if said and axes.stated_gpus is None else gpus
