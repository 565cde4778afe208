"""Every deployment of a run against its counterpart on base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from capcheck.compare.diff import added, diff, edited_since
from capcheck.compare.pairing import pair
from capcheck.finding import worst
from capcheck.judge import Checked, Context, judge
from capcheck.manifest.load import Entry
from capcheck.policy.settle import settled, silenced
from capcheck.report.model import DeploymentReport
from capcheck.rules.change import cost_increase


class Check(Protocol):
    """Checks a deployment, with the search for alternatives or without."""

    def __call__(self, entry: Entry, *, search: bool) -> DeploymentReport:
        """Everything said about it."""


def compare(
    heads: Sequence[Entry], bases: Sequence[Entry], context: Context, check_head: Check
) -> tuple[tuple[DeploymentReport, ...], tuple[Entry, ...]]:
    """The deployments of head as they stand against base, and those that only base has.

    What is unchanged is judged all the same, without a search.
    """
    pairs = pair(heads, bases)
    judged = (_against(head, base, context, check_head) for head, base in pairs.paired)
    return tuple(judged), pairs.removed


def _against(
    head: Entry, base: Entry | None, context: Context, check_head: Check
) -> DeploymentReport:
    if base is None:
        report = check_head(head, search=True)
        return replace(report, change=added(_checked(report)))
    both = edited_since(base, head)
    report = check_head(both.judged, search=both.kind != "unchanged")
    now = _checked(report)
    before = now if both.kind == "unchanged" else judge_entry(base, context)
    now = _with_increase(now, before, context)
    change, placed = diff(
        both,
        now,
        before,
        partial(judge_entry, context=context),
        settle=partial(
            settled,
            deployment=now.resolved.deployment,
            policy=context.policy(now.resolved.deployment),
            today=context.today,
        ),
    )
    return replace(report, findings=placed.findings, verdict=placed.verdict, change=change)


def _with_increase(now: Checked, before: Checked, context: Context) -> Checked:
    """Head, with the finding that it costs too much more than base, if it does."""
    deployment = now.resolved.deployment
    found = cost_increase(
        deployment,
        base=before.forecast.cost.usd_month_max,
        head=now.forecast.cost.usd_month_max,
    )
    if found is None:
        return now
    counting = settled((found,), deployment, context.policy(deployment), context.today)
    return replace(
        now,
        findings=(*now.findings, *counting),
        verdict=worst(now.verdict, *(one.verdict for one in counting)),
        silenced=now.silenced | silenced((found,), counting),
    )


def judge_entry(entry: Entry, context: Context) -> Checked:
    """Judge a deployment as stated, without a search."""
    return judge(entry.deployment(), context)


def _checked(report: DeploymentReport) -> Checked:
    return Checked(
        resolved=report.resolved,
        forecast=report.forecast,
        gates=report.gates,
        findings=report.findings,
        verdict=report.verdict,
        silenced=report.silenced,
    )
