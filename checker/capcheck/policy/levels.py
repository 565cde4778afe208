"""How severe a finding is where a policy says so, and what that does to the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from capcheck.finding import SEVERITIES, Finding, Severity
from capcheck.policy.fields import LEVELS
from capcheck.policy.model import Level, Policy
from capcheck.rules.catalogue import RULES_BY_ID


def levelled(found: Finding, policy: Policy) -> Finding | None:
    """The finding at the policy's level; None when it is off.

    At its rule's own level nothing changes. Below it, the finding decides nothing. Above it, the
    severity rises, and one that becomes an error fails.
    """
    default = default_level(found.rule, policy) or found.severity
    level = level_of(found.rule, policy, default)
    if level == default:
        return replace(found, enforced=True) if _is_demanded(found.rule, policy) else found
    if level == "off":
        return None
    if LEVELS.index(level) > LEVELS.index(default):
        severity = _stricter(level, found.severity)
        verdict = "fail" if level == "error" and found.verdict == "pass" else found.verdict
        return replace(found, severity=severity, verdict=verdict, enforced=True)
    lower = max(level, found.severity, key=SEVERITIES.index)
    return replace(found, severity=lower, verdict="pass")


def level_of(rule: str, policy: Policy, default: Level) -> Level:
    """The first layer decides, by itself or by its silence; the others may only raise it."""
    if not policy.severities:
        return default
    authority, *others = policy.severities
    level = matched(rule, authority) or default
    for layer in others:
        stated = matched(rule, layer)
        if stated is not None and LEVELS.index(stated) > LEVELS.index(level):
            level = stated
    return level


def matched(rule: str, layer: Mapping[str, Level]) -> Level | None:
    """The level of the rule's own id; else of the longest glob that it matches, else None."""
    if rule in layer:
        return layer[rule]
    globs = [pattern for pattern in layer if fnmatchcase(rule, pattern)]
    return layer[max(globs, key=len)] if globs else None


def default_level(rule: str, policy: Policy) -> Severity | None:
    """The severity that the rule's own entry states; None for one of a plug-in."""
    if rule in RULES_BY_ID:
        return RULES_BY_ID[rule].severity
    return next((own.severity for own in policy.rules if own.id == rule), None)


def _is_demanded(rule: str, policy: Policy) -> bool:
    """Whether a layer asks for this very severity: no manifest may skip it then."""
    return any(matched(rule, layer) == "error" for layer in policy.severities)


def _stricter(level: Level, own: Severity) -> Severity:
    ranked: tuple[Severity, ...] = tuple(one for one in SEVERITIES if one in (level, own))
    return ranked[0]
