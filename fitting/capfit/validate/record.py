"""The committed record of a validation: tables, gate errors, points, and what they stand on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from capfit.validate.figures import figures
from capfit.validate.gate import gate_error
from capfit.validate.rows import Row

SCHEMA = "capfit.record/v1"
RECORD = Path(__file__).parent / "record.json"
ALL = "all"

# Two machines agree on a refit to so many parts.
TOLERANCE = 1e-3
_DIGITS = 5
# A share or an error in percent that is shown with one decimal.
_ROUNDING = 0.05

Record = Mapping[str, Any]


def build(
    rows: Sequence[Row], *, hashes: Mapping[str, str], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The record of these rows; `extra` are its other sections, ready as they are."""
    return {
        "schema": SCHEMA,
        "hashes": dict(hashes),
        "tables": [_table(*key, found) for key, found in _slices(rows)],
        "gates": list(_gates(rows)),
        **extra,
        "points": points(rows),
    }


def points(rows: Iterable[Row]) -> dict[str, list[list[float | None]]]:
    """Predicted, measured, low and high of each row, by predictor, held out, backend and group.

    Costs are left out: they are rates turned over.
    """
    found: dict[str, list[list[float | None]]] = {}
    for row in rows:
        if row.unit == "USD":
            continue
        key = key_of(row.predictor, row.held_out, row.backend, row.group)
        values = (row.predicted, row.measured, row.low, row.high)
        found.setdefault(key, []).append([_rounded(value) for value in values])
    return dict(sorted(found.items()))


def key_of(predictor: str, held_out: str, backend: str, group: str) -> str:
    """How points are filed."""
    return " | ".join((predictor, held_out, backend, group))


def read(path: Path = RECORD) -> Record:
    """The record as written."""
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def write(record: Record, path: Path = RECORD) -> None:
    """One line per table, gate and group of points, so that a change shows what it changed."""
    lines = []
    for name, value in record.items():
        inner = _lines(value) if name in {"tables", "gates", "points"} else _compact(value)
        lines.append(f"{_compact(name)}: {inner}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def drift(old: Record, new: Record) -> list[str]:
    """What of a new record differs from an old one beyond rounding, in words."""
    found = [
        f"hash of {name}: {digest[:12]} is now {new['hashes'][name][:12]}"
        for name, digest in old["hashes"].items()
        if digest != new["hashes"][name]
    ]
    for name in old:
        if name not in {"hashes", "schema"}:
            slack = 0.0 if name == "points" else _ROUNDING
            found += _differences(name, old[name], new.get(name), slack)
    return found


def _differences(where: str, old: object, new: object, slack: float) -> Iterator[str]:
    """Places at which two JSON values differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences(f"{where}: {key}", old.get(key), new.get(key), slack)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{where} [{i}]", one, other, slack)
    elif not _same(old, new, slack):
        yield f"{where}: {old!r:.40} is now {new!r:.40}"


def _same(old: object, new: object, slack: float) -> bool:
    if isinstance(old, int | float) and isinstance(new, int | float):
        return math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=slack)
    return old == new


def _slices(rows: Sequence[Row]) -> Iterator[tuple[tuple[str, str, str], list[Row]]]:
    """By predictor and what was held out: all backends together where there are several, then
    each."""
    together: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        together.setdefault((row.predictor, row.held_out), []).append(row)
    for (predictor, held_out), found in together.items():
        backends = sorted({row.backend for row in found})
        if len(backends) > 1:
            yield (predictor, held_out, ALL), found
        for backend in backends:
            yield (
                (predictor, held_out, backend),
                [row for row in found if row.backend == backend],
            )


def _table(predictor: str, held_out: str, backend: str, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "predictor": predictor,
        "held_out": held_out,
        "backend": backend,
        "unit": rows[0].unit,
        **_plain(asdict(figures(rows))),
    }


def _gates(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    for (predictor, held_out, backend), found in _slices(rows):
        error = gate_error(found)
        if error is not None:
            yield {
                "predictor": predictor,
                "held_out": held_out,
                "backend": backend,
                "unit": found[0].unit,
                **_plain(asdict(error)),
            }


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """With numbers rounded, so that the record is the same wherever it is made."""
    out: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            out[name] = _plain(value)
        else:
            out[name] = _rounded(value) if isinstance(value, float) else value
    return out


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}")


def _lines(value: Mapping[str, object] | Sequence[object]) -> str:
    if isinstance(value, Mapping):
        inner = [f"{_compact(key)}: {_compact(one)}" for key, one in value.items()]
        return "{\n" + ",\n".join(inner) + "\n}"
    return "[\n" + ",\n".join(_compact(one) for one in value) + "\n]"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
