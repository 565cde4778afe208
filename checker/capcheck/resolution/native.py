"""What native files leave open, or say otherwise than the manifest does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment, Displaced
from capcheck.registry.matches import BackendMatch, GpuMatch, ModelMatch, QuantMatch
from capcheck.registry.names import key
from capcheck.registry.tables import Registry
from capcheck.registry.versions import parse

Agrees = Callable[[str, str, Registry], bool]

# Facts whose absence has a finding of its own, or does not matter.
_NAMED = frozenset(("/model", "/backend", "/gpu", "/quant", "/backend_version"))
# Words for all accelerators of a vendor.
_VENDORS = {"AMD": "amd", "Intel": "intel", "Gaudi": "intel"}


def missing(deployment: Deployment) -> Iterator[Finding]:
    """Finding missing-setting for what a variable or the machine decides: no default holds."""
    for pointer, blank in deployment.native.blanks.items():
        if pointer in _NAMED:
            continue
        variable = ", or the variable under vars" if "variable" in blank.reason else ""
        yield Finding(
            rule="missing-setting",
            severity="error",
            verdict="cannot-predict",
            message=f"{pointer.rpartition('/')[2]} is open: {blank.reason}",
            place=blank.place,
            fix=f"set {pointer[1:].replace('/', '.')} in a manifest{variable}",
        )


def has_open_engine(deployment: Deployment) -> bool:
    """Whether a setting of the engine is open, and with it what it holds and how fast it is."""
    return any(pointer.startswith("/serving/") for pointer in deployment.native.blanks)


def has_open_bill(deployment: Deployment) -> bool:
    """Whether the number of GPUs to pay for is open."""
    return not deployment.native.blanks.keys().isdisjoint(("/replicas", "/gpus_per_replica"))


def drift(deployment: Deployment, registry: Registry) -> Iterator[Finding]:
    """Finding drift for every fact that the manifest and a native file state differently."""
    for pointer, displaced in deployment.native.displaced.items():
        written = _written(deployment, pointer)
        if written is None or _agree(pointer, deployment, displaced, registry):
            continue
        name = pointer.partition("/replicas")[1] or pointer
        name = name.rpartition("/")[2]
        yield Finding(
            rule="drift",
            severity="error",
            verdict="fail",
            message=(
                f"{name} is {written} here, and {displaced.value} in "
                f"{displaced.place.path}:{displaced.place.line}"
            ),
            place=deployment.at(pointer, "/replicas" if name == "replicas" else ""),
            related=displaced.place,
            fix=f"remove {name} here, or correct one of the two",
        )


def _written(deployment: Deployment, pointer: str) -> str | int | float | bool | None:
    """What the manifest says; a range of replicas as one text."""
    if pointer.startswith("/replicas"):
        least, most = deployment.replicas.min, deployment.replicas.max
        return most if least == most else f"{least} to {most}"
    owner = deployment.serving if pointer.startswith("/serving/") else deployment
    value: str | int | float | bool | None = getattr(owner, pointer.rpartition("/")[2], None)
    return value


def _agree(pointer: str, deployment: Deployment, displaced: Displaced, registry: Registry) -> bool:
    if pointer.startswith("/replicas"):
        low, high = deployment.replicas.min, deployment.replicas.max
        return low <= max(1, int(displaced.value)) <= high
    written = _written(deployment, pointer)
    names = _NAMES.get(pointer)
    if names is None:
        return written == displaced.value
    return names(str(written), str(displaced.value), registry)


def _models(written: str, native: str, registry: Registry) -> bool:
    """The same model, and the same weights of it."""
    one, other = registry.model(written), registry.model(native)
    if isinstance(one, ModelMatch) and isinstance(other, ModelMatch):
        return (one.spec.name, one.quant) == (other.spec.name, other.quant)
    return key(written) == key(native)


def _gpus(written: str, native: str, registry: Registry) -> bool:
    """Some product that both may mean; a native file may allow several, or say only whose."""
    one = registry.gpu(written)
    if not isinstance(one, GpuMatch):
        return key(written) == key(native)
    if native in _VENDORS:
        return one.spec.vendor == _VENDORS[native]
    mine = {variant.name for variant in one.variants}
    for name in native.split("|"):
        other = registry.gpu(name.partition(":")[0])
        if isinstance(other, GpuMatch) and mine & {variant.name for variant in other.variants}:
            return True
    return False


def _quants(written: str, native: str, registry: Registry) -> bool:
    one, other = registry.quant(written), registry.quant(native)
    if isinstance(one, QuantMatch) and isinstance(other, QuantMatch):
        return one.spec.name == other.spec.name
    return key(written) == key(native)


def _backends(written: str, native: str, registry: Registry) -> bool:
    one, other = registry.backend(written), registry.backend(native)
    if isinstance(one, BackendMatch) and isinstance(other, BackendMatch):
        return one.spec.name == other.spec.name
    return key(written) == key(native)


def _versions(written: str, native: str, registry: Registry) -> bool:
    """`0.11` is any 0.11; a native `latest` says nothing that could differ."""
    del registry
    one, other = parse(written), parse(native)
    if one is None or other is None:
        return other is None
    shorter = min(len(written.split(".")), len(native.split(".")))
    return one[:shorter] == other[:shorter]


def _cache_types(written: str, native: str, registry: Registry) -> bool:
    del registry
    return key(written) == key(native)


_NAMES: Mapping[str, Agrees] = {
    "/model": _models,
    "/gpu": _gpus,
    "/quant": _quants,
    "/backend": _backends,
    "/backend_version": _versions,
    "/serving/kv_cache_dtype": _cache_types,
}
