"""One deployment in, everything said about it out."""

from __future__ import annotations

from dataclasses import replace

from capcheck.judge import Context, start
from capcheck.manifest.deployment import Deployment
from capcheck.predict.economics import Rates, economics
from capcheck.predict.latency.headroom import headroom_rps
from capcheck.report.model import DeploymentReport
from capcheck.search.find import BEST, Wanted, find


def check(
    deployment: Deployment,
    context: Context,
    *,
    alternatives: bool = True,
    wanted: Wanted = BEST,
    rates: Rates | None = None,
) -> DeploymentReport:
    """Judge a deployment, and look for headroom and better configurations unless told not to.

    With `rates` it says what stands beside the bill: energy, and a hosted API.
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
    if rates is not None:
        report = replace(report, economics=economics(checked.resolved, checked.forecast, rates))
    if not alternatives:
        return report
    search = find(checked, context, wanted)
    return replace(
        report,
        headroom_rps=headroom_rps(
            started.resolved, started.unloaded.speed, checked.forecast.memory
        ),
        alternatives=search.alternatives,
        near_misses=search.near_misses,
        nothing_passes=search.nothing_passes,
        relaxations=search.relaxations,
        likely=search.likely,
        front=search.front,
        why_not=search.why_not,
    )
