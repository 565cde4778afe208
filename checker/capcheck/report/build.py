"""From the report's dataclasses to the JSON document that every format renders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from capcheck import __version__
from capcheck.errors import Problem
from capcheck.estimate import PROVENANCES, Estimate, unknown
from capcheck.exit_codes import exit_code
from capcheck.finding import SEVERITIES, VERDICTS, Finding, Gate, Severity, Verdict, worst
from capcheck.place import Place
from capcheck.predict.forecast import Distribution, Forecast, Memory, Quality
from capcheck.report import document
from capcheck.report.facts import facts
from capcheck.report.model import DeploymentReport, Report
from capcheck.search.alternative import Alternative

SCHEMA = "capcheck.report/v1"

# Every interval in a report covers this share of cases.
INTERVAL = 0.9


def to_document(report: Report, *, allow_empty: bool = False) -> document.Document:
    """The whole report as plain JSON values.

    Figures have six significant digits and are never NaN or infinite, so that the same report gives
    the same bytes everywhere; the values of edits are exact. `allow_empty` accepts finding nothing.
    """
    findings = [
        (found, deployment.resolved.deployment.name)
        for deployment in report.deployments
        for found in deployment.findings
    ]
    findings.sort(key=lambda pair: _order(pair[0]))
    return {
        "schema": SCHEMA,
        "tool": {"name": "capcheck", "version": __version__},
        "run": {
            "created": report.created,
            "fail_on": list(report.fail_on),
            "interval": INTERVAL,
            "data": dict(report.data),
        },
        "verdict": _overall(report, allow_empty=allow_empty),
        "exit_code": int(exit_code(report, allow_empty=allow_empty)),
        "counts": _counts(report),
        "usd_month": _fleet([entry.forecast.cost.usd_month for entry in report.deployments]),
        "deployments": [_deployment(entry) for entry in report.deployments],
        "findings": [{**_finding(found), "deployment": name} for found, name in findings],
        "problems": [_problem(problem) for problem in report.problems],
    }


def _overall(report: Report, *, allow_empty: bool) -> Verdict:
    """The worst deployment's; what could not be read could not be predicted either."""
    unread = report.problems or not (report.files or allow_empty)
    verdicts = [deployment.verdict for deployment in report.deployments]
    return worst(*verdicts, "cannot-predict" if unread else "pass")


def _counts(report: Report) -> dict[str, int]:
    verdicts = [deployment.verdict for deployment in report.deployments]
    severities = [found.severity for entry in report.deployments for found in entry.findings]
    plural: dict[Severity, str] = {"error": "errors", "warning": "warnings", "note": "notes"}
    return {
        "files": report.files,
        "deployments": len(verdicts),
        "problems": len(report.problems),
        **{verdict: verdicts.count(verdict) for verdict in VERDICTS},
        **{plural[severity]: severities.count(severity) for severity in SEVERITIES},
    }


def _fleet(bills: Sequence[Estimate]) -> document.FleetCost:
    """The sum with its ends added: prices err together, so nothing averages out."""
    priced = [bill for bill in bills if bill.value is not None]
    unpriced = len(bills) - len(priced)
    subtotal = Estimate(
        value=sum(bill.value or 0.0 for bill in priced),
        low=_sum(bill.low for bill in priced),
        high=_sum(bill.high for bill in priced),
        provenance=max(
            (bill.provenance for bill in priced), key=PROVENANCES.index, default="derived"
        ),
        basis=f"sum over {len(bills)} deployments",
    )
    total = subtotal
    if unpriced:
        why = f"{unpriced} of {len(bills)} deployments have no price"
        total = Estimate(None, None, None, "unknown", why)
    return {
        **_leaf(total),
        "subtotal": _round(subtotal.value) or 0.0,
        "unpriced": unpriced,
    }


def _sum(ends: Iterable[float | None]) -> float | None:
    total = 0.0
    for end in ends:
        if end is None:
            return None
        total += end
    return total


def _deployment(entry: DeploymentReport) -> document.Deployment:
    stated = entry.resolved.deployment
    return {
        "name": stated.name,
        "path": stated.path,
        "place": _spot(stated.place),
        "resolved": facts(entry.resolved),
        "forecast": _forecast(entry.forecast),
        "headroom_rps": _leaf(entry.headroom_rps),
        "verdict": entry.verdict,
        "gates": {name: _gate(gate) for name, gate in entry.gates.items()},
        "findings": [_finding(found) for found in sorted(entry.findings, key=_order)],
        "alternatives": [_alternative(found) for found in entry.alternatives],
        "near_misses": [_alternative(found) for found in entry.near_misses],
        "nothing_passes": entry.nothing_passes,
    }


def _forecast(forecast: Forecast) -> document.Forecast:
    memory, load, cost = forecast.memory, forecast.load, forecast.cost
    return {
        "vram_gib": _vram(memory),
        "kv_cache_tokens": _leaf(memory.kv_cache_tokens),
        "max_concurrent_sequences": _leaf(memory.max_concurrent_sequences),
        "decode_tok_s": _leaf(forecast.decode_tok_s),
        "prefill_tok_s": _leaf(forecast.prefill_tok_s),
        "throughput_tok_s": _leaf(load.throughput_tok_s),
        "capacity_tok_s": _leaf(load.capacity_tok_s),
        "saturation_rps": _leaf(load.saturation_rps),
        "goodput_rps": _leaf(load.goodput_rps),
        "utilisation": _leaf(load.utilisation),
        "agent_tok_s": _leaf(load.agent_tok_s),
        "scaling_efficiency": _leaf(load.scaling_efficiency),
        "ttft_ms": _percentiles(load.ttft_ms),
        "tpot_ms": _percentiles(load.tpot_ms),
        "latency_ms": _percentiles(load.latency_ms),
        "latency_parts_ms": {
            name: _round(part) or 0.0 for name, part in load.latency_parts_ms.items()
        },
        "quality": _quality(forecast.quality),
        "usd_month": _leaf(cost.usd_month),
        "usd_per_million_tokens": _leaf(cost.usd_per_million_tokens),
        "usd_per_million_tokens_at_capacity": _leaf(cost.usd_per_million_tokens_at_capacity),
    }


def _leaf(estimate: Estimate) -> document.Leaf:
    value = _round(estimate.value)
    return {
        "value": value,
        "low": None if value is None else _round(estimate.low),
        "high": None if value is None else _round(estimate.high),
        "provenance": "unknown" if value is None else estimate.provenance,
        "basis": estimate.basis,
    }


def _vram(memory: Memory) -> document.Vram:
    parts = {name: _round(size) or 0.0 for name, size in memory.parts.items()}
    return {**_leaf(memory.needed), "parts": parts, "usable": _leaf(memory.usable)}


def _quality(quality: Quality) -> document.Quality:
    return {
        **_leaf(quality.score),
        "benchmark": quality.benchmark,
        "tier": quality.tier,
        "n_items": quality.n_items,
        "reference": _leaf(quality.reference),
        "drop": _leaf(quality.drop),
    }


def _percentiles(distribution: Distribution) -> document.Percentiles:
    return {
        "mean": _leaf(distribution.mean),
        "p50": _leaf(distribution.p50),
        "p90": _leaf(distribution.p90),
        "p95": _leaf(distribution.p95),
        "p99": _leaf(distribution.p99),
    }


def _gate(gate: Gate) -> document.Gate:
    leaf = _leaf(gate.estimate or unknown(""))
    return {
        **leaf,
        "verdict": gate.verdict,
        "label": gate.label,
        "limit": _round(gate.limit),
        "sense": gate.sense,
        "unit": gate.unit,
        "place": None if gate.place is None else _spot(gate.place),
    }


def _finding(found: Finding) -> document.Finding:
    return {
        **_spot(found.place),
        "rule": found.rule,
        "severity": found.severity,
        "verdict": found.verdict,
        "message": found.message,
        "fix": found.fix,
        "related": None if found.related is None else _spot(found.related),
    }


def _order(found: Finding) -> tuple[int, int, str, int, int, str]:
    """Severity, verdict (worst first), then place and rule."""
    return (
        SEVERITIES.index(found.severity),
        -VERDICTS.index(found.verdict),
        found.place.path,
        found.place.line,
        found.place.column,
        found.rule,
    )


def _alternative(found: Alternative) -> document.Alternative:
    return {
        "edits": [
            {
                "pointer": edit.pointer,
                "value": _exact(edit.value),
                "previous": _exact(edit.previous),
            }
            for edit in found.edits
        ],
        "verdict": found.verdict,
        "forecast": _forecast(found.forecast),
        "gates": {gate.name: _gate(gate) for gate in found.gates},
        "usd_month": _round(found.usd_month),
        "saving_usd_month": _round(found.saving_usd_month),
        "needs": list(found.needs),
        "binding": found.binding,
    }


def _problem(problem: Problem) -> document.Problem:
    return {
        **_spot(problem.place),
        "code": problem.code,
        "found": problem.found,
        "expected": problem.expected,
        "nearest": problem.nearest,
    }


def _spot(place: Place) -> document.Spot:
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_column": place.end_column,
    }


def _exact(value: document.Scalar) -> document.Scalar:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _round(value: float | None) -> float | None:
    """Six significant digits; None for what JSON cannot say (NaN and infinity)."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
