"""Money per month and per million tokens against the budget, and the age of the price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement, Limit, hold

# Cloud list prices move about quarterly.
STALE_DAYS = 90


def check(case: Case) -> Judgement:
    """Gate `budget`; findings cost-over-budget, cost-unknown, price-stale, price-undated."""
    limits = list(_limits(case))
    judgement = hold(case, "budget", limits)
    age = _price_age(case) if limits else ()
    return Judgement(judgement.gates, (*judgement.findings, *age))


def _limits(case: Case) -> Iterator[Limit]:
    stated, cost = case.deployment.budget, case.forecast.cost
    if stated.monthly_usd is not None:
        yield Limit(
            label="cost",
            estimate=cost.usd_month_max,
            limit=stated.monthly_usd,
            sense="max",
            unit="$/month",
            pointer="/budget/monthly_usd",
            rule="cost-over-budget",
            unknown_rule="cost-unknown",
            related=("/replicas", "/gpu"),
            fix="fewer replicas or a cheaper GPU that still meets the other limits",
        )
    if stated.usd_per_million_tokens is not None:
        yield Limit(
            label="cost of output",
            estimate=cost.usd_per_million_tokens,
            limit=stated.usd_per_million_tokens,
            sense="max",
            unit="$/M tokens",
            pointer="/budget/usd_per_million_tokens",
            rule="cost-over-budget",
            unknown_rule="cost-unknown",
            related=("/replicas", "/gpu"),
            fix="fewer replicas or a cheaper GPU: idle hours are paid for",
        )


def _price_age(case: Case) -> Iterator[Finding]:
    """A verdict on money is only as fresh as the price."""
    price, place = case.resolved.price, case.deployment.at("/gpu")
    if price is None or price.kind == "stated":
        return
    if price.captured is None:
        yield Finding(
            rule="price-undated",
            severity="warning",
            verdict="pass",
            message=f"the price of {price.gpu} ({price.source}) carries no date",
            place=place,
            fix="state usd_per_gpu_hour",
        )
        return
    age_days = (case.today - date.fromisoformat(price.captured)).days
    if age_days > STALE_DAYS:
        yield Finding(
            rule="price-stale",
            severity="warning",
            verdict="pass",
            message=f"the price of {price.gpu} is of {price.captured}, {age_days} days ago",
            place=place,
            fix="state usd_per_gpu_hour, or update capcheck",
        )
