"""The record of held-out accuracy that the artifact carries: written by one command, read by fit.

    record = summarise(rows, by="model")      # rows: HeldOut of one predictor
    write it with Record(data_sha256, entries).text()

`capfit fit` never measures accuracy; it copies this record and says whether it is about other data.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from capcheck.errors import InputError, Problem
from capcheck.place import Place

from capfit.artifact.numbers import shortened
from capfit.held_out import HeldOut

SCHEMA = "capfit.validation/v1"
COMMITTED = Path(__file__).parent.parent / "validation.json"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One line of the table: errors are shares (predicted over measured, less 1).

    `by` is what was held out. `coverage` is the share inside the nominal 90 % interval. `baselines`
    has the median absolute error of simpler rules, where they have an answer.
    """

    predictor: str
    backend: str
    metric: str
    by: str
    n: int
    groups: int
    mape: float
    median: float
    bias: float
    worst: float
    coverage: float
    baselines: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Record:
    """The table and the hash of the data that it was measured on."""

    data_sha256: str
    entries: tuple[Accuracy, ...]

    def beside(self, data_sha256: str) -> dict[str, Any]:
        """The record as the artifact carries it; `stale` when it is about other data."""
        return {
            "data_sha256": self.data_sha256,
            "stale": self.data_sha256 != data_sha256,
            "accuracy": [asdict(entry) for entry in self.entries],
        }

    def text(self) -> str:
        """The record as its file holds it; numbers have 6 significant digits."""
        document = {
            "schema": SCHEMA,
            "data_sha256": self.data_sha256,
            "accuracy": [asdict(entry) for entry in self.entries],
        }
        return json.dumps(shortened(document), indent=1, ensure_ascii=False) + "\n"


def summarise(rows: Iterable[HeldOut], *, by: str) -> list[Accuracy]:
    """One line per predictor, backend and metric."""
    filed: dict[tuple[str, str, str], list[HeldOut]] = {}
    for row in rows:
        filed.setdefault((row.predictor, row.backend, row.metric), []).append(row)
    return [_line(key, by, mine) for key, mine in sorted(filed.items())]


def load(path: Path = COMMITTED) -> Record:
    """The committed record; an empty one where there is none yet.

    Raises InputError when the file is not one of these records.
    """
    if not path.exists():
        return Record("", ())
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        entries = tuple(Accuracy(**entry) for entry in document["accuracy"])
        return Record(document["data_sha256"], entries)
    except (ValueError, KeyError, TypeError) as error:
        place = Place(str(path), 1, 1, 1)
        raise InputError(
            [Problem("bad-record", place, f"{type(error).__name__}: {error}", SCHEMA)]
        ) from error


def _line(key: tuple[str, str, str], by: str, rows: list[HeldOut]) -> Accuracy:
    errors = [row.error for row in rows]
    simple = {
        name: [abs(row.baselines[name] / row.measured - 1.0) for row in rows]
        for name in rows[0].baselines
    }
    known = {name: [e for e in found if math.isfinite(e)] for name, found in simple.items()}
    return Accuracy(
        *key,
        by=by,
        n=len(rows),
        groups=len({row.group for row in rows}),
        mape=statistics.fmean(map(abs, errors)),
        median=statistics.median(map(abs, errors)),
        bias=statistics.fmean(errors),
        worst=max(map(abs, errors)),
        coverage=statistics.fmean(row.covered for row in rows),
        baselines={name: statistics.median(found) for name, found in known.items() if found},
    )
