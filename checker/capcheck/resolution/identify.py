"""What the names in a manifest mean; a name that means nothing becomes a finding."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Generic, TypeVar

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.records import dataclass
from capcheck.registry.matches import BackendMatch, GpuMatch, Miss, ModelMatch
from capcheck.registry.prices import choose
from capcheck.registry.specs import ModelSpec, Price
from capcheck.registry.tables import Registry
from capcheck.resolution.resolved import Origin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identified(Generic[T]):
    """A thing, where it comes from, and what is to be said about that. Both None when unknown."""

    spec: T | None = None
    origin: Origin | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A model with the quant that its name fixes, if any."""

    spec: ModelSpec
    match: ModelMatch | None  # None for an architecture given inline


def stated_at(deployment: Deployment, *pointers: str) -> Origin:
    """The origin of a stated value: `capcheck.yaml:12`."""
    place = deployment.at(*pointers)
    return Origin(f"{place.path}:{place.line}", True)


def model(deployment: Deployment, registry: Registry) -> Identified[Named]:
    """The architecture: inline if given, else the registry's.

    Findings missing-model, unknown-model, incomplete-architecture.
    """
    match = registry.model(deployment.model) if deployment.model else None
    found = match if isinstance(match, ModelMatch) else None
    if deployment.architecture is not None:
        return _inline_model(deployment, deployment.architecture, found)
    if found is not None:
        return Identified(Named(found.spec, found), stated_at(deployment, "/model"))
    if match is None or isinstance(match, ModelMatch):
        finding = _missing(deployment, "model", "name a model of `capcheck list models`")
    else:
        fix = "use a name of `capcheck list models`, or describe the model with architecture:"
        finding = unknown(deployment, match, "/model", fix)
    return Identified(findings=(finding,))


def _inline_model(
    deployment: Deployment, config: Mapping[str, object], match: ModelMatch | None
) -> Identified[Named]:
    from capcheck.registry.hf_config import ConfigError, from_config  # few manifests need it

    name = match.spec.name if match else deployment.model or f"{deployment.name} (inline)"
    try:
        spec = from_config(config, name=name)
    except ConfigError as error:
        field = error.field.replace(".", "/")
        finding = Finding(
            rule="incomplete-architecture",
            severity="error",
            verdict="cannot-predict",
            message=f"architecture: {error}",
            place=deployment.at(
                f"/architecture/{field}", "/architecture", "/model_config", "/model"
            ),
            fix=f"state {error.field} as in the model's config.json",
        )
        return Identified(findings=(finding,))
    origin = stated_at(deployment, "/architecture", "/model_config", "/model")
    return Identified(Named(spec, match), origin)


def backend(deployment: Deployment, registry: Registry) -> Identified[BackendMatch]:
    """The serving engine. Findings missing-backend, unknown-backend."""
    if deployment.backend is None:
        fix = "name a backend, such as vllm or ollama"
        return Identified(findings=(_missing(deployment, "backend", fix),))
    match = registry.backend(deployment.backend)
    if isinstance(match, BackendMatch) and not match.spec.is_calibrated:
        reason = f"{match.spec.name} is known by name only: it has not been measured"
        match = Miss("backend", deployment.backend, reason=reason)
    if isinstance(match, Miss):
        fix = "use a name of `capcheck list backends`"
        return Identified(findings=(unknown(deployment, match, "/backend", fix),))
    return Identified(match, stated_at(deployment, "/backend"))


def gpu(deployment: Deployment, registry: Registry) -> Identified[GpuMatch]:
    """The GPU, or the products that its name may mean.

    Findings missing-gpu, unknown-gpu, ambiguous-gpu.
    """
    if deployment.gpu is None:
        fix = "name a gpu of `capcheck list gpus`: capcheck never assumes one"
        return Identified(findings=(_missing(deployment, "gpu", fix),))
    match = registry.gpu(deployment.gpu)
    if isinstance(match, Miss):
        fix = "use a name of `capcheck list gpus`; vram_gib: overrides its memory"
        return Identified(findings=(unknown(deployment, match, "/gpu", fix),))
    notes = []
    if len(match.variants) > 1:
        note = Finding(
            rule="ambiguous-gpu",
            severity="note",
            verdict="pass",
            message=f"{match.note or deployment.gpu}; intervals span them all",
            place=deployment.at("/gpu"),
            fix=f"write gpu: {match.spec.name}",
        )
        notes.append(note)
    return Identified(match, stated_at(deployment, "/gpu"), tuple(notes))


def price(
    deployment: Deployment, registry: Registry, gpus: GpuMatch | None, *, n_gpus: int
) -> Identified[tuple[Price, ...]]:
    """The price that applies, first, and those of the GPU's other variants.

    Finding unknown-price: blocking only where the manifest limits money. Finding price-basis.
    """
    if deployment.usd_per_gpu_hour is not None:
        stated = Price(
            provider=deployment.provider or "stated",
            instance_type=deployment.instance_type,
            gpu=gpus.spec.name if gpus else deployment.gpu or "",
            n_gpus=1,
            usd_per_hour=deployment.usd_per_gpu_hour,
            region=deployment.region,
            captured=None,
            kind="stated",
            source=stated_at(deployment, "/usd_per_gpu_hour").text,
        )
        return Identified((stated,), stated_at(deployment, "/usd_per_gpu_hour"))
    if gpus is None:
        return Identified()
    chosen = partial(
        choose,
        registry,
        gpus.spec,
        n_gpus=n_gpus,
        region=deployment.region,
        capacity_type=deployment.capacity_type,
        variants=gpus.variants,
    )
    offer = {"provider": deployment.provider, "instance_type": deployment.instance_type}
    match = chosen(**offer)
    of_file = [name for name in offer if f"/{name}" in deployment.native.origins]
    instead = ""
    if isinstance(match, Miss) and of_file:
        # Nobody asked for this offer's price: a label only tells whose machines these are.
        instead = f"{offer[of_file[-1]]} has no price in the table: another's is used"
        match = chosen(**{**offer, **dict.fromkeys(of_file)})
    if isinstance(match, Miss):
        return Identified(findings=(_unknown_price(deployment, match),))
    of = match.price
    words = (of.provider, of.instance_type, of.kind, of.captured)
    origin = " ".join(dict.fromkeys(filter(None, words)))
    findings = []
    if note := "; ".join(filter(None, (instead, match.note))):
        place = deployment.at("/instance_type", "/provider", "/gpu")
        findings.append(Finding("price-basis", "note", "pass", note, place))
    return Identified(match.variants, Origin(origin, False), tuple(findings))


def _unknown_price(deployment: Deployment, miss: Miss) -> Finding:
    budget = deployment.budget
    limited = any(
        limit is not None
        for limit in (budget.monthly_usd, budget.max_increase_usd, budget.usd_per_million_tokens)
    )
    pointers = {deployment.provider: "/provider", deployment.instance_type: "/instance_type"}
    return Finding(
        rule="unknown-price",
        severity="error" if limited else "note",
        verdict="cannot-predict" if limited else "pass",
        message=f"{miss.reason or f'no price of {miss.text}'}{_hint(miss)}",
        place=deployment.at(pointers.get(miss.text, "/gpu"), "/gpu"),
        fix="set usd_per_gpu_hour",
    )


def _missing(deployment: Deployment, field: str, fix: str) -> Finding:
    blank = deployment.native.blanks.get(f"/{field}")
    if deployment.native.origins and field == "gpu":
        fix = "name it in a manifest, or what your node labels mean in the policy's gpu_labels"
    elif deployment.native.origins:
        fix = f"{fix}, in a manifest"
    return Finding(
        rule=f"missing-{field}",
        severity="error",
        verdict="cannot-predict",
        message=f"no {field} is stated" if blank is None else f"{field} is open: {blank.reason}",
        place=deployment.place if blank is None else blank.place,
        fix=fix,
    )


def unknown(deployment: Deployment, miss: Miss, pointer: str, fix: str) -> Finding:
    """The finding that a name is in no table, with the nearest names."""
    reason = miss.reason or f"{miss.kind} {miss.text!r} is not in the registry"
    return Finding(
        rule=f"unknown-{miss.kind}",
        severity="error",
        verdict="cannot-predict",
        message=f"{reason}{_hint(miss)}",
        place=deployment.at(pointer),
        fix=fix,
    )


def _hint(miss: Miss) -> str:
    return f"; did you mean {' or '.join(miss.nearest)}?" if miss.nearest else ""
