"""How far a fitted time may be off, by how near the configuration is to what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.estimate import Provenance
from capcheck.predict.refits import Refit
from capcheck.predict.speed.refit import cell_name
from capcheck.predict.speed.traits import Traits, flagged_kernels
from capcheck.records import dataclass
from capcheck.registry.specs import BackendSpec, ModelSpec


@dataclass(frozen=True, slots=True)
class Certainty:
    """Multipliers that bound the 90 % interval of a time, where it comes from, and one line why."""

    low: float
    high: float
    provenance: Provenance
    basis: str


def certainty(
    section: Mapping[str, Any], traits: Traits, model: ModelSpec, backend: BackendSpec
) -> Certainty:
    """The interval of one law for one configuration.

    `section["seen"]` lists per host what the fit was fed. A model measured on this GPU with these
    kernels has the errors of the fit (`repeated`), another one inside the range those on left-out
    models, one with another GPU or size those on left-out GPUs, and one whose kernels, memory or
    kind of model the engine was never measured with those of its like (`remote`); widened for every
    further unknown and for an engine that stands in for another. SOURCE: quantiles of log
    residuals, whole architectures and whole GPUs held out.
    """
    seen = section["seen"].get(traits.host)
    unlike = _unlike(seen, traits)
    strange = _strange(seen, traits, model, unlike)
    kind = "interpolated"
    if unlike:
        kind = "remote"
    elif strange:
        kind = "extrapolated"
    elif seen is not None and f"{model.name} {traits.kernel} {traits.gpu}" in seen["cells"]:
        kind = "repeated"
    low, high = _interval(section["intervals"], traits, kind)
    widening = 1.0 + 0.25 * max(0, len(strange) - 1)
    provenance: Provenance = "extrapolated" if strange else "interpolated"
    basis = f"fitted law for {traits.host}"
    if strange:
        basis += "; not measured: " + ", ".join(strange)
    if traits.engine not in (backend.engine_family, backend.name):
        basis += f"; {traits.engine} stands in for {backend.name}"
        widening *= 1.5
        provenance = "extrapolated"
    return Certainty(low**widening, high**widening, provenance, basis)


def refitted(own: Refit, traits: Traits, model: ModelSpec) -> Certainty:
    """The interval of a law that the user's own measurements corrected: `capfit refit`."""
    measured = cell_name(model.name, traits) in own.cells
    basis = own.basis(f"on {traits.gpu}")
    return Certainty(own.low, own.high, "measured" if measured else "interpolated", basis)


def interval_class(traits: Traits) -> str:
    """Whose residuals bound a prediction: experts and the like are harder to tell than the rest."""
    return f"{traits.host} {'special' if traits.flags else 'plain'}"


def _interval(intervals: Mapping[str, Any], traits: Traits, kind: str) -> tuple[float, float]:
    """That of the narrowest class that has one."""
    for name in (interval_class(traits), traits.host, "*"):
        found = intervals.get(name, {}).get(kind)
        if found:
            break
    low, high = found
    return low, high


def _unlike(seen: Mapping[str, Any] | None, traits: Traits) -> list[str]:
    """The memory, the kinds of model and the kernels that the engine was never measured with."""
    if seen is None:
        return [f"{traits.engine} on {traits.platform}"]
    found = []
    if traits.memory not in seen["memories"]:
        found.append(f"{traits.memory} memory")
    new = [flag for flag in traits.flags if flag not in seen["flags"]]
    found += [f"{flag} models" for flag in new]
    if traits.kernel not in seen["kernels"]:
        found.append(f"{traits.kernel} kernels")
    elif traits.flags and not new:
        flagged = flagged_kernels(traits)
        seldom = [name for name in flagged if name not in seen.get("flagged", flagged)]
        found += [f"{name} kernels" for name in seldom]
    return found


def _strange(
    seen: Mapping[str, Any] | None, traits: Traits, model: ModelSpec, unlike: list[str]
) -> list[str]:
    """What of a configuration lies outside of the measurements."""
    if seen is None:
        return [*unlike, traits.gpu]
    found = unlike if traits.gpu in seen["gpus"] else [traits.gpu, *unlike]
    least, most = seen["params_b"]
    if not 0.8 * least <= model.params_b <= 1.25 * most:
        found = [*found, f"a model of {model.params_b:.3g}B"]
    if traits.tensor_parallel_size > seen["ranks"]:
        found = [*found, f"{traits.tensor_parallel_size} GPUs"]
    return found
