"""Fitted coefficients of one configuration: which traits each depends on, and its scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

from capcheck.predict.coefficients import Coefficients
from capcheck.predict.speed.effects import Effects, effects
from capcheck.predict.speed.kernels import ceiling
from capcheck.predict.speed.refit import refit_of
from capcheck.predict.speed.traits import Traits
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Fitted:
    """What roofline.step and roofline.prefill need beside facts; times in ms, shares of peak."""

    floor: float
    efficiency: float
    cache_cost: float
    group_cost: float
    collective: float
    utilisation: float
    step_arithmetic: float
    per_sequence: float
    request_overhead: float
    chunk_floor: float
    attention: float
    exchange: float


# The same for all models with these traits.
@lru_cache(maxsize=4096)
def fitted(traits: Traits, coefficients: Coefficients) -> Fitted:
    """The coefficients of one configuration, from the artifact and the user's refit of it."""
    own = {name: refit_of(coefficients, name, traits) for name in ("decode", "prefill")}
    shifts = {name: x for refit in own.values() if refit for name, x in refit.shift.items()}
    values = {}
    for name, found in _effects(coefficients).items():
        _, traits_of, scale = LAWS[name]
        values[name] = scale(found.of(traits_of(traits)) + shifts.get(name, 0.0), traits)
    return Fitted(**values)


@lru_cache(maxsize=8)
def _effects(coefficients: Coefficients) -> Mapping[str, Effects]:
    """Every coefficient of the artifact."""
    return {
        name: effects(coefficients.section(section)[name]) for name, (section, _, _) in LAWS.items()
    }


def _floor(t: Traits) -> list[str]:
    host = t.host
    return [
        f"engine={t.engine}",
        f"platform={t.platform}",
        f"host={host}",
        f"era={host}/{t.era}",
        f"arch={t.architecture}",
        f"host-arch={host}/{t.architecture}",
        *(
            ["eager", f"host-eager={host}", f"host-method={host}/{t.method}"]
            if t.eager
            else [f"kernel={host}/{t.kernel}"]
        ),
        *(f"flag={flag}" for flag in t.flags),
        *(f"engine-flag={t.engine}/{flag}" for flag in t.flags),
    ]


def _efficiency(t: Traits) -> list[str]:
    host = t.host
    return [
        f"engine={t.engine}",
        f"platform={t.platform}",
        f"host={host}",
        f"era={host}/{t.era}",
        f"memory={t.memory}",
        f"host-memory={host}/{t.memory}",
        f"kernel={t.kernel}",
        f"host-kernel={host}/{t.kernel}",
        f"kernel-memory={host}/{t.kernel}/{t.memory}",
        f"arch={t.memory}/{t.architecture}",
        f"host-arch={host}/{t.memory}/{t.architecture}",
        f"gpu={t.gpu}",
        *(f"engine-flag={t.engine}/{flag}" for flag in t.flags),
        *([f"moe-kernel={t.engine}/{t.kernel}"] if "moe" in t.flags else []),
    ]


def _cache_cost(t: Traits) -> list[str]:
    return [f"host={t.host}"]


def _group_cost(t: Traits) -> list[str]:
    host = t.host
    return [f"host={host}", f"era={host}/{t.era}"]


def _collective(t: Traits) -> list[str]:
    return [
        f"host={t.host}",
        f"link={t.link}",
        f"ranks={t.link}/{t.tensor_parallel_size}",
        f"era={t.engine}/{t.era}",
    ]


def _utilisation(t: Traits) -> list[str]:
    host = t.host
    return [
        f"engine={t.engine}",
        f"platform={t.platform}",
        f"host={host}",
        f"era={host}/{t.era}",
        f"arch={t.segment}/{t.architecture}",
        f"host-arch={host}/{t.architecture}",
        f"segment={t.segment}",
        f"host-segment={host}/{t.segment}",
        f"kernel={t.kernel}",
        f"host-kernel={host}/{t.kernel}",
        f"kernel-arch={host}/{t.kernel}/{t.architecture}",
        f"gpu={t.gpu}",
        *(f"flag={flag}" for flag in t.flags),
        *(f"host-flag={host}/{flag}" for flag in t.flags),
    ]


def _step_arithmetic(t: Traits) -> list[str]:
    host = t.host
    return [f"host={host}", f"kernel={host}/{t.kernel}"]


def _per_sequence(t: Traits) -> list[str]:
    host = t.host
    return [f"host={host}", f"era={host}/{t.era}"]


def _request_overhead(t: Traits) -> list[str]:
    return [f"engine={t.engine}"]


def _chunk_floor(t: Traits) -> list[str]:
    host = t.host
    return [
        f"host={host}",
        f"era={host}/{t.era}",
        f"arch={t.architecture}",
        *(f"flag={flag}" for flag in t.flags),
    ]


def _attention(t: Traits) -> list[str]:
    return [f"host={t.host}", f"arch={t.architecture}"]


def _exchange(t: Traits) -> list[str]:
    return [f"link={t.link}", f"host={t.host}"]


def _time(value: float, _: Traits) -> float:
    return math.exp(value)


def _share(value: float, _: Traits) -> float:
    return 1.05 / (1.0 + math.exp(-value))


def _exponent(value: float, _: Traits) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _share_of_ceiling(value: float, traits: Traits) -> float:
    return ceiling(traits) / (1.0 + math.exp(-value))


Law = tuple[str, Callable[[Traits], list[str]], Callable[[float, Traits], float]]
LAWS: Mapping[str, Law] = {
    "floor": ("decode", _floor, _time),
    "efficiency": ("decode", _efficiency, _share),
    "cache_cost": ("decode", _cache_cost, _time),
    "group_cost": ("decode", _group_cost, _exponent),
    "collective": ("decode", _collective, _time),
    "step_arithmetic": ("step", _step_arithmetic, _time),
    "per_sequence": ("step", _per_sequence, _time),
    "utilisation": ("prefill", _utilisation, _share_of_ceiling),
    "request_overhead": ("prefill", _request_overhead, _time),
    "chunk_floor": ("prefill", _chunk_floor, _time),
    "attention": ("prefill", _attention, _time),
    "exchange": ("prefill", _exchange, _time),
}
