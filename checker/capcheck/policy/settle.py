"""From what was found to what counts: severities, then waivers, then the manifest's own skip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.policy.levels import levelled
from capcheck.policy.model import Policy
from capcheck.policy.waive import as_waiver, covered, is_active
from capcheck.rules import exceptions

# Gates that only a policy opens: no manifest may skip what decides them.
GATES = frozenset({"policy", "custom"})


def settled(
    findings: Iterable[Finding], deployment: Deployment, policy: Policy, today: date
) -> tuple[Finding, ...]:
    """Every finding that is not switched off, as severe as it counts, waived or not."""
    policies = frozenset(source.path for source in policy.sources)
    own = (_at_home(found, deployment, policies) for found in findings)
    ranked = tuple(found for one in own if (found := levelled(one, policy)) is not None)
    waived = covered(ranked, deployment, policy, today)
    return exceptions.covered(waived, deployment, today)


def settled_run(
    findings: Iterable[Finding], policy: Policy, today: date, environment: str | None
) -> tuple[Finding, ...]:
    """The same for findings about the run: a waiver that names no deployment covers them."""
    ranked = (found for one in findings if (found := levelled(one, policy)) is not None)
    return tuple(_waived(found, policy, today, environment) for found in ranked)


def _waived(found: Finding, policy: Policy, today: date, environment: str | None) -> Finding:
    for one in policy.waivers:
        scope = one.scope
        everywhere = scope.deployment is None and scope.path is None
        here = everywhere and scope.environment in (None, environment)
        if here and fnmatchcase(found.rule, one.rule) and is_active(one, policy, today):
            return exceptions.waived(found, as_waiver(one))
    return found


def silenced(before: Iterable[Finding], after: Iterable[Finding]) -> frozenset[str]:
    """The gates that had a say in the verdict and lost it, in part at least."""
    decides = {
        (found.rule, found.gate, found.subject) for found in after if found.verdict != "pass"
    }
    return frozenset(
        found.gate
        for found in before
        if found.gate is not None
        and found.verdict != "pass"
        and (found.rule, found.gate, found.subject) not in decides
    )


def _at_home(found: Finding, deployment: Deployment, policies: frozenset[str]) -> Finding:
    """Findings stand where the deployment is stated; a limit of the policy is the other place."""
    if found.place.path in policies:
        near = found.related
        home = near if near and near.path not in policies else deployment.place
        return replace(found, place=home, related=found.place, enforced=True)
    if found.gate in GATES or (found.related and found.related.path in policies):
        return replace(found, enforced=True)
    return found
