"""Which configurations the search may try: the axes that the manifest leaves open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial

from capcheck.manifest.deployment import Deployment, Replicas
from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.predict.footprint.weights import embedding_bytes, loaded_bytes, read_bytes
from capcheck.predict.latency.lengths import lengths_of
from capcheck.predict.memory.request import GIB
from capcheck.records import dataclass
from capcheck.registry import prices, support
from capcheck.registry.matches import BackendMatch, GpuMatch, ModelMatch, PriceMatch, QuantMatch
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec
from capcheck.registry.tables import Registry
from capcheck.registry.versions import release_in
from capcheck.resolution.resolved import Resolved
from capcheck.search.members import keeps

# One node holds at most eight GPUs that reach each other directly; two are a pipeline.
GPUS_PER_REPLICA = (1, 2, 4, 8, 16)
GPUS_PER_NODE = 8

# Fitted sizes are not taken for exact where they rule something out unseen.
SURE_SHARE_OF_WEIGHTS = 0.95

# Engines that run a replica as a pipeline of stages, by their documentation of
# `pipeline_parallel_size`; the others split layers over the GPUs of a replica by themselves.
PIPELINES = frozenset({"vllm", "sglang", "tensorrt-llm"})

# A rented GPU is no substitute for one that is owned, nor the other way round: the search stays on
# today's side unless `alternatives.gpus` names GPUs of the other.
OWNED = frozenset({"amortised"})


Model = tuple[str | None, ModelSpec]
Backend = tuple[str | None, BackendSpec]
Quant = tuple[str | None, QuantSpec]
Gpu = tuple[str | None, GpuSpec]


@dataclass(frozen=True, slots=True)
class Choice:
    """One point on the four named axes: on each the text to write and the thing it means."""

    model: Model
    backend: Backend
    quant: Quant
    gpu: Gpu


@dataclass(frozen=True, slots=True)
class Family:
    """Configurations that differ in replicas and light settings only.

    `changed` are the fields in which its manifest entry differs from today's. Whole instances are
    billed: `usd_month_each` buys room for `replicas_each` replicas; it is None without a price.
    `short_by` is the share of the memory by which at least the weights alone are too large, or of
    a limit by which the time to read them is too long, 0 when they may do.
    """

    today: Deployment
    changed: Mapping[str, object]
    choice: Choice
    gpus: int
    usd_month_each: float | None
    replicas_each: int
    short_by: float

    @property
    def deployment(self) -> Deployment:
        """The manifest entry, with one replica."""
        return replace(self.today, **self.changed)  # type: ignore[arg-type]

    @property
    def weights(self) -> tuple[str, str, str]:
        """What decides the quality: model, quant and engine."""
        choice = self.choice
        return choice.model[1].name, choice.quant[1].name, choice.backend[1].name

    def usd_month(self, replicas: int) -> float:
        """What so many replicas cost; infinite without a price."""
        if self.usd_month_each is None:
            return math.inf
        return self.usd_month_each * math.ceil(replicas / self.replicas_each)


def families(today: Resolved, registry: Registry) -> list[Family]:
    """Every (model, quant, backend, GPU, GPUs per replica) that may be tried, cheapest first.

    None at all when today's model, quant, backend or GPU is not known.
    """
    if not (today.model and today.quant and today.backend and today.gpu):
        return []
    stated = today.deployment
    current = Choice(
        (stated.model, today.model),
        (stated.backend, today.backend),
        (stated.quant, today.quant),
        (stated.gpu, today.gpu),
    )
    price_of = lru_cache(maxsize=None)(partial(_price, today, registry))
    weights_of = lru_cache(maxsize=None)(_least_weights_gib)
    reads_of = lru_cache(maxsize=None)(partial(read_bytes, sequences=1.0))
    found = []
    for choice in _choices(stated, current, today, registry):
        least_gib = weights_of(choice.model[1], choice.quant[1])
        read = reads_of(choice.model[1], choice.quant[1])
        for gpus in _gpus_per_replica(stated, choice, today.gpus_per_replica):
            price = price_of(choice.gpu[1], gpus)
            changed = _changed(today, choice, gpus, price)
            if changed is None:
                continue
            found.append(
                Family(
                    stated,
                    changed,
                    choice,
                    gpus,
                    _usd_month_each(today, choice.gpu[1], gpus, price),
                    1 if price is None else max(1, price.price.n_gpus // gpus),
                    max(
                        _short_by(stated, choice, least_gib, gpus),
                        _weights_late_by(stated, choice, read, gpus),
                    ),
                )
            )
    return sorted(found, key=lambda family: family.usd_month(1))


def _least_weights_gib(model: ModelSpec, quant: QuantSpec) -> float:
    """What surely has to be on the GPUs: an input embedding may stay outside."""
    held = loaded_bytes(model, quant) - embedding_bytes(model, quant)
    return SURE_SHARE_OF_WEIGHTS * held / GIB


def _short_by(stated: Deployment, choice: Choice, weights_gib: float, gpus: int) -> float:
    usable_gib = stated.vram_gib or choice.gpu[1].usable_gib
    return max(0.0, weights_gib / (gpus * usable_gib) - 1.0) if usable_gib else 0.0


def _weights_late_by(
    stated: Deployment, choice: Choice, bytes_per_token: float, gpus: int
) -> float:
    """The share of a limit by which a lone request of median length is too slow at the least.

    Each token reads all weights that it uses once, no faster than the memory gives them.
    """
    bandwidth_gb_s, traffic = choice.gpu[1].bandwidth_gb_s, stated.traffic
    if not bandwidth_gb_s or traffic is None or traffic.output_tokens is None:
        return 0.0
    step_ms = bytes_per_token / (bandwidth_gb_s * 1e6 * gpus)
    steps = max(0.0, lengths_of(traffic.output_tokens).at_normal(0.0) - 1.0)
    return late_by(stated, (0.0, step_ms, steps * step_ms))


def late_by(deployment: Deployment, shortest_ms: tuple[float, float, float] | None) -> float:
    """The share of a limit by which the shortest TTFT, TPOT and latency are too long."""
    if shortest_ms is None:
        return 0.0
    times = dict(zip(("ttft", "tpot", "latency"), shortest_ms, strict=True))
    over = (times[limit.metric] / limit.limit_ms - 1 for limit in deployment.slo.latency)
    return max(0.0, *over, 0.0)


def _choices(
    stated: Deployment, current: Choice, today: Resolved, registry: Registry
) -> Iterator[Choice]:
    gpus = [current.gpu, *_other_gpus(stated, current.gpu[1], today, registry)]
    for model in (current.model, *_other_models(stated, current.model[1], registry)):
        for backend in (current.backend, *_other_backends(stated, current.backend[1], registry)):
            for quant in _quants(stated, registry, model, backend):
                for gpu in gpus:
                    level = support.weights(quant=quant[1], backend=backend[1], gpu=gpu[1]).level
                    if level not in ("does-not-load", "unknown"):
                        yield Choice(model, backend, quant, gpu)


def _other_models(stated: Deployment, current: ModelSpec, registry: Registry) -> Iterator[Model]:
    names = () if keeps(stated, "model") else stated.alternatives.models or ()
    for name in names:
        match = registry.model(name)
        if isinstance(match, ModelMatch) and match.spec != current:
            yield name, match.spec


def _other_backends(
    stated: Deployment, current: BackendSpec, registry: Registry
) -> Iterator[Backend]:
    names = stated.alternatives.backends
    # Without traffic nobody can say what another engine's slots and queue would do to it.
    if keeps(stated, "backend") or (stated.traffic is None and names is None):
        return
    for name in _listed(registry, "backend") if names is None else names:
        match = registry.backend(name)
        if not isinstance(match, BackendMatch) or not match.spec.is_calibrated:
            continue
        if match.spec != current:
            yield name, match.spec


def _quants(
    stated: Deployment, registry: Registry, model: Model, backend: Backend
) -> Iterator[Quant]:
    """Today's text where it means something for this model and backend, then the others."""
    same = _means(registry, stated.quant, model, backend)
    if same is not None:
        yield stated.quant, same
    if keeps(stated, "quant"):
        return
    names = stated.alternatives.quants
    seen = [] if same is None else [same]
    for name in _listed(registry, "quant") if names is None else names:
        match = registry.quant(name, backend=backend[1].name)
        if not isinstance(match, QuantMatch) or any(_alike(match.spec, old) for old in seen):
            continue
        seen.append(match.spec)
        yield match.spec.name if names is None else name, match.spec


def _alike(one: QuantSpec, other: QuantSpec) -> bool:
    """The same format, or two of 16 bits: changing between those gains nothing."""
    return one == other or one.bits_per_weight == other.bits_per_weight == 16


def _means(
    registry: Registry, text: str | None, model: Model, backend: Backend
) -> QuantSpec | None:
    """What today's `quant:` (or its absence) means for this model on this backend."""
    if text is None:
        named = registry.model(model[0]) if model[0] else None
        fixed = named.quant if isinstance(named, ModelMatch) else None
        text = fixed or model[1].native_quant
    match = registry.quant(text, backend=backend[1].name)
    return match.spec if isinstance(match, QuantMatch) else None


def _other_gpus(
    stated: Deployment, current: GpuSpec, today: Resolved, registry: Registry
) -> Iterator[Gpu]:
    # A stated memory size is a fact about today's GPU: it says nothing about another.
    if keeps(stated, "gpu") or stated.vram_gib is not None:
        return
    if stated.alternatives.gpus is not None:
        for name in stated.alternatives.gpus:
            match = registry.gpu(name)
            if isinstance(match, GpuMatch) and match.spec != current:
                yield name, match.spec
        return
    owned = today.price is not None and today.price.kind in OWNED
    for gpu in registry.gpus:
        if gpu != current and registry.prices_of(gpu.name):
            price = _price(today, registry, gpu, 1)
            if price is not None and (price.price.kind in OWNED) == owned:
                yield gpu.name, gpu


def _gpus_per_replica(stated: Deployment, choice: Choice, current: int) -> Iterator[int]:
    """Today's number first, then the others that split into ranks and pipeline stages."""
    yield current
    if keeps(stated, "gpus_per_replica") or keeps(stated, "tensor_parallel_size"):
        return
    for gpus in GPUS_PER_REPLICA:
        if gpus != current and (gpus <= GPUS_PER_NODE or choice.backend[1].name in PIPELINES):
            yield gpus


def _ranks(choice: Choice, gpus: int) -> tuple[int, int]:
    """Tensor parallel ranks, as many as divide the heads within a node, and pipeline stages."""
    if not choice.backend[1].supports_tensor_parallel:
        return 1, 1
    heads = choice.model[1].n_heads or GPUS_PER_NODE
    ranks = min(gpus, GPUS_PER_NODE)
    while gpus % ranks or heads % ranks:
        ranks -= 1
    return ranks, gpus // ranks


def _price(today: Resolved, registry: Registry, gpu: GpuSpec, gpus: int) -> PriceMatch | None:
    deployment = today.deployment
    if gpu == today.gpu and deployment.usd_per_gpu_hour is not None:
        return None
    found = prices.choose(
        registry,
        gpu,
        n_gpus=gpus,
        provider=deployment.provider,
        instance_type=deployment.instance_type if gpu == today.gpu else None,
        region=deployment.region,
        capacity_type=deployment.capacity_type,
        variants=(gpu,),
    )
    return found if isinstance(found, PriceMatch) else None


def _usd_month_each(
    today: Resolved, gpu: GpuSpec, gpus: int, price: PriceMatch | None
) -> float | None:
    stated = today.deployment.usd_per_gpu_hour
    if gpu == today.gpu and stated is not None:
        return stated * gpus * HOURS_PER_MONTH
    if price is None:
        return None
    return prices.usd_per_hour(price.price, gpus) * HOURS_PER_MONTH


def _changed(
    today: Resolved, choice: Choice, gpus: int, price: PriceMatch | None
) -> dict[str, object] | None:
    """What to write into today's manifest entry for this choice; None when it can't be."""
    old, serving = today.deployment, today.deployment.serving
    changed: dict[str, object] = {
        "model": choice.model[0],
        "quant": choice.quant[0],
        "backend": choice.backend[0],
        "gpu": choice.gpu[0],
        "replicas": Replicas(1, 1),
    }
    if choice.gpu[1] != today.gpu:
        if old.usd_per_gpu_hour is not None:
            if price is None:
                return None
            changed["usd_per_gpu_hour"] = price.price.usd_per_gpu_hour
        if old.instance_type is not None:
            if price is None or price.price.instance_type is None:
                return None
            changed["instance_type"] = price.price.instance_type
    if choice.backend[1] != today.backend and old.backend_version is not None:
        release = release_in(choice.backend[1].version_read)
        if release is None:
            return None
        changed["backend_version"] = release
    copies = serving.data_parallel_size or 1
    asked = (serving.tensor_parallel_size or 1) * (serving.pipeline_parallel_size or 1) * copies
    is_short = asked > gpus and not keeps(old, "tensor_parallel_size")
    if gpus != today.gpus_per_replica or is_short:
        if gpus % copies:
            return None
        tensor, pipeline = _ranks(choice, gpus // copies)
        if pipeline != (serving.pipeline_parallel_size or 1):
            if choice.backend[1].name not in PIPELINES or keeps(old, "pipeline_parallel_size"):
                return None
            serving = replace(serving, pipeline_parallel_size=pipeline)
        if tensor != (serving.tensor_parallel_size or 1):
            serving = replace(serving, tensor_parallel_size=tensor)
        changed["serving"] = serving
        if old.gpus_per_replica is not None or tensor * pipeline * copies != gpus:
            changed["gpus_per_replica"] = gpus
    return changed


def _listed(registry: Registry, kind: str) -> tuple[str, ...]:
    return tuple(row["name"] for row in registry.rows("search_space") if row["kind"] == kind)
