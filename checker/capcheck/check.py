"""One deployment in, everything said about it out."""

from __future__ import annotations

from dataclasses import replace

from capcheck.judge import Context, start
from capcheck.manifest.deployment import Deployment
from capcheck.predict.latency.headroom import headroom_rps
from capcheck.report.model import DeploymentReport
from capcheck.search.find import SHOWN, find


def check(
    deployment: Deployment,
    context: Context,
    *,
    alternatives: bool = True,
    shown: int | None = SHOWN,
) -> DeploymentReport:
    """Judge a deployment, and look for headroom and better configurations unless told not to.

    The report holds the best `shown` alternatives; None keeps all.
    """
    started = start(deployment, context)
    checked = started.finish()
    report = DeploymentReport(
        resolved=checked.resolved,
        forecast=checked.forecast,
        gates=checked.gates,
        findings=checked.findings,
        verdict=checked.verdict,
    )
    if not alternatives:
        return report
    search = find(checked, context, shown=shown)
    return replace(
        report,
        headroom_rps=headroom_rps(
            started.resolved, started.unloaded.speed, checked.forecast.memory
        ),
        alternatives=search.alternatives,
        near_misses=search.near_misses,
        nothing_passes=search.nothing_passes,
    )
