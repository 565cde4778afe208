"""Which edit broke a limit: take each one back in turn and see what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from capcheck.compare.edits import is_consistent, taking, units
from capcheck.compare.fingerprint import key
from capcheck.compare.model import Cause, Edit, Scalar
from capcheck.finding import VERDICTS, Finding, Gate
from capcheck.judge import Checked
from capcheck.manifest.load import Entry
from capcheck.numbers import amount, interval
from capcheck.records import dataclass
from capcheck.rules.case import is_unstable
from capcheck.search.edits import root_of

Judge = Callable[[Entry], Checked]

# Figures are shown with three digits: two that read the same differ by up to half a percent.
TOLERANCE = 0.005

# What a finding counts for when its figure is not known: beyond any that is.
_UNKNOWN = float("inf")


@dataclass(frozen=True, slots=True)
class Trial:
    """Head with one edit taken back."""

    edit: Edit
    checked: Checked


def trials(
    head: Entry, base: Entry, edits: Sequence[Edit], judged_base: Checked, judge: Judge
) -> tuple[Trial, ...]:
    """One re-judgement an edit, without a search; edits that only make sense together are one.

    An edit alone needs none: without it, head is base.
    """
    root = root_of(head.stated.name)
    by_pointer = {edit.pointer.removeprefix(root): edit for edit in edits}
    together = units([one for one in by_pointer if not one.startswith("/alternatives/")])
    tried = []
    for unit in together:
        reverted = taking(head, base, unit)
        if is_consistent(reverted):
            stated = [by_pointer[one] for one in unit if by_pointer[one].head is not None]
            checked = judged_base if len(together) == 1 else judge(reverted)
            tried.append(Trial((stated or [by_pointer[unit[0]]])[0], checked))
    return tuple(tried)


def cause(found: Finding, now: Checked, tried: Sequence[Trial]) -> Cause | None:
    """The edit whose taking back clears the finding, or helps it most; None when none does.

    Of several that clear it, the one that takes the figure furthest back.
    """
    effects = [(_badness(found, now, trial.checked), trial) for trial in tried]
    today = _badness(found, now, now)
    better = [one for one in effects if _is_less(one[0], today)]
    better.sort(key=lambda one: one[0])
    if not better:
        return None
    (cleared, _), best = better[0]
    others = 0 if cleared == 0 else len(better) - 1
    return Cause(best.edit, found.gate, _message(found, best, now, others))


def _is_less(then: tuple[int, float], now: tuple[int, float]) -> bool:
    return then[0] < now[0] or (then[0] == now[0] and then[1] < now[1] * (1 - TOLERANCE))


def _badness(found: Finding, now: Checked, then: Checked) -> tuple[int, float]:
    """0 when it is gone, else how bad its verdict is; then how far the figure is beyond."""
    same = {key(one, then.resolved.deployment): one for one in then.findings}
    still = same.get(key(found, now.resolved.deployment))
    gate = then.gates.get(found.gate or "")
    if still is not None:
        beyond = _UNKNOWN if still.beyond is None else still.beyond
        return VERDICTS.index(still.verdict), beyond
    if gate is not None and gate.verdict == "cannot-predict":
        # Something else broke: what does not start has no latency to be too long.
        return len(VERDICTS), _UNKNOWN
    return 0, _beyond(gate)


def _beyond(gate: Gate | None) -> float:
    value = gate.estimate.value if gate and gate.estimate else None
    if gate is None or value is None or gate.limit is None:
        return 0.0
    over, under = (value, gate.limit) if gate.sense == "max" else (gate.limit, value)
    return over / under if under else 0.0


def _message(found: Finding, best: Trial, now: Checked, others: int) -> str:
    """`quant awq-int4 → bf16 raises p95 latency from 4.50 s to 14.0 s`."""
    edit = _spoken(best.edit)
    together = f", together with {others} other edit{'' if others == 1 else 's'}" if others else ""
    return f"{edit} {_effect(found, best, now)}{together}"


def _effect(found: Finding, best: Trial, now: Checked) -> str:
    before, after = (one.gates.get(found.gate or "") for one in (best.checked, now))
    if after is None or after.estimate is None:
        return f"breaks {found.gate}: {found.message}"
    if after.place not in (found.place, found.related):
        return f"breaks {found.subject or found.gate}"
    if before is None or before.estimate is None or before.limit != after.limit:
        return _tightened(before, after)
    show = partial(amount, unit=after.unit)
    then, here = before.estimate.value, after.estimate.value
    if then is not None and here is not None:
        if show(then) == show(here) or (here < then) == (after.sense == "max"):
            # The figure is no worse: it is less certain, and the limit is inside the interval now.
            ends = (interval(one.estimate, one.unit) for one in (before, after) if one.estimate)
            return f"takes {after.label} from {' to '.join(ends)}"
        verb = "raises" if here > then else "lowers"
        return f"{verb} {after.label} from {show(then)} to {show(here)}"
    was = "" if then is None else f" (it was {show(then)})"
    if here is None and is_unstable(after.estimate):
        return f"lets the queue grow without end: no bound on {after.label}{was}"
    if here is None:
        return f"leaves {after.label} without a prediction{was}"
    return f"takes {after.label} to {show(here)}"


def _tightened(before: Gate | None, after: Gate) -> str:
    limit = "" if after.limit is None else amount(after.limit, after.unit)
    if before is None or before.limit is None:
        return f"limits {after.label} to {limit}"
    return f"moves the limit on {after.label} from {amount(before.limit, before.unit)} to {limit}"


def _spoken(edit: Edit) -> str:
    field = ".".join(edit.pointer.split("/")[3:])
    if edit.base is None:
        return f"adding {field} {_shown(edit.head)}"
    if edit.head is None:
        return f"removing {field} {_shown(edit.base)}"
    return f"{field} {_shown(edit.base)} → {_shown(edit.head)}"


def _shown(value: Scalar) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
