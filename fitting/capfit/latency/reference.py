"""The simulated grid as a table: points, their rates, percentiles with confidence intervals."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Percentiles

from capfit.latency.grid import METRICS, Point, Timings
from capfit.latency.trace import percentiles_of

TABLE = Path(__file__).parent / "grid.csv"
PARTS = ("mean", "p50", "p95", "p99")
# Student's t, 97.5 %, by degrees of freedom.
STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36}


@dataclass(frozen=True, slots=True)
class Simulated:
    """One point of a set, its rate in requests/s (0 when closed), and what was simulated.

    `percentiles` by metric are means over replications; `margin` is the 95 % confidence half-width
    of a metric's p95.
    """

    set_name: str
    point: Point
    requests_per_second: float
    percentiles: Mapping[str, Percentiles]
    margin: Mapping[str, float]


def simulate_point(point: Point, set_name: str, *, replications: int = 4) -> Simulated:
    """Replications with seeds 0, 1, ...; more requests where the load makes them vary more."""
    requests = _requests(point)
    rate = point.requests_per_second
    runs = [point.simulate(requests=requests, seed=seed) for seed in range(replications)]
    percentiles, margin = {}, {}
    for metric in METRICS:
        each = [percentiles_of(getattr(run, metric)) for run in runs]
        percentiles[metric] = Percentiles(
            *(fmean(getattr(one, part) for one in each) for part in ("mean", "p50", "p90")),
            *(fmean(getattr(one, part) for one in each) for part in ("p95", "p99")),
        )
        spread = stdev(one.p95 for one in each) / math.sqrt(replications)
        margin[metric] = STUDENT[replications - 1] * spread
    return Simulated(set_name, point, rate, percentiles, margin)


def _requests(point: Point) -> int:
    if point.agents is not None:
        return max(8_000, min(60_000, 200 * point.agents))
    return 20_000 if (point.load or 0.0) < 0.85 else 80_000


def write(rows: Iterable[Simulated], path: Path = TABLE) -> None:
    """The table, one line a point."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            cells = _cells(row)
            if writer is None:
                writer = csv.DictWriter(file, list(cells), lineterminator="\n")
                writer.writeheader()
            writer.writerow(cells)


def read(path: Path = TABLE) -> Sequence[Simulated]:
    """The committed table."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(_row(cells) for cells in csv.DictReader(file))


def _cells(row: Simulated) -> dict[str, str]:
    point, timings = row.point, row.point.timings
    cells: dict[str, object] = {
        "set": row.set_name,
        "load": point.load,
        "agents": point.agents,
        "think_time_s": point.think_time_s,
        "slots": point.slots,
        "kv_tokens": point.kv_tokens,
        "chunked": int(point.chunked),
        "budget": point.budget,
        "prompt": point.prompt.mean,
        "prompt_cv": point.prompt.cv,
        "output": point.output.mean,
        "output_cv": point.output.cv,
        "step": timings.step,
        "per_sequence": timings.per_sequence,
        "per_cached_token": timings.per_cached_token,
        "prefill": timings.prefill,
        "per_prompt_token": timings.per_prompt_token,
        "requests_per_second": row.requests_per_second,
    }
    for metric in METRICS:
        for part in ("mean", "p50", "p90", "p95", "p99"):
            cells[f"{metric}_{part}"] = getattr(row.percentiles[metric], part)
        cells[f"{metric}_p95_margin"] = row.margin[metric]
    return {name: _text(value) for name, value in cells.items()}


def _row(cells: Mapping[str, str]) -> Simulated:
    def number(name: str) -> float:
        return float(cells[name])

    point = Point(
        timings=Timings(
            *(number(name) for name in ("step", "per_sequence", "per_cached_token")),
            *(number(name) for name in ("prefill", "per_prompt_token")),
        ),
        slots=int(cells["slots"]),
        chunked=cells["chunked"] == "1",
        budget=int(cells["budget"]),
        kv_tokens=number("kv_tokens") if cells["kv_tokens"] else None,
        prompt=Lengths(number("prompt"), number("prompt_cv")),
        output=Lengths(number("output"), number("output_cv")),
        load=number("load") if cells["load"] else None,
        agents=int(cells["agents"]) if cells["agents"] else None,
        think_time_s=number("think_time_s"),
    )
    parts = ("mean", "p50", "p90", "p95", "p99")
    return Simulated(
        cells["set"],
        point,
        number("requests_per_second"),
        {
            metric: Percentiles(*(number(f"{metric}_{part}") for part in parts))
            for metric in METRICS
        },
        {metric: number(f"{metric}_p95_margin") for metric in METRICS},
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def simulated(sets: Mapping[str, Sequence[Point]], *, jobs: int) -> Iterator[Simulated]:
    """Every point of every set, in order, on `jobs` processes."""
    from concurrent.futures import ProcessPoolExecutor

    points = [point for chosen in sets.values() for point in chosen]
    names = [name for name, chosen in sets.items() for _ in chosen]
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(simulate_point, points, names)
