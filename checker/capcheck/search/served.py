"""What the search may serve: models, in quants, by backends."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.predict.footprint.weights import embedding_bytes, loaded_bytes, read_bytes
from capcheck.predict.memory.request import GIB
from capcheck.records import dataclass
from capcheck.registry.matches import BackendMatch, ModelMatch, QuantMatch
from capcheck.registry.specs import QuantSpec
from capcheck.registry.tables import Registry
from capcheck.search.axes import Axes, Backend, Model, Quant

# Fitted sizes are not taken for exact where they rule something out unseen.
SURE_SHARE_OF_WEIGHTS = 0.95


@dataclass(frozen=True, slots=True)
class Served:
    """What runs on the GPUs: on each axis the text to write and the thing it means.

    `weights` are the names of model, quant and engine, which decide the quality; `least_gib` surely
    has to be on the GPUs of a replica, `read_bytes` is what each token reads.
    """

    model: Model
    backend: Backend
    quant: Quant
    weights: tuple[str, str, str]
    least_gib: float
    read_bytes: float


def served_by(axes: Axes, registry: Registry) -> Iterator[Served]:
    """Every (model, backend, quant) that may be tried, today's first on each axis."""
    for model in (axes.model, *_other_models(axes, registry)):
        for backend in (axes.backend, *_other_backends(axes, registry)):
            for quant in _quants(axes, registry, model, backend):
                spec, weights = model[1], quant[1]
                held = loaded_bytes(spec, weights) - embedding_bytes(spec, weights)
                # An input embedding may stay outside of the GPUs.
                least_gib = SURE_SHARE_OF_WEIGHTS * held / GIB
                read = read_bytes(spec, weights, sequences=1.0)
                names = spec.name, weights.name, backend[1].name
                yield Served(model, backend, quant, names, least_gib, read)


def _other_models(axes: Axes, registry: Registry) -> Iterator[Model]:
    names = () if axes.keeps("model") else axes.scope.models or ()
    for name in names:
        match = registry.model(name)
        if isinstance(match, ModelMatch) and match.spec != axes.model[1]:
            yield name, match.spec


def _other_backends(axes: Axes, registry: Registry) -> Iterator[Backend]:
    names = axes.scope.backends
    # Without traffic nobody can say what another engine's slots and queue would do to it.
    if axes.keeps("backend") or (not axes.has_traffic and names is None):
        return
    for name in _listed(registry, "backend") if names is None else names:
        match = registry.backend(name)
        if not isinstance(match, BackendMatch) or not match.spec.is_calibrated:
            continue
        if match.spec != axes.backend[1]:
            yield name, match.spec


def _quants(axes: Axes, registry: Registry, model: Model, backend: Backend) -> Iterator[Quant]:
    """Today's text where it means something for this model and backend, then the others."""
    text = axes.quant[0]
    same = _means(registry, text, model, backend)
    if same is not None:
        yield text, same
    if axes.keeps("quant"):
        return
    names = axes.scope.quants
    seen = [] if same is None else [same]
    for name in _listed(registry, "quant") if names is None else names:
        match = registry.quant(name, backend=backend[1].name)
        if not isinstance(match, QuantMatch) or any(_alike(match.spec, old) for old in seen):
            continue
        seen.append(match.spec)
        yield match.spec.name if names is None else name, match.spec


def _alike(one: QuantSpec, other: QuantSpec) -> bool:
    """The same format, or two of 16 bits: changing between those gains nothing."""
    return one == other or round(one.bits_per_weight) == round(other.bits_per_weight) == 16


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


def _listed(registry: Registry, kind: str) -> tuple[str, ...]:
    return tuple(row["name"] for row in registry.rows("search_space") if row["kind"] == kind)
