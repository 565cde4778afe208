"""What the search and the headroom say about a deployment that passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capcheck.estimate import Estimate
from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.numbers import amount
from capcheck.rules.rule import Rule
from capcheck.search.alternative import Alternative

# A smaller saving is within what prices move between two lists.
WORTH_SAVING = 0.2
FACTOR = 1.2

RULES = (
    Rule(
        id="cheaper-alternative",
        title="Another configuration keeps every limit for much less",
        severity="note",
        why="The difference is paid every month.",
        how=(
            "The deployment passes, and the search found a configuration that surely passes for "
            "at least a fifth less."
        ),
        fix="Take the alternative that the finding names, or narrow `alternatives`.",
        failing="gpu: A100 80GB SXM",
        passing="gpu: A100 80GB SXM\nalternatives: {gpus: [A100 80GB SXM], quants: [BF16]}",
    ),
    Rule(
        id="headroom-below-factor",
        title="Little more traffic would break a limit",
        severity="note",
        why="Traffic grows, and a peak is above the mean.",
        how=(
            "The deployment passes, and the largest rate that surely keeps the limits on latency "
            "and utilisation is below 1.2 times the stated one."
        ),
        fix="One more replica, or a faster configuration.",
        failing="traffic: {requests_per_second: 0.275, profile: chat}",
        passing="traffic: {requests_per_second: 0.1, profile: chat}",
    ),
)


def check(
    deployment: Deployment,
    *,
    usd_month: Estimate,
    headroom_rps: Estimate,
    alternatives: Sequence[Alternative],
) -> Iterator[Finding]:
    """Findings cheaper-alternative and headroom-below-factor of a deployment that passes."""
    if alternatives:
        yield from _cheaper(deployment, usd_month, alternatives[0])
    yield from _headroom(deployment, headroom_rps)


def _cheaper(deployment: Deployment, usd_month: Estimate, best: Alternative) -> Iterator[Finding]:
    saving, today = best.saving_usd_month, usd_month.value
    if saving is None or not today or saving < WORTH_SAVING * today:
        return
    edits = {_field(edit.pointer): edit.value for edit in best.edits}
    said = ", ".join(
        f"{pointer[1:].replace('/', '.')}: {value}" for pointer, value in edits.items()
    )
    yield Finding(
        rule="cheaper-alternative",
        severity="note",
        verdict="pass",
        message=(
            f"{said} would keep every limit for {amount(today - saving, '$/month')} instead of "
            f"{amount(today, '$/month')}"
        ),
        place=deployment.at(*edits),
        fix=said,
    )


def _field(pointer: str) -> str:
    """From the deployment: `/deployments/chat/serving/max_num_seqs` as `/serving/max_num_seqs`."""
    _, _, inside = pointer.partition("/deployments/")
    return f"/{inside.partition('/')[2]}"


def _headroom(deployment: Deployment, headroom_rps: Estimate) -> Iterator[Finding]:
    rate = deployment.traffic.requests_per_second if deployment.traffic else None
    limited = deployment.slo.latency or deployment.slo.max_utilisation is not None
    if rate is None or headroom_rps.low is None or not limited:
        return
    if headroom_rps.low < FACTOR * rate:
        yield Finding(
            rule="headroom-below-factor",
            severity="note",
            verdict="pass",
            message=(
                f"above {amount(headroom_rps.low, 'requests/s')} a limit may break; "
                f"{amount(rate, 'requests/s')} are stated"
            ),
            place=deployment.at(
                "/traffic/requests_per_second/mean", "/traffic/requests_per_second"
            ),
            fix="one more replica, or a faster configuration",
        )
