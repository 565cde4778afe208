"""How many machines: more than the models of load were ever checked on."""

from __future__ import annotations

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement

# TR133 SS10.4: predictions at higher counts are directional.
MANY_REPLICAS = 8


def check(case: Case) -> Judgement:
    """Finding many-replicas."""
    replicas = case.resolved.replicas_max
    if replicas <= MANY_REPLICAS:
        return Judgement()
    return Judgement(
        (),
        (
            Finding(
                rule="many-replicas",
                severity="warning",
                verdict="pass",
                message=(
                    f"{replicas} replicas: load is assumed to split evenly, which was checked up "
                    f"to {MANY_REPLICAS}"
                ),
                place=case.deployment.at("/replicas/max", "/replicas"),
            ),
        ),
    )
