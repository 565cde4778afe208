"""One deployment in, everything said about it out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from capcheck.estimate import Estimate
from capcheck.finding import Finding
from capcheck.judge import Checked, Context, start
from capcheck.manifest.deployment import Deployment
from capcheck.policy.settle import settled
from capcheck.predict.economics import Rates, economics
from capcheck.predict.latency.headroom import headroom_rps
from capcheck.report.model import DeploymentReport
from capcheck.rules import outlook
from capcheck.search.wanted import BEST, Wanted

if TYPE_CHECKING:
    from capcheck.search.find import Search


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
        silenced=checked.silenced,
    )
    if rates is not None:
        report = replace(report, economics=economics(checked.resolved, checked.forecast, rates))
    if not alternatives:
        return report
    from capcheck.search.find import find  # its rooms are a fifth of what starts otherwise

    # First, while what it shares with today's load is remembered.
    headroom = headroom_rps(started.resolved, started.unloaded.speed, checked.forecast.memory)
    search = find(checked, context, wanted)
    return replace(
        report,
        findings=(*report.findings, *_outlook(checked, headroom, search, context)),
        headroom_rps=headroom,
        alternatives=search.alternatives,
        near_misses=search.near_misses,
        nothing_passes=search.nothing_passes,
        relaxations=search.relaxations,
        likely=search.likely,
        front=search.front,
        why_not=search.why_not,
    )


def likeness(deployment: Deployment) -> str:
    """A text that is the same, or sorts near, where what is worked out can serve several.

    Families first, then the lengths that bounds depend on, then the rate.
    """
    traffic = deployment.traffic
    lengths = traffic and (traffic.prompt_tokens, traffic.output_tokens)
    served = deployment.model, deployment.quant, deployment.backend, deployment.backend_version
    hardware = deployment.gpu, deployment.gpus_per_replica, deployment.provider
    search = deployment.serving, deployment.alternatives
    return repr((*served, *hardware, *search, lengths, traffic))


def _outlook(
    checked: Checked, headroom: Estimate, search: Search, context: Context
) -> tuple[Finding, ...]:
    """What else is worth a note where the deployment passes, with nothing waived."""
    if checked.verdict != "pass" or checked.silenced:
        return ()
    deployment = checked.resolved.deployment
    remarks = outlook.check(
        deployment,
        usd_month=checked.forecast.cost.usd_month,
        headroom_rps=headroom,
        alternatives=search.alternatives,
    )
    return settled(remarks, deployment, context.policy(deployment), context.today)
