"""What a policy limits of all deployments together."""

from __future__ import annotations

from collections.abc import Sequence

from capcheck.estimate import Estimate, weakest
from capcheck.finding import Finding
from capcheck.numbers import amount, interval
from capcheck.policy.model import Policy
from capcheck.rules.case import beyond, judge


def total(bills: Sequence[Estimate]) -> Estimate:
    """The sum of monthly costs at most replicas; prices err together, so the ends are added."""
    unpriced = sum(bill.value is None for bill in bills)
    if unpriced:
        return Estimate(None, None, None, "unknown", f"{unpriced} of {len(bills)} have no price")
    ends = [bill.high for bill in bills]
    high = None if None in ends else sum(end or 0.0 for end in ends)
    return Estimate(
        sum(bill.value or 0.0 for bill in bills),
        sum(bill.low or 0.0 for bill in bills),
        high,
        weakest(*(bill.provenance for bill in bills)) if bills else "derived",
        f"sum over {len(bills)} deployments",
    )


def cost(
    policy: Policy, head: Sequence[Estimate], base: Sequence[Estimate] | None
) -> list[Finding]:
    """Finding fleet-cost-over-limit; it has no say where base, as dear, was over the limit too.

    `head` and `base` are the bills of all deployments; `base` is None without a comparison.
    """
    limit = policy.limits.get("monthly_usd")
    if limit is None or not head:
        return []
    bill = total(head)
    verdict = judge(bill, limit, "max")
    if verdict == "pass":
        return []
    before = None if base is None else total(base)
    is_old = before is not None and _as_bad(before, bill, limit)
    if verdict == "cannot-predict":
        said = f"the cost of all deployments cannot be predicted: {bill.basis}"
    else:
        said = (
            f"all deployments cost {interval(bill, '$/month')}, "
            f"{'' if verdict == 'fail' else 'perhaps '}more than {amount(limit, '$/month')}"
        )
    return [
        Finding(
            rule="fleet-cost-over-limit",
            severity="warning" if is_old or verdict == "borderline" else "error",
            verdict="pass" if is_old else verdict,
            message=f"{said}{', as on base' if is_old else ''}",
            place=policy.at("/limits/monthly_usd"),
            fix="fewer replicas or cheaper GPUs, or ask the policy's owner",
            subject="monthly_usd",
            beyond=beyond(bill, limit, "max"),
        )
    ]


def _as_bad(before: Estimate, now: Estimate, limit: float) -> bool:
    """As over the limit as now, by the same verdict or a worse one, at no lower a cost."""
    if judge(before, limit, "max") != judge(now, limit, "max"):
        return False
    if before.value is None or now.value is None:
        return before.value is None
    return now.value <= before.value * (1 + 1e-9)
