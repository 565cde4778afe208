"""Output tokens per second against the stated minimum."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.rules.case import Case, Judgement, Limit, hold
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="throughput-below-limit",
        title="Throughput below its limit",
        severity="error",
        gate="throughput",
        why="The work that was planned does not get done in time.",
        how=(
            "Tokens per second of all replicas, as an interval, against slo.min_throughput_tok_s: "
            "what agents get in a closed loop, else what could be delivered."
        ),
        fix="More replicas, more sequences at once or a faster GPU.",
        failing="slo: {min_throughput_tok_s: 100000}",
        passing="slo: {min_throughput_tok_s: 50}",
    ),
)


def check(case: Case) -> Judgement:
    """Gate `throughput`: what the deployment can deliver, not what an open loop asks for."""
    return hold(case, "throughput", list(limits(case)))


def limits(case: Case) -> Iterator[Limit]:
    """The stated limit of this gate with the figure that it is about."""
    deployment, load = case.deployment, case.forecast.load
    limit = deployment.slo.min_throughput_tok_s
    if limit is None:
        return
    closed_loop = deployment.traffic is not None and deployment.traffic.agents is not None
    yield Limit(
        label="throughput" if closed_loop else "capacity",
        estimate=load.throughput_tok_s if closed_loop else load.capacity_tok_s,
        limit=limit,
        sense="min",
        unit="tok/s",
        pointer="/slo/min_throughput_tok_s",
        rule="throughput-below-limit",
        fix="more replicas, more sequences at once or a faster GPU",
    )
