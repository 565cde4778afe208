"""An organisation's own rules: a template and its parameters, no expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capcheck.estimate import Estimate
from capcheck.finding import Finding, Gate, Verdict, worst
from capcheck.policy.figures import figure
from capcheck.policy.model import OwnRule
from capcheck.rules.case import Case, Judgement, beyond, judge
from capcheck.rules.organisation import states


def check(case: Case) -> Judgement:
    """Gate `custom`, where an own rule is about the deployment; a finding for each that it breaks.

    The gate shows the say of the rules that are errors; the others are remarks.
    """
    rules = [rule for rule in case.policy.rules if rule.scope.covers(case.deployment)]
    if not rules:
        return Judgement()
    known = _figures(case) if any(rule.limit for rule in rules) else {}
    findings = tuple(found for rule in rules for found in _judged(rule, case, known))
    verdict = worst(*(found.verdict for found in findings))
    place = next((found.place for found in findings if found.verdict == verdict), None)
    return Judgement((Gate("custom", verdict, None, None, None, "", place, "own rules"),), findings)


def _figures(case: Case) -> Mapping[str, Any]:
    # The report's room builds on this one.
    from capcheck.report.facts import facts
    from capcheck.report.leaves import forecast, gate

    return {
        "forecast": forecast(case.forecast),
        "gates": {name: gate(one) for name, one in case.gates.items()},
        "resolved": facts(case.resolved),
    }


def _judged(rule: OwnRule, case: Case, known: Mapping[str, Any]) -> Iterator[Finding]:
    if rule.limit is not None:
        yield from _limit(rule, case, known)
    deployment = case.deployment
    for pointer in rule.required:
        if not states(deployment, pointer):
            yield _finding(rule, case, "fail", f"{_dotted(pointer)} is not stated", pointer)
    for pointer, values in rule.allowed.items():
        value = _stated(case, pointer)
        if value is not None and value not in values:
            allowed = ", ".join(map(str, values))
            said = f"{_dotted(pointer)} is {value}, allowed: {allowed}"
            yield _finding(rule, case, "fail", said[:200], pointer)


def _limit(rule: OwnRule, case: Case, known: Mapping[str, Any]) -> Iterator[Finding]:
    """An interval is held against the limit as a manifest's is; equality only against a value."""
    assert rule.limit is not None  # noqa: S101
    found = figure(rule.limit, known)
    if found is None or found.value is None:
        why = "the report has no such figure here" if found is None else found.basis
        yield _finding(rule, case, "cannot-predict", f"{rule.limit} is unknown: {why}", "")
        return
    shown = f"{rule.limit} is {_shown(found)}, must be {rule.op} {rule.value:.4g}"
    if rule.op in ("==", "!="):
        if (found.value == rule.value) != (rule.op == "=="):
            yield _finding(rule, case, "fail", shown, "")
        return
    sense, edge = ("max", rule.op == "<") if rule.op[0] == "<" else ("min", rule.op == ">")
    verdict = judge(found, rule.value, "max" if sense == "max" else "min")
    if verdict == "pass" and edge and rule.value in (found.low, found.value, found.high):
        verdict = "fail" if found.low == found.high else "borderline"
    if verdict != "pass":
        ratio = beyond(found, rule.value, "max" if sense == "max" else "min")
        yield _finding(rule, case, verdict, shown, "", ratio)


def _shown(found: Estimate) -> str:
    """`14.2 (12.6–15.6)`; a plain number has no interval. The pointer's name has the unit."""
    if found.low == found.high:
        return f"{found.value:.4g}"
    high = "" if found.high is None else f"{found.high:.4g}"
    return f"{found.value:.4g} ({found.low:.4g}–{high or 'more'})"


def _finding(
    rule: OwnRule,
    case: Case,
    verdict: Verdict,
    why: str,
    pointer: str,
    ratio: float | None = None,
) -> Finding:
    is_error = rule.severity == "error"
    return Finding(
        rule=rule.id,
        severity="warning" if is_error and verdict == "borderline" else rule.severity,
        verdict=verdict if is_error else "pass",
        message=f"{rule.message} ({why})",
        place=case.deployment.at(pointer),
        related=rule.place,
        fix=rule.fix,
        gate="custom",
        subject=_dotted(pointer) or rule.id,
        beyond=ratio,
    )


def _dotted(pointer: str) -> str:
    return pointer[1:].replace("/", ".")


def _stated(case: Case, pointer: str) -> object:
    """What the manifest states; None where it does not, or where a map stands."""
    node: Any = case.deployment
    if not states(case.deployment, pointer):
        return None
    for part in pointer[1:].split("/"):
        node = getattr(node, part, None)
    return node if isinstance(node, str | int | float | bool) else None
