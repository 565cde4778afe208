"""A policy's limits as if the manifest had stated them: gates, search and base judge by them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from capcheck.manifest.deployment import AlternativesScope, Deployment
from capcheck.place import Place
from capcheck.policy.model import Policy

# Limits that a manifest may state too: the policy's name, and the manifest's pointer.
BUDGETS = {
    "monthly_usd_per_deployment": "/budget/monthly_usd",
    "max_increase_usd": "/budget/max_increase_usd",
}
UTILISATION = "/slo/max_utilisation"


def imposed(deployment: Deployment, policy: Policy) -> Deployment:
    """The deployment with the tighter of its own and the policy's limits; twice is as once."""
    places: dict[str, Place] = {}
    budget: dict[str, float] = {}
    for name, pointer in BUDGETS.items():
        field = pointer.rpartition("/")[2]
        own, demanded = getattr(deployment.budget, field), policy.limits.get(name)
        if demanded is not None and (own is None or demanded < own):
            budget[field] = demanded
            places[pointer] = policy.at(f"/limits/{name}")
    slo, cap, traffic = deployment.slo, policy.limits.get("max_utilisation"), deployment.traffic
    # Without a rate nobody can say how busy it is: `require` asks for one.
    has_rate = traffic is not None and traffic.requests_per_second is not None
    if cap is not None and has_rate and (slo.max_utilisation is None or cap < slo.max_utilisation):
        slo = replace(slo, max_utilisation=cap)
        places[UTILISATION] = policy.at("/limits/max_utilisation")
    scope = _scope(deployment.alternatives, policy)
    if not places and scope == deployment.alternatives:
        return deployment
    return replace(
        deployment,
        budget=replace(deployment.budget, **budget),
        slo=slo,
        alternatives=scope,
        places={**deployment.places, **places},
    )


def without_imposed(policy: Policy) -> Policy:
    """The policy without the limits that `imposed` takes over."""
    kept = {
        name: limit
        for name, limit in policy.limits.items()
        if name not in BUDGETS and name != "max_utilisation"
    }
    return replace(policy, limits=kept)


def is_imposed(pointer: str, deployment: Deployment) -> bool:
    """Whether a limit of the deployment is the policy's: it stands in another file."""
    return pointer in deployment.places and deployment.places[pointer].path != deployment.path


def _scope(own: AlternativesScope, policy: Policy) -> AlternativesScope:
    """What the manifest leaves to the search, no wider than the policy does."""
    demanded: dict[str, Any] = {}
    for name in ("models", "quants", "backends", "gpus"):
        if name not in policy.alternatives:
            continue
        stated, allowed = getattr(own, name), tuple(policy.alternatives[name])
        both = stated if stated is None else tuple(one for one in stated if one in allowed)
        demanded[name] = allowed if both is None else both
    most = policy.alternatives.get("max_replicas")
    if most is not None:
        demanded["max_replicas"] = min(most, own.max_replicas or most)
    return replace(own, **demanded) if demanded else own
