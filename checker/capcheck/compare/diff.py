"""Two judgements of one deployment, head's and base's, and what lies between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from capcheck.compare.causes import TOLERANCE, Judge, cause, trials
from capcheck.compare.edits import edited, taking
from capcheck.compare.fingerprint import key
from capcheck.compare.limits import finding, loosened, restored
from capcheck.compare.model import Cause, Change, Edit, Kind, LimitChange, Mark, Standing
from capcheck.finding import VERDICTS, Finding, Verdict, worst
from capcheck.judge import Checked
from capcheck.manifest.load import Entry
from capcheck.records import dataclass
from capcheck.rules.case import is_unstable


@dataclass(frozen=True, slots=True)
class Edited:
    """A deployment of head beside base's; `judged` is head with base's limits where loosened."""

    head: Entry
    base: Entry
    judged: Entry
    kind: Kind
    edits: tuple[Edit, ...]
    loosened: tuple[LimitChange, ...]


def edited_since(base: Entry, head: Entry) -> Edited:
    """What was edited, and what is to be judged."""
    edits, loose = edited(base, head), loosened(base, head)
    moved = (base.path, base.stated.name) != (head.path, head.stated.name)
    return Edited(
        head=head,
        base=base,
        judged=taking(head, base, restored(loose, base, head)) if loose else head,
        kind="renamed" if moved else "modified" if edits else "unchanged",
        edits=edits,
        loosened=loose,
    )


def added(now: Checked) -> Change:
    """A deployment without a counterpart: all of it is new, and judged by its own limits."""
    return Change("added", now.verdict, marks={found: Mark("new") for found in now.findings})


def diff(
    pair: Edited,
    now: Checked,
    base: Checked,
    judge: Judge,
    *,
    settle: Callable[[Iterable[Finding]], tuple[Finding, ...]] = tuple,
) -> tuple[Change, Checked]:
    """How head stands against base, and head with each new finding at the edit that caused it.

    `judge` re-judges head with single edits taken back, only where something is new or worse.
    `settle` says what of a finding counts.
    """
    standings = {found: _standing(found, now, base) for found in now.findings}
    causes = _causes(pair, standings, now, base, judge)
    marks: dict[Finding, Mark] = {}
    for found, standing in standings.items():
        mark = Mark(standing, causes.get(found))
        marks[_at_cause(found, mark.cause)] = mark
    goalposts = settle(map(finding, pair.loosened))
    marks.update((found, Mark("new")) for found in goalposts)
    keys = {key(found, now.resolved.deployment) for found in now.findings}
    broken = sorted(causes, key=lambda found: -VERDICTS.index(found.verdict))
    change = Change(
        kind=pair.kind,
        verdict=worst(
            *_new_verdicts(standings, now, base), *(found.verdict for found in goalposts)
        ),
        base=base,
        edits=pair.edits,
        loosened=pair.loosened,
        marks=marks,
        cause=causes[broken[0]] if broken else None,
        fixed=tuple(
            found for found in base.findings if key(found, base.resolved.deployment) not in keys
        ),
    )
    placed = tuple(_at_cause(found, causes.get(found)) for found in now.findings)
    verdict = worst(now.verdict, *(found.verdict for found in goalposts))
    return change, replace(now, findings=(*placed, *goalposts), verdict=verdict)


def _standing(found: Finding, now: Checked, base: Checked) -> Standing:
    """`worse` is a worse verdict, or a figure further beyond its limit by more than rounding."""
    known = {key(one, base.resolved.deployment): one for one in base.findings}
    before = known.get(key(found, now.resolved.deployment))
    if before is None:
        gate = base.gates.get(found.gate or "")
        # A queue that never ended is beyond every limit, whatever its finding was called.
        endless = gate is not None and gate.estimate is not None and is_unstable(gate.estimate)
        return "unchanged" if endless and found.verdict != "pass" else "new"
    if VERDICTS.index(found.verdict) > VERDICTS.index(before.verdict):
        return "worse"
    if found.verdict != before.verdict or found.beyond is None or before.beyond is None:
        return "unchanged"
    return "worse" if found.beyond > before.beyond * (1 + TOLERANCE) else "unchanged"


def _new_verdicts(
    standings: Mapping[Finding, Standing], now: Checked, base: Checked
) -> Iterator[Verdict]:
    for found, standing in standings.items():
        if standing != "unchanged":
            yield found.verdict
    for name, gate in now.gates.items():
        if name in now.silenced:
            continue
        before = base.gates.get(name)
        if gate.verdict == "fail" and (before is None or before.verdict != "fail"):
            yield gate.verdict


def _causes(
    pair: Edited,
    standings: Mapping[Finding, Standing],
    now: Checked,
    base: Checked,
    judge: Judge,
) -> dict[Finding, Cause]:
    """The edit behind each finding that decides and is new or worse, where one can be named."""
    deciding = [
        found
        for found, standing in standings.items()
        if standing != "unchanged" and found.verdict != "pass"
    ]
    loose = {change.pointer for change in pair.loosened}
    effective = [edit for edit in pair.edits if edit.pointer not in loose]
    if not deciding or not effective:
        return {}
    tried = trials(pair.judged, pair.base, effective, base, judge)
    named = ((found, cause(found, now, tried)) for found in deciding)
    return {found: behind for found, behind in named if behind is not None}


def _at_cause(found: Finding, behind: Cause | None) -> Finding:
    """At the edited line, with the limit's as the related one; as it was for a removed value."""
    if behind is None or behind.edit.head is None or behind.edit.place == found.place:
        return found
    in_policy = found.related is not None and found.related.path != found.place.path
    limit = found.place if found.subject and not in_policy else found.related
    return replace(
        found, place=behind.edit.place, related=None if limit == behind.edit.place else limit
    )
