"""Waivers against findings: what is covered today, what is back, what covers nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from capcheck.finding import Finding, Waiver
from capcheck.manifest.deployment import Deployment
from capcheck.policy.model import Policy, PolicyWaiver
from capcheck.rules.exceptions import waived

EXPIRING = timedelta(days=14)


def covered(
    findings: Iterable[Finding], deployment: Deployment, policy: Policy, today: date
) -> tuple[Finding, ...]:
    """The findings, waived where a waiver is in force; with waiver-expired where one has ended."""
    settled: list[Finding] = []
    ended: dict[str, Finding] = {}
    for found in findings:
        matching = [one for one in policy.waivers if one.covers(found.rule, deployment)]
        active = next((one for one in matching if is_active(one, policy, today)), None)
        if active is not None and found.waived is None:
            settled.append(waived(found, as_waiver(active)))
            continue
        over = next((one for one in matching if one.expires < today), None)
        if over is not None and found.severity != "note":
            settled.append(replace(found, related=found.related or over.place))
            ended.setdefault(over.id, _expired(over, found))
        else:
            settled.append(found)
    return (*settled, *ended.values())


def is_active(waiver: PolicyWaiver, policy: Policy, today: date) -> bool:
    """Not ended, and ending no later than the policy lets a waiver end."""
    if waiver.expires < today:
        return False
    return policy.max_waiver_days is None or (
        waiver.expires <= today + timedelta(days=policy.max_waiver_days)
    )


def as_waiver(waiver: PolicyWaiver) -> Waiver:
    """As a finding names it."""
    return Waiver(waiver.id, waiver.reason, waiver.owner, waiver.expires.isoformat())


def remarks(
    policy: Policy,
    judged: Sequence[tuple[Deployment, Sequence[Finding]]],
    today: date,
    environment: str | None,
) -> Iterator[Finding]:
    """Findings waiver-unused, waiver-expiring and waiver-too-long, about the whole run.

    A waiver for another environment than the one that is checked is not called unused.
    """
    for waiver in policy.waivers:
        used = any(
            waiver.covers(found.rule, deployment) for deployment, ones in judged for found in ones
        )
        if not used:
            if waiver.scope.environment in (None, environment):
                yield _unused(waiver)
        elif waiver.expires >= today and not is_active(waiver, policy, today):
            yield _too_long(waiver, policy)
        elif today <= waiver.expires <= today + EXPIRING:
            yield _expiring(waiver, (waiver.expires - today).days)


def _expired(waiver: PolicyWaiver, found: Finding) -> Finding:
    return Finding(
        rule="waiver-expired",
        severity="warning",
        verdict="pass",
        message=f"waiver {waiver.id} of {found.rule} ended on {waiver.expires}: it counts again",
        place=found.place,
        related=waiver.place,
        fix=f"mend what it covered, or let {waiver.owner} agree on a new end",
        subject=waiver.id,
    )


def _unused(waiver: PolicyWaiver) -> Finding:
    return Finding(
        rule="waiver-unused",
        severity="note",
        verdict="pass",
        message=f"waiver {waiver.id} covers nothing: no finding of {waiver.rule} that it is about",
        place=waiver.place,
        fix="remove the waiver",
        subject=waiver.id,
    )


def _expiring(waiver: PolicyWaiver, days: int) -> Finding:
    when = "today" if days == 0 else f"in {days} day{'' if days == 1 else 's'}"
    return Finding(
        rule="waiver-expiring",
        severity="note",
        verdict="pass",
        message=f"waiver {waiver.id} of {waiver.rule} ends {when}, after {waiver.expires}",
        place=waiver.place,
        fix=f"mend what it covers, or let {waiver.owner} agree on a new end",
        subject=waiver.id,
    )


def _too_long(waiver: PolicyWaiver, policy: Policy) -> Finding:
    return Finding(
        rule="waiver-too-long",
        severity="warning",
        verdict="pass",
        message=(
            f"waiver {waiver.id} ends on {waiver.expires}, more than {policy.max_waiver_days} days "
            "from now: it does not apply"
        ),
        place=waiver.place,
        related=policy.at("/max_waiver_days"),
        fix="choose an earlier end",
        subject=waiver.id,
    )
