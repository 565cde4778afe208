"""Cells of quality and safety: one per model, quant, backend, source and metric; no device."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from capcheck.registry.specs import BackendSpec, ModelSpec, QuantSpec

from capfit.data.names import Names, Unresolved
from capfit.data.rows import EXCLUSIONS
from capfit.data.score_rows import Quality, Safety, Scored


@dataclass(frozen=True, slots=True)
class Subject:
    """What was scored. Groups and variants never mix.

    `group` is the family of benchmarks, `method` how the weights were quantised where the format
    leaves that open, `concurrency` the agents that asked at the same time.
    """

    model: ModelSpec
    quant: QuantSpec
    backend: BackendSpec | None
    group: str
    variant: str | None
    method: str | None
    concurrency: int | None
    source: str


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One metric of one subject: the median over its rows; `n_items` of the largest of them.

    `reference` is the 16-bit score that the source compares with, `recovery` the ratio it prints.
    """

    subject: Subject
    metric: str
    value: float
    reference: float | None
    recovery: float | None
    n_items: int | None
    rows: tuple[Scored, ...]


@dataclass(frozen=True, slots=True)
class RejectedScore:
    """A score kept out of the cells."""

    row: Scored
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything that became of a table's rows. `unresolved` counts rows by unknown name."""

    kept: tuple[ScoreCell, ...]
    rejected: tuple[RejectedScore, ...]
    unresolved: Mapping[Unresolved, int]


def scores(rows: Iterable[Scored], names: Names) -> Scores:
    """The cells and rejections of the rows of one table."""
    groups: dict[tuple[Subject, str], list[Scored]] = {}
    rejected: list[RejectedScore] = []
    unresolved: Counter[Unresolved] = Counter()
    for row in rows:
        subject = _subject(row, names)
        if row.excluded:
            rejected.append(RejectedScore(row, row.excluded, EXCLUSIONS[row.excluded]))
        elif row.trust == "C":
            rejected.append(RejectedScore(row, "trust C", "unverified or best of several"))
        elif isinstance(subject, tuple):
            unresolved.update(subject)
            what = ", ".join(f"{name.kind} {name.text!r}" for name in subject)
            rejected.append(RejectedScore(row, "unresolved", what))
        else:
            groups.setdefault((subject, row.metric), []).append(row)
    kept = tuple(_cell(subject, metric, found) for (subject, metric), found in groups.items())
    return Scores(kept, tuple(rejected), unresolved)


def _subject(row: Scored, names: Names) -> Subject | tuple[Unresolved, ...]:
    model = names.model(row.model)
    backend = names.backend(row.backend) if row.backend else None
    engine = backend[0] if isinstance(backend, tuple) else None
    tag = None if isinstance(model, Unresolved) else model.name
    quant = names.quant(row.quant, tag, engine.name if engine else None)
    if isinstance(model, Unresolved) or isinstance(quant, Unresolved) or (backend and not engine):
        found = (model, quant, backend)
        return tuple(name for name in found if isinstance(name, Unresolved))
    return Subject(
        model=model,
        quant=quant,
        backend=engine,
        group=row.group if isinstance(row, Quality) else row.table,
        variant=row.variant if isinstance(row, Quality) else None,
        method=row.method if isinstance(row, Quality) else None,
        concurrency=row.concurrency if isinstance(row, Safety) else None,
        source=row.source,
    )


def _cell(subject: Subject, metric: str, rows: list[Scored]) -> ScoreCell:
    references = [row.baseline_value for row in rows if isinstance(row, Quality)]
    recoveries = [row.recovery for row in rows if isinstance(row, Quality)]
    return ScoreCell(
        subject=subject,
        metric=metric,
        value=statistics.median(row.value for row in rows),
        reference=_median(references),
        recovery=_median(recoveries),
        n_items=max((row.n_items for row in rows if row.n_items), default=None),
        rows=tuple(rows),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
