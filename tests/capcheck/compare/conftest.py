"""Deployments as entries of a manifest, and a judge whose figures the tests choose."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from capcheck.estimate import exact, unknown
from capcheck.finding import Finding, Gate, worst
from capcheck.judge import Checked
from capcheck.manifest.load import Entry, entries
from capcheck.resolution.resolved import Resolved
from capcheck.rules.case import beyond, judge

PLAIN = "model: m, gpu: g"


def entry(fields: str = PLAIN, *, name: str = "chat", path: str = "a.yaml") -> Entry:
    """One deployment, its fields in flow style."""
    text = f"version: 1\ndeployments:\n  {name}: {{{fields}}}\n"
    (one,) = entries(text.encode(), path)
    return one


def judged(one: Entry, latency_ms: float | None, limit_ms: float | None, why: str = "") -> Checked:
    """With a gate on the latency, and a finding where it does not pass; None is unknown."""
    deployment = one.deployment()
    gates: dict[str, Gate] = {}
    findings: list[Finding] = []
    if limit_ms is not None:
        estimate = unknown(why) if latency_ms is None else exact(latency_ms, "")
        place = deployment.at("/slo/latency_p95")
        verdict = judge(estimate, limit_ms, "max")
        gates["latency"] = Gate(
            "latency", verdict, estimate, limit_ms, "max", "ms", place, "p95 latency"
        )
        if verdict != "pass":
            rule = {"fail": "latency-over-limit", "borderline": "latency-over-limit"}
            findings.append(
                Finding(
                    rule=rule.get(verdict, "not-calibrated"),
                    severity="error",
                    verdict=verdict,
                    message=f"{latency_ms} against {limit_ms}",
                    place=place,
                    gate="latency",
                    subject="latency_p95",
                    beyond=beyond(estimate, limit_ms, "max"),
                )
            )
    return Checked(
        resolved=cast("Resolved", SimpleNamespace(deployment=deployment)),
        forecast=cast("Any", None),
        gates=gates,
        findings=tuple(findings),
        verdict=worst(*(gate.verdict for gate in gates.values())),
    )


Figure = Callable[[Mapping[str, Any]], float | None]


def judge_by(figure: Figure) -> Callable[[Entry], Checked]:
    """A judge whose latency is a function of the stated values."""

    def of(one: Entry) -> Checked:
        values = one.stated.values
        return judged(one, figure(values), values.get("/slo/latency_p95"))

    return of
