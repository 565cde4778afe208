"""What a rule looks at, and how an estimate is held against a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date
from typing import Literal

from capcheck.estimate import Estimate
from capcheck.finding import Finding, Gate, Verdict, worst
from capcheck.manifest.deployment import Deployment
from capcheck.numbers import amount, interval
from capcheck.policy.model import EMPTY, Policy
from capcheck.predict.forecast import Forecast
from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved

# A price times hours times GPUs is the sum that is stated but for its last bits.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Case:
    """One deployment with its forecast.

    `explained` names the gates whose missing figures an earlier finding already accounts for: one
    cause gives one blocking finding. `gates` are those judged, once all are. `policy` is the
    organisation's, whose limits `deployment` has already.
    """

    resolved: Resolved
    forecast: Forecast
    today: date
    explained: frozenset[str]
    gates: Mapping[str, Gate] = field(default_factory=dict)
    policy: Policy = EMPTY

    @property
    def deployment(self) -> Deployment:
        """The manifest entry that is judged."""
        return self.resolved.deployment


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule module hands back: the gates it judged, and its findings."""

    gates: tuple[Gate, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit that the manifest states, the estimate it holds against, and how to report it.

    `rule` names the finding when the limit is or may be broken, `unknown_rule` when there is no
    estimate. `related` are pointers of the setting behind the estimate, the first stated one is
    shown.
    """

    label: str
    estimate: Estimate
    limit: float
    sense: Literal["max", "min"]
    unit: str
    pointer: str
    rule: str
    fix: str
    unknown_rule: str = "not-calibrated"
    related: tuple[str, ...] = ()


def judge(estimate: Estimate, limit: float, sense: Literal["max", "min"]) -> Verdict:
    """Hold an interval against a limit.

    pass: the whole interval is inside; fail: all of it is outside; borderline: the limit lies in
    it; cannot-predict: there is no value. A queue that never empties has no value but surely fails.
    """
    if estimate.value is None:
        return "fail" if is_unstable(estimate) else "cannot-predict"
    low = estimate.value if estimate.low is None else estimate.low
    high = float("inf") if estimate.high is None else estimate.high
    if sense == "min":
        low, high, limit = -high, -low, -limit
    limit += abs(limit) * ROUNDING
    if high <= limit:
        return "pass"
    return "fail" if low > limit else "borderline"


def is_unstable(estimate: Estimate) -> bool:
    """More work arrives than the server can do: the wait grows without end."""
    return estimate.value is None and estimate.basis.startswith("unstable")


def hold(case: Case, name: str, limits: Sequence[Limit]) -> Judgement:
    """Judge all limits of one gate; the gate shows the worst of them, findings name each."""
    if not limits:
        return Judgement()
    judged = [(limit, _gate(case, name, limit)) for limit in limits]
    verdict = worst(*(gate.verdict for _, gate in judged))
    deciding = next(gate for _, gate in judged if gate.verdict == verdict)
    findings = (_finding(case, limit, gate) for limit, gate in judged)
    return Judgement((deciding,), tuple(found for found in findings if found is not None))


def _gate(case: Case, name: str, limit: Limit) -> Gate:
    return Gate(
        name=name,
        verdict=judge(limit.estimate, limit.limit, limit.sense),
        estimate=limit.estimate,
        limit=limit.limit,
        sense=limit.sense,
        unit=limit.unit,
        place=case.deployment.at(limit.pointer),
        label=limit.label,
    )


def _finding(case: Case, limit: Limit, gate: Gate) -> Finding | None:
    """None when the limit holds, or when an earlier finding already names the cause."""
    place = case.deployment.at(limit.pointer)
    if gate.verdict == "pass" or is_unstable(limit.estimate):
        return None
    if gate.verdict == "cannot-predict":
        if gate.name in case.explained:
            return None
        message = f"{limit.label} cannot be predicted: {limit.estimate.basis}"
        return Finding(
            rule=limit.unknown_rule,
            severity="error",
            verdict=gate.verdict,
            message=message,
            place=place,
            gate=gate.name,
            subject=_subject(limit),
        )
    surely = gate.verdict == "fail"
    if limit.sense == "max":
        verb = "exceeds" if surely else "may exceed"
    else:
        verb = "is below" if surely else "may be below"
    return Finding(
        rule=limit.rule,
        severity="error" if surely else "warning",
        verdict=gate.verdict,
        message=(
            f"{limit.label} {interval(limit.estimate, limit.unit)} {verb} "
            f"{amount(limit.limit, limit.unit)}"
        ),
        place=place,
        fix=limit.fix,
        related=case.deployment.at(*limit.related) if limit.related else None,
        gate=gate.name,
        subject=_subject(limit),
        beyond=beyond(limit.estimate, limit.limit, limit.sense),
    )


def beyond(estimate: Estimate, limit: float, sense: Literal["max", "min"]) -> float | None:
    """The figure over its limit, of a minimum the reverse; None when there is no such ratio."""
    over, under = (estimate.value, limit) if sense == "max" else (limit, estimate.value)
    return over / under if over is not None and under else None


def _subject(limit: Limit) -> str:
    return limit.pointer.rpartition("/")[2]
