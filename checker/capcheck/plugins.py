"""Rules of installed packages: entry points of the group `capcheck.rules` that a policy names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from capcheck.errors import Problem
from capcheck.policies import Policies
from capcheck.policy.model import Policy
from capcheck.rules.case import Case, Judgement
from capcheck.source.nearest import nearest
from capcheck.source.problems import quoted, whole_file

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "capcheck.rules"


def load(policies: Policies, problems: list[Problem]) -> tuple[Callable[[Case], Judgement], ...]:
    """The `check` of each plug-in, in the order of the policy; what is not installed is noted.

    An entry point is a module, or an object, with `RULES` and `check(case)` as a module of
    capcheck.rules has them.
    """
    wanted, installed = _wanted(policies), _installed(policies)
    checks = []
    for name, policy in wanted.items():
        if name in installed:
            checks.append(installed[name].load().check)
            continue
        place = policy.places.get("/plugins") or whole_file(policy.sources[0].path)
        expected = f"an installed entry point of the group {GROUP}"
        problems.append(
            Problem("unknown-plugin", place, quoted(name), expected, nearest(name, installed))
        )
    return tuple(checks)


def rule_ids(policies: Policies) -> frozenset[str]:
    """The ids in the `RULES` of the plug-ins that a policy names and that are installed."""
    installed = _installed(policies)
    return frozenset(
        rule.id
        for name in _wanted(policies)
        if name in installed
        for rule in installed[name].load().RULES
    )


def _wanted(policies: Policies) -> dict[str, Policy]:
    """The plug-ins, each with the policy that names it."""
    return {name: policy for policy in policies.all for name in policy.plugins}


def _installed(policies: Policies) -> Mapping[str, EntryPoint]:
    if not _wanted(policies):
        return {}
    # It reads every installed package's metadata: most runs have no plug-in.
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}
