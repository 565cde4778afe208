"""Exceptions to rules, and their end: `skip` in a manifest, waivers in a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from capcheck.finding import Finding, Waiver
from capcheck.manifest.deployment import Deployment, Skip
from capcheck.records import replace
from capcheck.rules import outlook
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="skip-expired",
        title="A skip has ended",
        severity="warning",
        why="An exception without an end is a rule switched off; what it covered counts again.",
        how="skip.expires lies before today, and a finding of one of its rules is there.",
        fix="Mend what it covered, or agree on a new end.",
        failing='expires: "2026-08-31"',
        passing='expires: "2027-03-31"',
    ),
    Rule(
        id="skip-unused",
        title="A skip that covers nothing",
        severity="note",
        why="It would hide the next finding of its rule without anybody deciding so.",
        how="No finding has the rule that skip.rules names.",
        fix="Remove the rule from skip.rules.",
        failing="rules: [cost-over-budget]",
        passing="rules: [vram-low-headroom]",
    ),
    Rule(
        id="waiver-expired",
        title="A waiver has ended",
        severity="warning",
        why="An exception without an end is a rule switched off; what it covered counts again.",
        how="The waiver's `expires` lies before today, and a finding that it covered is there.",
        fix="Mend what it covered, or agree on a new end.",
        failing='expires: "2026-08-31"',
        passing='expires: "2027-03-31"',
    ),
    Rule(
        id="waiver-expiring",
        title="A waiver ends within 14 days",
        severity="note",
        why="The finding that it covers will count again; better to know before.",
        how="The waiver's `expires` lies within 14 days of today.",
        fix="Mend what it covers, or agree on a new end.",
        failing='expires: "2026-11-30"',
        passing='expires: "2027-03-31"',
    ),
    Rule(
        id="waiver-too-long",
        title="A waiver ends later than the policy lets waivers end",
        severity="warning",
        why="An exception that lasts for years is a rule switched off.",
        how="`expires` lies more than max_waiver_days from today; the waiver does not apply.",
        fix="Choose an earlier end.",
        failing='expires: "2029-11-30"',
        passing='expires: "2027-01-31"',
    ),
    Rule(
        id="waiver-unused",
        title="A waiver that covers nothing",
        severity="note",
        why="It would hide the next finding of its rule without anybody deciding so.",
        how="No finding of the run matches its rule, deployment and environment.",
        fix="Remove the waiver.",
        failing="rule: cost-over-budget",
        passing="rule: vram-does-not-fit",
    ),
)

# Found after the others, in the search: whether a skip covers one of these is not known before.
_LATER = frozenset(rule.id for rule in outlook.RULES)


def remarks(
    findings: Iterable[Finding], deployment: Deployment, today: date
) -> tuple[Finding, ...]:
    """Findings skip-expired and skip-unused."""
    skip = deployment.skip
    return () if skip is None else tuple(_remarks(tuple(findings), skip, deployment, today))


def covered(
    findings: Iterable[Finding], deployment: Deployment, today: date
) -> tuple[Finding, ...]:
    """The findings, those that the manifest skips today waived."""
    skip = deployment.skip
    if skip is None or skip.expires < today:
        return tuple(findings)
    waiver = Waiver("skip", skip.reason, "", skip.expires.isoformat())
    return tuple(
        waived(found, waiver) if found.rule in skip.rules and _may_be_skipped(found) else found
        for found in findings
    )


def _may_be_skipped(found: Finding) -> bool:
    """What a policy demands is its owner's to waive."""
    return not found.enforced and found.waived is None


def waived(found: Finding, waiver: Waiver) -> Finding:
    """The finding as a note that decides nothing and says why."""
    message = f"{found.message} (waived until {waiver.expires}: {waiver.reason})"
    return replace(found, severity="note", verdict="pass", message=message, waived=waiver)


def _remarks(
    found: tuple[Finding, ...], skip: Skip, deployment: Deployment, today: date
) -> Iterator[Finding]:
    present = {one.rule for one in found}
    back = [rule for rule in skip.rules if rule in present]
    if skip.expires < today and back:
        yield Finding(
            rule="skip-expired",
            severity="warning",
            verdict="pass",
            message=f"the skip of {', '.join(back)} ended on {skip.expires}: it counts again",
            place=deployment.at("/skip/expires"),
            fix="mend what it covered, or agree on a new end",
        )
    for index, rule in enumerate(skip.rules):
        if rule not in present and rule not in _LATER:
            yield Finding(
                rule="skip-unused",
                severity="note",
                verdict="pass",
                message=f"no finding has the rule {rule} that is skipped",
                place=deployment.at(f"/skip/rules/{index}", "/skip/rules"),
                fix=f"remove {rule} from skip.rules",
                subject=rule,
            )
