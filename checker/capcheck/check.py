"""One deployment in, everything said about it out."""

from __future__ import annotations

from dataclasses import replace

from capcheck.estimate import Estimate
from capcheck.finding import Finding
from capcheck.judge import Checked, Context, start
from capcheck.manifest.deployment import Deployment
from capcheck.predict.latency.headroom import headroom_rps
from capcheck.report.model import DeploymentReport
from capcheck.rules import outlook
from capcheck.rules.exceptions import covered
from capcheck.search.find import SHOWN, Search, find


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
    headroom = headroom_rps(started.resolved, started.unloaded.speed, checked.forecast.memory)
    return replace(
        report,
        findings=(*report.findings, *_outlook(checked, headroom, search, context)),
        headroom_rps=headroom,
        alternatives=search.alternatives,
        near_misses=search.near_misses,
        nothing_passes=search.nothing_passes,
    )


def _outlook(
    checked: Checked, headroom: Estimate, search: Search, context: Context
) -> tuple[Finding, ...]:
    """What else is worth a note where the deployment passes."""
    if checked.verdict != "pass":
        return ()
    deployment = checked.resolved.deployment
    remarks = outlook.check(
        deployment,
        usd_month=checked.forecast.cost.usd_month,
        headroom_rps=headroom,
        alternatives=search.alternatives,
    )
    return covered(remarks, deployment, context.today)
