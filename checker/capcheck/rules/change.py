"""A deployment against another statement of it: the commit it is merged into, a native file."""

from __future__ import annotations

from capcheck.estimate import Estimate
from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.numbers import amount, interval
from capcheck.rules.case import beyond, judge
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="cost-increase-over-limit",
        title="The change adds more to the bill than it may",
        severity="error",
        gate="budget",
        why="Small changes add up unnoticed when only the total is limited.",
        how=(
            "The monthly cost of the changed deployment less that on base, against "
            "budget.max_increase_usd. Without a base there is nothing to compare."
        ),
        fix="Fewer replicas or a cheaper GPU, or agree on a higher limit first.",
        failing="replicas: 4\nbudget: {max_increase_usd: 100}",
        passing="replicas: 1\nbudget: {max_increase_usd: 100}",
    ),
    Rule(
        id="limit-loosened",
        title="The change loosens its own limit",
        severity="warning",
        why="A limit that moves together with what it limits guards nothing.",
        how="Each limit is held against that on base, which still judges; a removed one counts.",
        fix="Change the limit in a pull request of its own.",
        failing="slo: {latency_p95: 60s}",
        passing="slo: {latency_p95: 30s}",
    ),
    Rule(
        id="drift",
        title="The manifest and the file it refers to contradict each other",
        severity="error",
        gate="support",
        why="The check would be about something that is not deployed.",
        how="A fact that both state with different values; both places are named.",
        fix="Remove it from the manifest, or correct one of the two.",
        failing="serving: {max_model_len: 16384}",
        passing="serving: {max_model_len: 8192}",
    ),
)


def cost_increase(deployment: Deployment, *, base: Estimate, head: Estimate) -> Finding | None:
    """Finding cost-increase-over-limit; `base` and `head` are monthly costs at most replicas, USD.

    The ends of the interval are differences of like ends: prices err together. None when a cost is
    unknown: of head unknown-price says so, and of base nothing can be said any more.
    """
    limit = deployment.budget.max_increase_usd
    if limit is None:
        return None
    if base.value is None or head.value is None:
        return None
    ends = [
        over - under
        for over, under in ((head.low, base.low), (head.high, base.high))
        if over is not None and under is not None
    ]
    value = head.value - base.value
    added = Estimate(value, min(*ends, value), max(*ends, value), head.provenance, head.basis)
    verdict = judge(added, limit, "max")
    if verdict == "pass":
        return None
    surely = verdict == "fail"
    return Finding(
        rule="cost-increase-over-limit",
        severity="error" if surely else "warning",
        verdict=verdict,
        message=(
            f"the change adds {interval(added, '$/month')}, {'' if surely else 'perhaps '}more "
            f"than {amount(limit, '$/month')}"
        ),
        place=deployment.at("/budget/max_increase_usd"),
        related=deployment.at("/replicas", "/gpu"),
        fix="fewer replicas or a cheaper GPU, or agree on a higher limit first",
        gate="budget",
        subject="max_increase_usd",
        beyond=beyond(added, limit, "max"),
    )
