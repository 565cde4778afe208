"""What a check says: findings and gates."""

from __future__ import annotations

from typing import Literal

from capcheck.estimate import Estimate
from capcheck.place import Place
from capcheck.records import dataclass

Verdict = Literal["pass", "borderline", "fail", "cannot-predict"]
Severity = Literal["error", "warning", "note"]

# From best to worst: a deployment's verdict is that of its worst gate.
VERDICTS: tuple[Verdict, ...] = ("pass", "borderline", "cannot-predict", "fail")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def worst(*verdicts: Verdict) -> Verdict:
    """fail > cannot-predict > borderline > pass; `pass` when there is none."""
    return max(verdicts, key=VERDICTS.index, default="pass")


# The id of the waiver that a recorded baseline is.
RECORDED = "baseline"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Why a finding does not count, and until the end of which day (ISO 8601).

    `id` is `skip` for an exception in the manifest itself, `baseline` for what was recorded as
    there already (without an end), else that of a policy's waiver.
    """

    id: str
    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about one deployment, at one place.

    `rule` is a stable kebab-case id. `verdict` is what this finding alone does to its gate: an
    error is `fail` or `cannot-predict`, a warning may be `borderline`, all else is `pass`.
    `fix` is one sentence, or None. `gate` names the gate that it decides, `subject` the limit that
    it is about where a gate has several (`latency_p95`). `beyond` is the figure over its limit (of
    a minimum, the reverse): above 1 it is broken, by more the larger it is. `waived` says why it
    does not count; it is a note that passes then. `enforced`: a policy demands it, so that the
    manifest can't skip it.
    """

    rule: str
    severity: Severity
    verdict: Verdict
    message: str
    place: Place
    fix: str | None = None
    related: Place | None = None  # the cause's line when `place` is the limit's, or the reverse
    gate: str | None = None
    subject: str | None = None
    beyond: float | None = None
    waived: Waiver | None = None
    enforced: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's answer: the estimate it looked at and the limit it was held against.

    `sense` says whether the value must stay below ("max") or above ("min") the limit. `limit` is
    None for the support gate, and for a gate that the manifest does not limit.
    """

    name: str
    verdict: Verdict
    estimate: Estimate | None
    limit: float | None
    sense: Literal["max", "min"] | None
    unit: str
    place: Place | None
    label: str  # "p95 latency", "VRAM per GPU"
