"""The limits that a deployment states, and the deployment with one of them elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from capcheck.judge import Checked, Context, Started
from capcheck.manifest.deployment import Deployment
from capcheck.policy.impose import without_imposed
from capcheck.records import replace
from capcheck.rules import budget, latency, quality, safety, throughput
from capcheck.rules.case import Case, Limit

STATING = (latency, throughput, quality, safety, budget)

# What asks for nothing any more; of all other limits infinity does.
LOOSEST = {
    "/slo/max_utilisation": 1.0,
    "/slo/min_throughput_tok_s": 0.0,
    "/quality/min_score": 0.0,
    "/safety/min_refusal": 0.0,
    "/safety/max_over_refusal": 1.0,
}


def limits(checked: Checked | Started, context: Context) -> Iterator[Limit]:
    """Every stated limit with the figure that it is about."""
    case = Case(checked.resolved, checked.forecast, context.today, frozenset())
    for rule in STATING:
        yield from rule.limits(case)


def far_end(checked: Checked | Started, context: Context, pointer: str) -> float | None:
    """The unfavourable end of the figure that a limit is about; None where it has none."""
    limit = next(one for one in limits(checked, context) if one.pointer == pointer)
    if limit.estimate.value is None:
        return None
    return limit.estimate.high if limit.sense == "max" else limit.estimate.low


@lru_cache(maxsize=64)
def gate_of(pointer: str) -> str:
    """The gate that a limit decides."""
    _, section, name = pointer.split("/")
    if section != "slo":
        return section
    return name.removeprefix("max_").removeprefix("min_").removesuffix("_tok_s").split("_p")[0]


def limited(deployment: Deployment, pointer: str, value: float) -> Deployment:
    """The deployment with a stated limit at another value."""
    _, section, name = pointer.split("/")
    if section == "slo" and "_p" in name:
        moved = (
            replace(one, limit_ms=value) if one.pointer == pointer else one
            for one in deployment.slo.latency
        )
        return replace(deployment, slo=replace(deployment.slo, latency=tuple(moved)))
    held = replace(getattr(deployment, section), **{name: value})
    return replace(deployment, **{section: held})


def loosened(deployment: Deployment, pointer: str) -> Deployment:
    """The deployment with a stated limit where every known figure keeps it."""
    return limited(deployment, pointer, LOOSEST.get(pointer, math.inf))


def beyond_policy(context: Context) -> Context:
    """Where no policy tightens again what it has imposed already."""
    lifted = {path: without_imposed(policy) for path, policy in context.policies.items()}
    return replace(context, policies=lifted)
