"""What the errors of a group of rows come to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from capfit.validate.rows import Row


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a simpler rule says of the rows that it can answer."""

    n: int
    mean: float
    median: float
    r2: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Errors in percent of the measurement (of a score: in points); None where undefined.

    `mean` (MAPE) and `median` are of magnitudes, `bias` is the mean signed error, `worst` the
    largest by magnitude, with its sign. `r2` is of the values, as TR133 defines it. `coverage` is
    the share of measurements inside their interval in percent, `width` the upper end over the lower
    one, geometric mean (of a score: their difference in points).
    """

    n: int
    groups: int
    mean: float
    median: float
    bias: float
    r2: float | None
    worst: float
    worst_what: str
    coverage: float | None
    width: float | None
    baselines: Mapping[str, Baseline]


def figures(rows: Sequence[Row]) -> Figures:
    """Of at least one row."""
    errors = [row.error(row.predicted) for row in rows]
    worst = max(range(len(rows)), key=lambda i: abs(errors[i]))
    bounded = [row for row in rows if row.low is not None and row.high is not None]
    return Figures(
        n=len(rows),
        groups=len({row.group for row in rows}),
        mean=statistics.fmean(map(abs, errors)),
        median=statistics.median(map(abs, errors)),
        bias=statistics.fmean(errors),
        r2=_r2([(row.predicted, row.measured) for row in rows]),
        worst=errors[worst],
        worst_what=rows[worst].what,
        coverage=_coverage(bounded),
        width=_width(bounded),
        baselines=dict(_baselines(rows)),
    )


def _r2(pairs: Sequence[tuple[float, float]]) -> float | None:
    middle = statistics.fmean(measured for _, measured in pairs)
    spread = sum((measured - middle) ** 2 for _, measured in pairs)
    if not spread or len(pairs) < 3:
        return None
    return 1.0 - sum((predicted - measured) ** 2 for predicted, measured in pairs) / spread


def _coverage(rows: Sequence[Row]) -> float | None:
    if not rows:
        return None
    inside = sum((row.low or 0.0) <= row.measured <= (row.high or 0.0) for row in rows)
    return 100.0 * inside / len(rows)


def _width(rows: Sequence[Row]) -> float | None:
    if not rows:
        return None
    if rows[0].unit == "score":
        return 100.0 * statistics.fmean((row.high or 0.0) - (row.low or 0.0) for row in rows)
    ratios = [math.log(row.high / row.low) for row in rows if row.low and row.high]
    return math.exp(statistics.fmean(ratios)) if ratios else None


def _baselines(rows: Sequence[Row]) -> Iterator[tuple[str, Baseline]]:
    for name in dict.fromkeys(name for row in rows for name in row.baselines):
        said = [(row, row.baselines[name]) for row in rows if name in row.baselines]
        said = [(row, value) for row, value in said if math.isfinite(value)]
        if said:
            errors = [abs(row.error(value)) for row, value in said]
            yield (
                name,
                Baseline(
                    n=len(said),
                    mean=statistics.fmean(errors),
                    median=statistics.median(errors),
                    r2=_r2([(value, row.measured) for row, value in said]),
                ),
            )
