"""The raw CSV and JSON files that TR133 ingests, as typed records.

A file belongs to the report whose folder it lies in (`.../tr127/.../metrics.csv`). Columns beside
the ones used are ignored; a used column that is missing or a cell that is no number is an error.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from capcheck.errors import InputError, Problem
from capcheck.place import Place

from capfit.tr133.names import model_name, quant_name

_REPORT = re.compile(r"tr(1\d\d)(?!\d)", re.IGNORECASE)
_OK = "ok"
MIB_PER_GIB = 1024.0


@dataclass(frozen=True, slots=True)
class Record:
    """What every record has: the report, and what was measured."""

    report: str  # "TR127"
    model: str
    backend: str
    quant: str


@dataclass(frozen=True, slots=True)
class Throughput(Record):
    """Tokens per second of one agent among `n_agents`."""

    tok_s: float
    n_agents: int


@dataclass(frozen=True, slots=True)
class Quality(Record):
    """TR124 and TR125's composite score, 0 to 1."""

    composite: float


@dataclass(frozen=True, slots=True)
class Vram(Record):
    """Peak memory at a context length. TR133's GB is the files' MB / 1024."""

    context_length: int
    peak_gb: float


@dataclass(frozen=True, slots=True)
class Latency(Record):
    """Wall time of one request among `n_agents`, and its time to first token where measured."""

    wall_ms: float
    ttft_ms: float | None
    n_agents: int


@dataclass(frozen=True, slots=True)
class Cost(Record):
    """The decode rate that a cost is computed from."""

    tok_s: float


@dataclass(frozen=True, slots=True)
class Serial(Record):
    """A serial fraction that TR129 or TR130 fitted, and its R²."""

    fraction: float
    r2: float


@dataclass(frozen=True)
class Dataset:
    """The six lists of records, the files they come from, and what was left out, counted."""

    throughput: list[Throughput] = field(default_factory=list)
    quality: list[Quality] = field(default_factory=list)
    vram: list[Vram] = field(default_factory=list)
    latency: list[Latency] = field(default_factory=list)
    cost: list[Cost] = field(default_factory=list)
    scaling: list[Serial] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read(folder: Path) -> Dataset:
    """Every known file below a folder. Raises InputError for bad files, or when there is none."""
    data = Dataset()
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*")):
        reports = _REPORT.findall(str(path.relative_to(folder.parent).parent))
        ingest = _INGEST.get(path.name)
        if ingest is None or not reports:
            continue
        try:
            ingest(path, f"TR{reports[-1]}", data)
            data.files.append(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    if not data.files:
        place = Place(str(folder), 1, 1, 1)
        expected = " or ".join(_INGEST) + " below folders named tr123 to tr130"
        raise InputError([Problem("no-raw-files", place, "none of them", expected)])
    return data


def _cost_per_measurement(path: Path, report: str, data: Dataset) -> None:
    for row in _rows(path, ("model", "backend", "decode_tok_per_s"), data):
        tok_s = row.number("decode_tok_per_s")
        if tok_s is not None:
            data.throughput.append(Throughput(report, *row.subject, tok_s, 1))
            data.cost.append(Cost(report, *row.subject, tok_s))


def _quality_cost_merged(path: Path, report: str, data: Dataset) -> None:
    for row in _rows(path, ("model", "backend", "composite_quality"), data):
        score = row.number("composite_quality")
        if score is not None:
            data.quality.append(Quality(report, *row.subject, score))


def _metrics(path: Path, report: str, data: Dataset) -> None:
    """TR127 has contexts and memory, TR129 agents, TR128 and TR130 wall times as well."""
    for row in _rows(path, ("model",), data):
        agents = int(row.number("n_agents", default=1.0) or 1)
        tok_s = row.number("effective_tps", default=row.number("tokens_per_s", default=None))
        if tok_s is not None and report != "TR128":
            data.throughput.append(Throughput(report, *row.subject, tok_s, agents))
        context = row.number("context_length", default=None)
        peak_mb = row.number("vram_peak_mb", default=None)
        if context is not None and peak_mb is not None:
            peak_gb = peak_mb / MIB_PER_GIB
            data.vram.append(Vram(report, *row.subject, int(context), peak_gb))
        wall_ms = row.number("wall_ms", default=None)
        if wall_ms is not None and report in {"TR128", "TR130"}:
            ttft_ms = row.number("ttft_ms", default=None)
            alone = agents if row.parallel == 1 else max(agents, row.parallel)
            data.latency.append(Latency(report, *row.subject, wall_ms, ttft_ms, alone))


def _analysis(path: Path, report: str, data: Dataset) -> None:
    """Every object with a `serial_fraction`, wherever it is: TR133 does not print the layout.

    Model and backend are its own fields or the nearest keys above it that name one; R² is
    `r_squared` or `r2`.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        place = Place(str(path), getattr(error, "lineno", 1), getattr(error, "colno", 1), 1)
        raise InputError([Problem("bad-json", place, "no JSON", "a JSON document")]) from error
    for keys, entry in _serial_fractions(document, ()):
        model = model_name(str(entry.get("model") or next(filter(_is_model, keys[::-1]), "")))
        named = entry.get("backend") or next(filter(_BACKENDS.__contains__, keys[::-1]), "")
        backend = str(named) or "ollama"
        r2 = entry.get("r_squared", entry.get("r2"))
        if not model or not isinstance(r2, (int, float)):
            data.left_out["serial fraction without model or R²"] += 1
            continue
        fraction = float(entry["serial_fraction"])  # type: ignore[arg-type]
        data.scaling.append(Serial(report, model, backend, "FP16", fraction, float(r2)))


_INGEST: Mapping[str, Callable[[Path, str, Dataset], None]] = {
    "cost_per_measurement.csv": _cost_per_measurement,
    "quality_cost_merged.csv": _quality_cost_merged,
    "metrics.csv": _metrics,
    "analysis.json": _analysis,
}
_BACKENDS = ("ollama", "vllm", "tgi")


def _is_model(key: str) -> bool:
    return re.match(r"(llama|qwen|phi|gpt2)", key, re.IGNORECASE) is not None


def _serial_fractions(
    node: object, keys: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, object]]]:
    if isinstance(node, list):
        for item in node:
            yield from _serial_fractions(item, keys)
    elif isinstance(node, dict):
        if isinstance(node.get("serial_fraction"), (int, float)):
            yield keys, node
        for key, item in node.items():
            yield from _serial_fractions(item, (*keys, *str(key).split("/")))


@dataclass(frozen=True, slots=True)
class _Cells:
    """One row of a raw file."""

    path: Path
    line: int
    cells: Mapping[str, str]

    @property
    def subject(self) -> tuple[str, str, str]:
        """Model, backend and quant; files of one backend leave the backend out."""
        raw = self.cells["model"]
        quant = self.cells.get("quant") or quant_name(raw)
        return model_name(raw), self.cells.get("backend") or "ollama", quant

    @property
    def parallel(self) -> int:
        """TR128's OLLAMA_NUM_PARALLEL; 1 where it is not varied."""
        return int(self.number("num_parallel", default=1.0) or 1)

    def number(self, column: str, *, default: float | None = None) -> float | None:
        """A cell as a number; the default without such a column or value."""
        cell = self.cells.get(column, "")
        if cell == "":
            return default
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        place = Place(str(self.path), self.line, 1, 1)
        found = f"{cell!r} in column {column!r}"
        raise InputError([Problem("bad-cell", place, found, "a number")])


def _rows(path: Path, needed: tuple[str, ...], data: Dataset) -> Iterator[_Cells]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        missing = [name for name in needed if name not in (table.fieldnames or ())]
        if missing:
            place = Place(str(path), 1, 1, 1)
            raise InputError(
                Problem("missing-column", place, "no such column", f"a column {name!r}")
                for name in missing
            )
        for cells in table:
            if cells.get("status", _OK) not in {_OK, ""}:
                data.left_out["status is not ok"] += 1
                continue
            given = {name: cell or "" for name, cell in cells.items() if name}
            yield _Cells(path, table.line_num, given)
