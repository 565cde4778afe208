"""Money per month and per million tokens against the budget, and the age of the price."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement, Limit, hold
from capcheck.rules.latency import HIGH_UTILISATION
from capcheck.rules.rule import Rule

# Cloud list prices move about quarterly.
STALE_DAYS = 90

RULES = (
    Rule(
        id="cost-over-budget",
        title="The deployment costs more than its budget",
        severity="error",
        gate="budget",
        why="The bill would be a surprise at the end of the month.",
        how=(
            "Price per hour × 730 × GPUs × the most replicas, or the same per million tokens at "
            "the stated traffic, against the budget. Whole instances are billed."
        ),
        fix="Fewer replicas or a cheaper GPU that still meets the other limits.",
        failing="budget: {monthly_usd: 10}",
        passing="budget: {monthly_usd: 5000}",
    ),
    Rule(
        id="cost-unknown",
        title="The cost cannot be predicted",
        severity="error",
        gate="budget",
        why="A budget that nobody checked is not kept.",
        how="A budget is stated and the sum misses a fact, such as the traffic.",
        fix="State what is missing.",
        failing="budget: {usd_per_million_tokens: 1}",
        passing="budget: {monthly_usd: 5000}",
    ),
    Rule(
        id="price-stale",
        title="The price is old",
        severity="warning",
        why="List prices move about quarterly; the verdict on money is only as fresh.",
        how="The price that applies was read more than 90 days ago, and a budget is stated.",
        fix="State usd_per_gpu_hour, or update capcheck.",
        failing="gpu: RTX 4080 12GB Laptop",
        passing="gpu: RTX 4080 12GB Laptop\nusd_per_gpu_hour: 0.05",
    ),
    Rule(
        id="price-undated",
        title="Nobody says when the price was read",
        severity="warning",
        why="An undated price may be years old.",
        how="The price that applies has no date in the table, and a budget is stated.",
        fix="State usd_per_gpu_hour.",
        failing="gpu: RTX A6000 48GB\nprovider: lambda",
        passing="gpu: RTX A6000 48GB\nusd_per_gpu_hour: 0.8",
    ),
    Rule(
        id="idle-capacity",
        title="Fewer replicas would do",
        severity="note",
        why="Idle replicas are paid for.",
        how=(
            "Three replicas or more, and with half of them (two at least) the upper end of "
            "utilisation would stay at 70 % or below."
        ),
        fix="Lower replicas, or give replicas a range to scale in.",
        failing="replicas: 6\ntraffic: {requests_per_second: 0.5, profile: chat}",
        passing="replicas: 2\ntraffic: {requests_per_second: 0.5, profile: chat}",
    ),
)


def check(case: Case) -> Judgement:
    """Gate `budget`; the findings of RULES."""
    stated = list(limits(case))
    judgement = hold(case, "budget", stated)
    age = _price_age(case) if stated else ()
    return Judgement(judgement.gates, (*judgement.findings, *age, *_idle(case)))


def limits(case: Case) -> Iterator[Limit]:
    """Each stated limit of this gate with the figure that it is about."""
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


def _idle(case: Case) -> Iterator[Finding]:
    """Replicas beyond two that the stated load leaves idle; a range can scale in by itself."""
    replicas, busiest = case.resolved.replicas_min, case.forecast.load.utilisation.high
    fewer = max(2, math.ceil(replicas / 2))
    if replicas < 3 or case.resolved.replicas_max > replicas or busiest is None:
        return
    if busiest * replicas / fewer <= HIGH_UTILISATION:
        yield Finding(
            rule="idle-capacity",
            severity="note",
            verdict="pass",
            message=(
                f"{replicas} replicas are at most {100 * busiest:.0f} % busy; {fewer} would be at "
                f"most {100 * busiest * replicas / fewer:.0f} %"
            ),
            place=case.deployment.at("/replicas"),
            related=case.deployment.at("/traffic/requests_per_second", "/traffic"),
            fix=f"set replicas: {fewer}, or a range to scale in",
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
