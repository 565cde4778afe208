"""The work of a validation, cut into independent tasks for a pool of processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from capcheck.predict import coefficients

from capfit.data.rows import Serving
from capfit.data.tables import Data
from capfit.validate import cost, inputs, replayed, scaling, served, speed, stored
from capfit.validate.rows import Row


@dataclass(frozen=True, slots=True)
class Task:
    """One call: which predictors, what is held out, and which group where groups are apart."""

    what: str
    held_out: str
    group: str = ""

    def __str__(self) -> str:
        """For the progress line."""
        return f"{self.what} without {self.group or 'each ' + self.held_out}"


# Whose rows come from one call; `latency` has no fitted coefficient to hold anything out of.
_WHOLE: dict[str, Callable[[Data], list[Row]]] = {
    "memory": stored.memory_rows,
    "quality": stored.quality_rows,
    "scaling": scaling.rows,
    "latency": replayed.rows,
}


def tasks(folder: Path) -> list[Task]:
    """Everything that is validated."""
    serving = inputs.data(folder).cells(Serving)
    return [
        *(Task("speed", held_out) for held_out in speed.BY),
        *(Task(what, "model") for what in _WHOLE),
        *(
            Task("served", held_out, group)
            for held_out in ("model", "GPU")
            for group in served.groups(serving, held_out)
        ),
    ]


def run(
    folder: Path, chosen: Sequence[Task], *, jobs: int, done: Callable[[Task], None]
) -> list[Row]:
    """The rows of the tasks, in their order whatever finishes first."""
    alone: list[Row] = []
    loaded: list[Row] = []
    for task, rows in zip(chosen, _each(folder, chosen, jobs), strict=True):
        (loaded if task.what == "served" else alone).extend(rows)
        done(task)
    names = inputs.shape_names(folder)
    found = [*alone, *cost.rows(alone), *served.with_class_mean(loaded)]
    return [replace(row, group=names.get(row.group, row.group)) for row in found]


def _each(folder: Path, chosen: Sequence[Task], jobs: int) -> Iterator[list[Row]]:
    if jobs == 1:
        yield from (rows_of(folder, task) for task in chosen)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(rows_of, [folder] * len(chosen), chosen)


def rows_of(folder: Path, task: Task) -> list[Row]:
    """The rows of one task."""
    data = inputs.data(folder)
    if task.what == "speed":
        return speed.rows(inputs.cells(folder), task.held_out)
    if task.what == "served":
        return served.rows(
            inputs.cells(folder),
            data.cells(Serving),
            inputs.registry(),
            coefficients.load(None),
            held_out=task.held_out,
            group=task.group,
        )
    return _WHOLE[task.what](data)
