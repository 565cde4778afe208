"""Exceptions to rules, and their end: `skip` in a manifest, waivers in a policy."""

from __future__ import annotations

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
