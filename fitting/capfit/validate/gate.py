"""How often a limit is judged wrongly: limits set around the measured value of held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capfit.validate.rows import Row

# A limit is so many times the measured time (a floor: the measured rate over it). From 1 on the
# deployment truly keeps it.
FACTORS = (0.67, 0.8, 1.0, 1.25, 1.5)
_MARGIN = 1.25


@dataclass(frozen=True, slots=True)
class GateError:
    """Shares in percent. `false_pass` is of limits truly missed, `false_fail` of those truly kept,
    `borderline` of all. `point` judges the prediction alone, `margin` asks for 25 % to spare.
    """

    n: int
    false_pass: float
    false_fail: float
    borderline: float
    point_false_pass: float
    point_false_fail: float
    margin_false_pass: float
    margin_false_fail: float


def gate_error(rows: Sequence[Row]) -> GateError | None:
    """Of the rows that have an interval; None without any."""
    cases = [case for row in rows for case in _cases(row)]
    if not cases:
        return None
    missed = [case for case in cases if not case.kept]
    kept = [case for case in cases if case.kept]
    return GateError(
        n=len(cases),
        false_pass=_percent([case.verdict == "pass" for case in missed]),
        false_fail=_percent([case.verdict == "fail" for case in kept]),
        borderline=_percent([case.verdict == "borderline" for case in cases]),
        point_false_pass=_percent([case.point for case in missed]),
        point_false_fail=_percent([not case.point for case in kept]),
        margin_false_pass=_percent([case.margin for case in missed]),
        margin_false_fail=_percent([not case.margin for case in kept]),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One limit on one row: whether it is truly kept, and what each gate says."""

    kept: bool
    verdict: str
    point: bool
    margin: bool


def _cases(row: Row) -> Iterator[_Case]:
    if row.low is None or row.high is None or not row.low or not row.high:
        return
    # As a time: the slow end of a rate is its low one.
    value, best, worst = (
        (row.measured / row.predicted, row.measured / row.high, row.measured / row.low)
        if row.is_floor
        else (row.predicted / row.measured, row.low / row.measured, row.high / row.measured)
    )
    for limit in FACTORS:
        verdict = "pass" if worst <= limit else "fail" if best > limit else "borderline"
        yield _Case(limit >= 1.0, verdict, value <= limit, value * _MARGIN <= limit)


def _percent(found: Sequence[bool]) -> float:
    return 100.0 * sum(found) / len(found) if found else 0.0
