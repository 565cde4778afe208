"""A user's table read, and each of its rows as a measurement that the checker can predict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.predict.coefficients import Coefficients
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Resolved

from capfit.data.load import load_file, place_of
from capfit.refit import memory, quality, speed
from capfit.refit.measurement import Measurement
from capfit.refit.rows import Own, deployment_of, missing, unknown

_SEEN: Mapping[str, Callable[[Own, Resolved, Coefficients], Measurement | None]] = {
    "decode": speed.measurement,
    "prefill": speed.measurement,
    "memory": memory.measurement,
    "quality": quality.measurement,
}


def load(path: Path, registry: Registry, coefficients: Coefficients) -> list[Measurement]:
    """Every row of the table, resolved. Raises InputError with the place of every bad cell."""
    rows = load_file(Own, path)
    problems: list[Problem] = []
    found = [_measurement(row, path, registry, coefficients, problems) for row in rows]
    if not rows:
        place = Place(str(path), 1, 1, 1)
        problems.append(Problem("empty-table", place, "no row", "a row per measurement"))
    if problems:
        raise InputError(problems)
    return [measurement for measurement in found if measurement is not None]


def _measurement(
    row: Own,
    path: Path,
    registry: Registry,
    coefficients: Coefficients,
    problems: list[Problem],
) -> Measurement | None:
    refused = [*unknown(row, path, registry), *missing(row, path)]
    if refused:
        problems += refused
        return None
    resolved, _ = resolve(deployment_of(row, path), registry)
    found = _SEEN[row.section](row, resolved, coefficients)
    if found is None or not found.predicted(coefficients) > 0:
        place = place_of(path, row.line, "model")
        text = f"no law for {row.metric} of this row"
        problems.append(Problem("no-prediction", place, text, "what capcheck can predict"))
        return None
    return found
