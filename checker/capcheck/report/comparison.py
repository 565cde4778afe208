"""The part of the document that says what changed since base; empty where no base was asked."""

from __future__ import annotations

from capcheck.compare.fingerprint import fingerprints
from capcheck.compare.model import Cause, Change, Edit, LimitChange, Mark
from capcheck.finding import RECORDED, Finding, Waiver
from capcheck.judge import Checked
from capcheck.place import Place
from capcheck.report import document
from capcheck.report.leaves import forecast, gate, rounded, spot
from capcheck.report.model import DeploymentReport, Report

Named = tuple[Finding, DeploymentReport]


def counts(report: Report) -> dict[str, int]:
    """Deployments and findings by what became of them; all 0 without a base."""
    changes = [entry.change for entry in report.deployments if entry.change]
    everything = [found for entry in report.deployments for found in entry.findings]
    everything += report.findings
    marks = [mark for change in changes for mark in change.marks.values()]
    return {
        "changed": sum(change.kind != "unchanged" for change in changes),
        "new_findings": sum(mark.standing != "unchanged" for mark in marks),
        "fixed_findings": sum(len(change.fixed) for change in changes),
        "failing_on_base": sum(
            entry.verdict in report.fail_on and not is_blocking(entry, report)
            for entry in report.deployments
        ),
        "waived": sum(found.waived is not None for found in everything),
        "recorded": sum(
            found.waived is not None and found.waived.id == RECORDED for found in everything
        ),
    }


def is_blocking(entry: DeploymentReport, report: Report) -> bool:
    """Whether this deployment makes the run fail."""
    return entry.deciding in report.fail_on


def usd_month_delta(entry: DeploymentReport) -> float | None:
    """What the change adds to a month's bill; all of it for an added deployment."""
    head = entry.forecast.cost.usd_month.value
    if entry.change is None or head is None:
        return None
    if entry.change.base is None:
        return rounded(head)
    base = entry.change.base.forecast.cost.usd_month.value
    return None if base is None else rounded(head - base)


def of_base(report: Report) -> list[Checked]:
    """The deployments of base that the comparison is about, removed ones last."""
    if report.comparison is None:
        return []
    paired = [entry.change.base for entry in report.deployments if entry.change]
    return [*filter(None, paired), *report.comparison.removed]


def of_deployment(entry: DeploymentReport, report: Report) -> document.DeploymentChange:
    """How one deployment stands against base."""
    change = entry.change
    return {
        "change": change.kind if change else None,
        "edits": [_edit(edit) for edit in change.edits] if change else [],
        "base": _base(change.base) if change and change.base else None,
        "usd_month_delta": usd_month_delta(entry),
        "cause": _cause(change.cause) if change and change.cause else None,
        "blocking": is_blocking(entry, report),
    }


def of_finding(found: Finding, change: Change | None, fingerprint: str) -> document.FindingChange:
    """How one finding stands against base."""
    mark = change.marks.get(found, Mark("new")) if change else None
    return {
        "fingerprint": fingerprint,
        "gate": found.gate,
        "change": mark.standing if mark else None,
        "cause": _cause(mark.cause) if mark and mark.cause else None,
        "waived": _waiver(found.waived) if found.waived else None,
    }


def limits_of_policy(report: Report) -> list[document.LimitChange]:
    """What the change loosens in the policy itself."""
    return [_limit(limit, limit.place.path) for limit in report.limits_changed]


def limits_changed(report: Report) -> list[document.LimitChange]:
    """Every loosened limit, in the order of the deployments."""
    return [
        _limit(limit, entry.resolved.deployment.path)
        for entry in report.deployments
        if entry.change
        for limit in entry.change.loosened
    ]


def fixed(report: Report) -> list[document.Fixed]:
    """The findings of base that are gone from deployments that are still there."""
    gone = [
        (found, entry.change.base.resolved.deployment)
        for entry in report.deployments
        if entry.change and entry.change.base
        for found in entry.change.fixed
    ]
    return [
        {
            "fingerprint": fingerprint,
            "rule": found.rule,
            "deployment": deployment.name,
            "path": deployment.path,
            "message": found.message,
        }
        for (found, deployment), fingerprint in zip(gone, fingerprints(gone), strict=True)
    ]


def removed(report: Report) -> list[document.Removed]:
    """The deployments that only base has."""
    comparison = report.comparison
    return [
        {
            "name": one.resolved.deployment.name,
            "path": one.resolved.deployment.path,
            "usd_month": rounded(one.forecast.cost.usd_month.value),
        }
        for one in (comparison.removed if comparison else ())
    ]


def _base(base: Checked) -> document.Base:
    return {
        "name": base.resolved.deployment.name,
        "path": base.resolved.deployment.path,
        "verdict": base.verdict,
        "forecast": forecast(base.forecast),
        "gates": {name: gate(one) for name, one in base.gates.items()},
    }


def _edit(edit: Edit) -> document.Difference:
    return {
        "pointer": edit.pointer,
        "base": edit.base,
        "head": edit.head,
        "place": spot(edit.place),
    }


def _waiver(waiver: Waiver) -> document.Waiver:
    return {
        "id": waiver.id,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires,
    }


def _cause(cause: Cause) -> document.Cause:
    return {**_edit(cause.edit), "gate": cause.gate, "message": cause.message}


def _limit(limit: LimitChange, path: str) -> document.LimitChange:
    place: Place = limit.place
    return {
        "deployment": limit.deployment,
        "path": path,
        "pointer": limit.pointer,
        "base": limit.base,
        "head": limit.head,
        "place": spot(place),
        "message": limit.message,
    }
