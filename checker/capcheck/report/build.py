"""From the report's dataclasses to the JSON document that every format renders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from capcheck import __version__
from capcheck.compare.fingerprint import fingerprints
from capcheck.compare.model import COMPARED
from capcheck.errors import Problem
from capcheck.estimate import PROVENANCES, Estimate, unknown
from capcheck.exit_codes import exit_code
from capcheck.finding import SEVERITIES, VERDICTS, Finding, Severity, Verdict, worst
from capcheck.manifest.native.missing import missing
from capcheck.report import comparison, document, ways
from capcheck.report.facts import facts
from capcheck.report.leaves import forecast, gate, leaf, rounded, spot
from capcheck.report.model import DeploymentReport, Report

SCHEMA = "capcheck.report/v1"

# Every interval in a report covers this share of cases.
INTERVAL = 0.9


def to_document(report: Report, *, allow_empty: bool = False) -> document.Document:
    """The whole report as plain JSON values.

    Figures have six significant digits and are never NaN or infinite, so that the same report gives
    the same bytes everywhere; the values of edits are exact. `allow_empty` accepts finding nothing.
    """
    findings = _findings(report)
    against = report.comparison
    return {
        "schema": SCHEMA,
        "tool": {"name": "capcheck", "version": __version__},
        "run": {
            "created": report.created,
            "fail_on": list(report.fail_on),
            "interval": INTERVAL,
            "data": dict(report.data),
            "base": against.base if against else None,
            "head": against.head if against else None,
            "comparison": against.status if against else None,
            "policy": _policy(report),
        },
        "verdict": _overall(report, allow_empty=allow_empty),
        "exit_code": int(exit_code(report, allow_empty=allow_empty)),
        "counts": {**_counts(report), **comparison.counts(report)},
        "usd_month": _usd_month(report),
        "limits_changed": [
            *comparison.limits_of_policy(report),
            *comparison.limits_changed(report),
        ],
        "deployments": [
            _deployment(entry, own, report)
            for entry, own in zip(report.deployments, findings, strict=True)
        ],
        "findings": sorted(
            (
                *(
                    document.NamedFinding(**found, deployment=entry.resolved.deployment.name)
                    for entry, own in zip(report.deployments, findings, strict=True)
                    for found in own
                ),
                *_about_the_run(report),
            ),
            key=_order,
        ),
        "fixed": comparison.fixed(report),
        "removed": comparison.removed(report),
        "problems": [_problem(problem, report) for problem in report.problems],
        "draft": report.draft,
        "plan": None if report.plan is None else ways.plan(report.plan),
    }


def _overall(report: Report, *, allow_empty: bool) -> Verdict:
    """The worst deployment's, as far as it is new; what was not read was not predicted either."""
    unread = report.problems or not (report.files or allow_empty)
    verdicts = [deployment.deciding for deployment in report.deployments]
    verdicts += [found.verdict for found in report.findings]
    return worst(*verdicts, "cannot-predict" if unread else "pass")


def _counts(report: Report) -> dict[str, int]:
    verdicts = [deployment.verdict for deployment in report.deployments]
    severities = [found.severity for entry in report.deployments for found in entry.findings]
    severities += [found.severity for found in report.findings]
    plural: dict[Severity, str] = {"error": "errors", "warning": "warnings", "note": "notes"}
    return {
        "files": report.files,
        "deployments": len(verdicts),
        "problems": len(report.problems),
        **{verdict: verdicts.count(verdict) for verdict in VERDICTS},
        **{plural[severity]: severities.count(severity) for severity in SEVERITIES},
    }


def _usd_month(report: Report) -> document.FleetCost:
    bills = [entry.forecast.cost.usd_month for entry in report.deployments]
    head, base, delta = _sum_of_bills(bills), None, None
    if report.comparison is not None and report.comparison.status == COMPARED:
        base = _sum_of_bills([one.forecast.cost.usd_month for one in comparison.of_base(report)])
        if head.value is not None and base.value is not None:
            delta = rounded(head.value - base.value)
    return {
        **leaf(head),
        "subtotal": rounded(sum(bill.value or 0.0 for bill in bills)) or 0.0,
        "unpriced": _unpriced(bills),
        "base": None if base is None else leaf(base),
        "delta": delta,
    }


def _sum_of_bills(bills: Sequence[Estimate]) -> Estimate:
    """With its ends added: prices err together, so nothing averages out."""
    unpriced = _unpriced(bills)
    if unpriced:
        why = f"{unpriced} of {len(bills)} deployments have no price"
        return unknown(why)
    return Estimate(
        value=sum(bill.value or 0.0 for bill in bills),
        low=_sum(bill.low for bill in bills),
        high=_sum(bill.high for bill in bills),
        provenance=max(
            (bill.provenance for bill in bills), key=PROVENANCES.index, default="derived"
        ),
        basis=f"sum over {len(bills)} deployments",
    )


def _unpriced(bills: Sequence[Estimate]) -> int:
    return sum(bill.value is None for bill in bills)


def _sum(ends: Iterable[float | None]) -> float | None:
    total = 0.0
    for end in ends:
        if end is None:
            return None
        total += end
    return total


def ordered(entry: DeploymentReport) -> list[Finding]:
    """The findings of a deployment as every output lists them, which numbers equal ones too."""
    return sorted(entry.findings, key=lambda found: _order(_finding(found)))


def _findings(report: Report) -> list[list[document.Finding]]:
    """Those of each deployment in turn, in the order of every output."""
    own = [(entry, ordered(entry)) for entry in report.deployments]
    unique = iter(
        fingerprints((found, entry.resolved.deployment) for entry, ones in own for found in ones)
    )
    return [
        [
            {**_finding(found), **comparison.of_finding(found, entry.change, next(unique))}
            for found in ones
        ]
        for entry, ones in own
    ]


def _about_the_run(report: Report) -> list[document.NamedFinding]:
    """Findings of no deployment: they stand in the policy."""
    return [
        document.NamedFinding(
            **_finding(found),
            **comparison.of_finding(found, None, f"{found.rule}//{found.subject or ''}"),
            deployment="",
        )
        for found in report.findings
    ]


def _policy(report: Report) -> document.Policy | None:
    source = report.policy
    return None if source is None else {"path": source.path, "sha256": source.sha256}


def _deployment(
    entry: DeploymentReport, findings: list[document.Finding], report: Report
) -> document.Deployment:
    stated = entry.resolved.deployment
    return {
        "name": stated.name,
        "path": stated.path,
        "place": spot(stated.place),
        "resolved": facts(entry.resolved),
        "forecast": forecast(entry.forecast),
        "headroom_rps": leaf(entry.headroom_rps),
        "verdict": entry.verdict,
        "gates": {name: gate(judged) for name, judged in entry.gates.items()},
        "findings": findings,
        "alternatives": [ways.alternative(found, stated.path) for found in entry.alternatives],
        "near_misses": [ways.alternative(found, stated.path) for found in entry.near_misses],
        "nothing_passes": entry.nothing_passes,
        "relaxations": [ways.relaxation(found, stated.path) for found in entry.relaxations],
        "likely": ways.alternative(entry.likely, stated.path) if entry.likely else None,
        "pareto": ways.pareto(entry.front, stated.path),
        "why_not": [ways.alternative(found, stated.path) for found in entry.why_not],
        "economics": None if entry.economics is None else ways.economics(entry.economics),
        "patch": entry.patch,
        "missing": [
            {"fact": one.fact, "line": one.line, "reason": one.reason}
            for one in missing(stated.places, stated.native.blanks)
        ],
        **comparison.of_deployment(entry, report),
    }


def _finding(found: Finding) -> document.Statement:
    return {
        **spot(found.place),
        "rule": found.rule,
        "severity": found.severity,
        "verdict": found.verdict,
        "message": found.message,
        "fix": found.fix,
        "related": None if found.related is None else spot(found.related),
    }


def _order(found: document.Statement) -> tuple[int, int, str, int, int, str]:
    """Severity, verdict (worst first), then place and rule."""
    return (
        SEVERITIES.index(found["severity"]),
        -VERDICTS.index(found["verdict"]),
        found["path"],
        found["line"],
        found["column"],
        found["rule"],
    )


def _problem(problem: Problem, report: Report) -> document.Problem:
    compared = report.comparison
    return {
        **spot(problem.place),
        "code": problem.code,
        "found": problem.found,
        "expected": problem.expected,
        "nearest": problem.nearest,
        "on_base": compared is not None and problem.place.path in compared.unread,
    }
