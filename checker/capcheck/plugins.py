"""Rules of installed packages: entry points of the group `capcheck.rules` that a policy names."""

from __future__ import annotations

from collections.abc import Callable

from capcheck.errors import Problem
from capcheck.policies import Policies
from capcheck.rules.case import Case, Judgement
from capcheck.source.nearest import nearest
from capcheck.source.problems import quoted, whole_file

GROUP = "capcheck.rules"


def load(policies: Policies, problems: list[Problem]) -> tuple[Callable[[Case], Judgement], ...]:
    """The `check` of each plug-in, in the order of the policy; what is not installed is noted.

    An entry point is a module, or an object, with `check(case)` as a module of capcheck.rules.
    """
    wanted = {
        name: policy
        for policy in (*filter(None, (policies.own,)), *policies.named.values())
        for name in policy.plugins
    }
    if not wanted:
        return ()
    # It reads every installed package's metadata: most runs have no plug-in.
    from importlib.metadata import entry_points

    installed = {point.name: point for point in entry_points(group=GROUP)}
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
