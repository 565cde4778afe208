"""Cells: one per distinct configuration and metric, made of every row that repeats it.

The ground rules, in the order in which a row meets them: names are resolved, never guessed; what
ran on a CPU, contradicts physics, is marked as unfit or is not trusted is rejected with the reason;
spill and out of memory become labels; what is left is grouped by its whole setting (session and
conditions included, so that clock states never mix) and its median is the cell's value.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from capfit.data.columns import Role, schema
from capfit.data.names import Names, Subject, Unresolved, on_cpu
from capfit.data.physics import violation
from capfit.data.rows import EXCLUSIONS, Measured
from capfit.data.setting import Setting, setting_of

_TRUSTED = (None, "A", "B")
_APART = 1.5
_HOST_MEMORY = ("spill", "oom")  # what was measured meanwhile is not the device's


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric of one setting: the median over its rows.

    `n_samples` is how many measurements the sources state, all rows together, if they do.
    """

    setting: Setting
    metric: str
    value: float
    n_samples: int | None
    rows: tuple[Measured, ...]

    @property
    def date(self) -> str | None:
        """When it was measured or published, the first if rows differ."""
        return min((row.date for row in self.rows if row.date), default=None)

    @property
    def year(self) -> float | None:
        """The date as a number, None when it is not known; the middle of a year without month."""
        if self.date is None:
            return None
        year, _, month = self.date[:7].partition("-")
        return int(year) + ((int(month) - 0.5) / 12 if month else 0.5)


@dataclass(frozen=True, slots=True)
class Label:
    """What became of a setting in memory: `fits`, `spill`, `oom`, or a start-up outcome.

    `metric` and `value` are what was measured meanwhile; under spill they are not a device's.
    """

    setting: Setting
    outcome: str
    metric: str | None
    value: float | None
    row: Measured


@dataclass(frozen=True, slots=True)
class Rejected:
    """A figure kept out of the cells. `reason` is a short name, `detail` says how it was found."""

    row: Measured
    metric: str | None
    value: float | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cells:
    """Everything that became of a table's rows. `unresolved` counts rows by unknown name."""

    kept: tuple[Cell, ...]
    labels: tuple[Label, ...]
    rejected: tuple[Rejected, ...]
    unresolved: Mapping[Unresolved, int]

    def by_setting(self) -> Mapping[Setting, Mapping[str, Cell]]:
        """The kept cells by setting and metric."""
        found: dict[Setting, dict[str, Cell]] = {}
        for cell in self.kept:
            found.setdefault(cell.setting, {})[cell.metric] = cell
        return found


def cells(rows: Iterable[Measured], names: Names) -> Cells:
    """The cells, labels and rejections of the rows of one table."""
    groups: dict[tuple[Setting, str], list[tuple[float, Measured]]] = {}
    labels: list[Label] = []
    rejected: list[Rejected] = []
    unresolved: Counter[Unresolved] = Counter()
    for row in rows:
        subject = names.subject(row)
        if not isinstance(subject, Subject):
            if not row.excluded and not on_cpu(row):
                unresolved.update(subject)
            rejected.append(Rejected(row, None, None, *_unplaced(row, subject)))
            continue
        setting = setting_of(row, subject)
        figures = list(measures(row))
        label = None if _unfit(row) else _outcome(row)
        if label in _HOST_MEMORY:
            labels.append(_label(setting, label, figures, row))
            continue
        for metric, value in figures:
            reason = violation(setting, metric, value) or _unfit(row)
            if reason:
                rejected.append(Rejected(row, metric, value, *reason))
                label = None
            else:
                groups.setdefault((setting, metric), []).append((value, row))
        if label:
            labels.append(_label(setting, label, figures, row))
    kept: list[Cell] = []
    for (setting, metric), repeats in groups.items():
        if _disagree([value for value, _ in repeats]):
            detail = f"{len(repeats)} repeats, most of them beyond {_APART:g} times the median"
            rejected += [
                Rejected(row, metric, value, "repeats-disagree", detail) for value, row in repeats
            ]
        else:
            kept.append(_cell(setting, metric, repeats))
    return Cells(tuple(kept), tuple(labels), tuple(rejected), unresolved)


def measures(row: Measured) -> Iterator[tuple[str, float]]:
    """Every figure of a row: its `metric` and `value`, or each column of figures."""
    if hasattr(row, "metric"):
        value = row.value_gib if hasattr(row, "value_gib") else getattr(row, "value", None)
        if value is not None:
            yield row.metric, float(value)
        return
    for column in schema(type(row)):
        if column.role is Role.MEASURE and (value := getattr(row, column.name)) is not None:
            yield column.name, float(value)


def _unplaced(row: Measured, unresolved: tuple[Unresolved, ...]) -> tuple[str, str]:
    if on_cpu(row):
        return "cpu", "ran on the CPU"
    if row.excluded:
        return row.excluded, EXCLUSIONS[row.excluded]
    return "unresolved", ", ".join(f"{name.kind} {name.text!r}" for name in unresolved)


def _outcome(row: Measured) -> str | None:
    outcome: str | None = getattr(row, "outcome", None)
    return None if outcome == "none" else outcome


def _label(
    setting: Setting, outcome: str, figures: list[tuple[str, float]], row: Measured
) -> Label:
    metric, value = figures[0] if figures else (None, None)
    return Label(setting, outcome, metric, value, row)


def _unfit(row: Measured) -> tuple[str, str] | None:
    if row.excluded:
        return row.excluded, EXCLUSIONS[row.excluded]
    if row.trust not in _TRUSTED:
        return "trust C", "unverified, best of several, or inconsistent"
    return None


def _disagree(values: list[float]) -> bool:
    """Most of the repeats are nowhere near their median: it stands for none of them."""
    middle = statistics.median(values)
    if len(values) == 1 or middle <= 0:
        return False
    far = [value for value in values if not middle / _APART <= value <= middle * _APART]
    return 2 * len(far) > len(values)


def _cell(setting: Setting, metric: str, found: list[tuple[float, Measured]]) -> Cell:
    stated = [getattr(row, "n_samples", None) for _, row in found]
    counts = [count for count in stated if isinstance(count, int)]
    return Cell(
        setting=setting,
        metric=metric,
        value=statistics.median(value for value, _ in found),
        n_samples=sum(counts) or None,
        rows=tuple(row for _, row in found),
    )
