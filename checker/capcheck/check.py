"""One deployment in, everything said about it out."""

from __future__ import annotations

from dataclasses import replace

from capcheck.judge import Context, start
from capcheck.manifest.deployment import Deployment
from capcheck.predict.latency.headroom import headroom_rps
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
    started = start(deployment, context)
    checked = started.finish()
    forecast = checked.forecast
    headroom = headroom_rps(started.resolved, started.unloaded.speed, forecast.memory)
    search = find(checked, context, shown=shown) if alternatives else Search()
    return DeploymentReport(
        resolved=checked.resolved,
        forecast=replace(forecast, load=replace(forecast.load, headroom_rps=headroom)),
        gates=checked.gates,
        findings=checked.findings,
        verdict=checked.verdict,
        alternatives=search.alternatives,
        near_misses=search.near_misses,
        nothing_passes=search.nothing_passes,
    )
