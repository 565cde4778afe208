"""How many machines: more than the models of load were ever checked on."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement
from capcheck.rules.rule import Rule

# TR133 SS10.4: predictions at higher counts are directional.
MANY_REPLICAS = 8

RULES = (
    Rule(
        id="many-replicas",
        title="More replicas than the models of load were checked on",
        severity="warning",
        why="Predictions at higher counts are directional (TR133 SS10.4).",
        how="The most replicas are above 8.",
        fix="Measure, or split the service.",
        failing="replicas: 12",
        passing="replicas: 2",
    ),
    Rule(
        id="single-replica",
        title="One replica in production",
        severity="warning",
        why="A crash, a node upgrade or a roll-out is an outage.",
        how="The chosen environment is called prod or production, and the fewest replicas are 1.",
        fix="Set replicas: 2 or more for production.",
        failing="prod: {deployments: {chat: {replicas: 1}}}",
        passing="prod: {deployments: {chat: {replicas: 2}}}",
    ),
)


PRODUCTION = frozenset({"prod", "production"})


def check(case: Case) -> Judgement:
    """Findings many-replicas and single-replica."""
    return Judgement((), (*_many(case), *_single(case)))


def _many(case: Case) -> Iterator[Finding]:
    replicas = case.resolved.replicas_max
    if replicas > MANY_REPLICAS:
        yield Finding(
            rule="many-replicas",
            severity="warning",
            verdict="pass",
            message=(
                f"{replicas} replicas: load is assumed to split evenly, which was checked up "
                f"to {MANY_REPLICAS}"
            ),
            place=case.deployment.at("/replicas/max", "/replicas"),
        )


def _single(case: Case) -> Iterator[Finding]:
    environment = case.deployment.environment or ""
    if environment.lower() in PRODUCTION and case.resolved.replicas_min == 1:
        yield Finding(
            rule="single-replica",
            severity="warning",
            verdict="pass",
            message=f"one replica in {environment}: a crash or a roll-out is an outage",
            place=case.deployment.at("/replicas/min", "/replicas"),
            fix="set replicas: 2 or more",
        )
