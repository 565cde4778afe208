"""One deployment in, everything said about it out."""

from __future__ import annotations

from capcheck.judge import Context, judge
from capcheck.manifest.deployment import Deployment
from capcheck.report.model import DeploymentReport
from capcheck.search.find import SHOWN, Search, find


def check(
    deployment: Deployment,
    context: Context,
    *,
    alternatives: bool = True,
    shown: int | None = SHOWN,
) -> DeploymentReport:
    """Judge a deployment, and look for better configurations unless told not to.

    The report holds the best `shown` alternatives; None keeps all.
    """
    checked = judge(deployment, context)
    search = find(checked, context, shown=shown) if alternatives else Search()
    return DeploymentReport(
        resolved=checked.resolved,
        forecast=checked.forecast,
        gates=checked.gates,
        findings=checked.findings,
        verdict=checked.verdict,
        alternatives=search.alternatives,
        near_misses=search.near_misses,
        nothing_passes=search.nothing_passes,
    )
