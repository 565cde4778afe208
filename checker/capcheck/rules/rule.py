"""What a rule is, as data: the one text behind `explain`, docs/rules.md and other formats' help."""

from __future__ import annotations

from capcheck.finding import Severity
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One statement that capcheck can make about a deployment.

    `id` is stable. `severity` is the most severe form that the rule takes by default; a limit
    inside the forecast's interval is a warning instead of an error. `gate` is the gate that an
    error of it decides, None for a remark and for a rule of several gates. `failing` and `passing`
    are excerpts of manifests, each line of which a fixture of the rule's tests has.
    """

    id: str
    title: str
    severity: Severity
    gate: str | None = None
    why: str
    how: str
    fix: str
    failing: str
    passing: str
    since: str = "0.1"
