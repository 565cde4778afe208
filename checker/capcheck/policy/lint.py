"""What is suspicious in a policy that can be read: rules and limits that can't work as meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from capcheck.errors import Problem
from capcheck.place import Place
from capcheck.policy.model import Policy
from capcheck.policy.names import listed_backend
from capcheck.policy.shapes import escaped
from capcheck.policy.waive import EXPIRING
from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.records import dataclass
from capcheck.registry.prices import usd_per_hour
from capcheck.registry.tables import Registry
from capcheck.rules.catalogue import RULES_BY_ID
from capcheck.source.nearest import nearest
from capcheck.source.problems import quoted


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at; an error is one that keeps the policy from being used."""

    level: Literal["error", "warning", "note"]
    code: str
    place: Place
    message: str


def unknown_rules(policy: Policy, known: Collection[str]) -> Iterator[Problem]:
    """Rule ids and globs that mean no rule; `known` are those of plug-ins."""
    ids = {*RULES_BY_ID, *(rule.id for rule in policy.rules), *known}
    named = [
        (pattern, policy.places[f"/severities/{escaped(pattern)}"])
        for layer in policy.severities
        for pattern in layer
        if f"/severities/{escaped(pattern)}" in policy.places
    ]
    named += [
        (one.rule, policy.places.get(f"/waivers/{at}/rule", one.place))
        for at, one in enumerate(policy.waivers)
    ]
    for pattern, place in named:
        if not any(fnmatchcase(rule, pattern) for rule in ids):
            yield Problem(
                "unknown-rule",
                place,
                quoted(pattern),
                "a rule of `capcheck rules`, or a glob of some",
                nearest(pattern, ids),
            )


def lint(policy: Policy, registry: Registry, today: date) -> list[Remark]:
    """Everything to say about a policy by itself, in the order of the file."""
    found = [*_waivers(policy, today), *_money(policy, registry), *_names(policy, registry)]
    found += [*_rules(policy), *_labels(policy)]
    return sorted(found, key=lambda one: one.place)


def unused(policy: Policy, rules: Collection[tuple[str, str]]) -> Iterator[Remark]:
    """Waivers that cover none of the findings, given as rule and deployment."""
    for one in policy.waivers:
        if not any(
            fnmatchcase(rule, one.rule) and fnmatchcase(name, one.scope.deployment or "*")
            for rule, name in rules
        ):
            message = f"waiver {one.id} covers no finding of the manifests"
            yield Remark("note", "waiver-unused", one.place, message)


def _waivers(policy: Policy, today: date) -> Iterator[Remark]:
    most = policy.max_waiver_days
    for one in policy.waivers:
        if one.expires < today:
            message = f"waiver {one.id} ended on {one.expires}"
            yield Remark("warning", "waiver-expired", one.place, message)
        elif most is not None and one.expires > today + timedelta(days=most):
            message = f"waiver {one.id} ends more than {most} days from now: it does not apply"
            yield Remark("warning", "waiver-too-long", one.place, message)
        elif one.expires <= today + EXPIRING:
            message = f"waiver {one.id} ends on {one.expires}"
            yield Remark("note", "waiver-expiring", one.place, message)


def _money(policy: Policy, registry: Registry) -> Iterator[Remark]:
    """A limit below the cheapest GPU that is allowed can't be met by anything that has a price."""
    allowed = policy.allowed.get("gpus", ())
    bills = [
        usd_per_hour(price, 1) * HOURS_PER_MONTH
        for price in registry.prices
        if all(any(fnmatchcase(price.gpu, one) for one in layer) for layer in allowed)
    ]
    for name in ("monthly_usd", "monthly_usd_per_deployment"):
        limit = policy.limits.get(name)
        if limit is not None and bills and limit < min(bills):
            message = f"nothing can meet {name} {limit:g}: the cheapest GPU is ${min(bills):,.2f}"
            yield Remark("warning", "unmeetable-limit", policy.at(f"/limits/{name}"), message)
    total, each = (policy.limits.get(one) for one in ("monthly_usd", "monthly_usd_per_deployment"))
    if total is not None and each is not None and each > total:
        message = f"monthly_usd_per_deployment {each:g} is above monthly_usd {total:g}"
        place = policy.at("/limits/monthly_usd_per_deployment")
        yield Remark("warning", "unmeetable-limit", place, message)
    if policy.limits.get("min_vram_headroom") == 1:
        message = "nothing can leave all memory free"
        yield Remark("warning", "unmeetable-limit", policy.at("/limits/min_vram_headroom"), message)


def _names(policy: Policy, registry: Registry) -> Iterator[Remark]:
    """Globs that mean nothing, and versions that no release can have."""
    known: dict[str, set[str]] = {
        "gpus": {one.name for one in registry.gpus},
        "quants": {one.name for one in registry.quants},
        "models": {one.name for one in registry.models},
        "licences": {(one.licence or "").lower() for one in registry.models},
    }
    for kind, layers in policy.allowed.items():
        place = policy.at(f"/limits/allowed_{kind}")
        for name in (one for layer in layers for one in layer):
            pattern = name.lower() if kind == "licences" else name
            if kind in known and not any(fnmatchcase(one, pattern) for one in known[kind]):
                yield Remark("warning", "unmeetable-limit", place, f"no {kind} are called {name}")
            if kind == "backends" and _is_empty(name):
                yield Remark("warning", "unmeetable-limit", place, f"no version is in {name}")


def _is_empty(text: str) -> bool:
    """`>=0.12,<0.8`: the highest lower bound is not below the lowest upper one."""
    terms = listed_backend(text).versions
    lower = [bound for sign, bound in terms if sign in (">", ">=", "==")]
    upper = [bound for sign, bound in terms if sign in ("<", "<=", "==")]
    strict = any(sign in ("<", ">") for sign, _ in terms)
    if not lower or not upper:
        return False
    return max(lower) > min(upper) or (strict and max(lower) == min(upper))


def _rules(policy: Policy) -> Iterator[Remark]:
    for rule in policy.rules:
        if rule.id in RULES_BY_ID:
            message = f"{rule.id} is a rule of capcheck already"
            yield Remark("warning", "duplicate-rule", rule.place, message)


def _labels(policy: Policy) -> Iterator[Remark]:
    """A label whose every value means a GPU that is not allowed anyway."""
    allowed = policy.allowed.get("gpus", ())
    for (label, value), gpu in policy.facts.gpu_labels.items():
        if allowed and not all(any(fnmatchcase(gpu, one) for one in layer) for layer in allowed):
            message = f"{label}={value} means {gpu}, which allowed_gpus does not list"
            yield Remark(
                "note", "unused-gpu-label", policy.at(f"/gpu_labels/{escaped(label)}"), message
            )
