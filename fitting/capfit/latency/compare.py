"""The analytic batch server against its simulation, point by point and in summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from capcheck.predict.latency.batch_server import open_loop
from capcheck.predict.latency.server import Behaviour

from capfit.latency.grid import METRICS
from capfit.latency.reference import Simulated

PARTS = ("p50", "p95", "p99")
LABELS = {"ttft_ms": "TTFT", "tpot_ms": "TPOT", "latency_ms": "latency"}


@dataclass(frozen=True, slots=True)
class Error:
    """One percentile of one point: analytic over simulated, less one, in percent.

    `margin` is the 95 % confidence half-width of the simulated p95 in percent.
    """

    row: Simulated
    metric: str
    part: str
    percent: float
    margin: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors of a group: in percent, magnitudes but for the two worst ends."""

    group: str
    set_name: str
    metric: str
    part: str
    count: int
    median: float
    ninetieth: float
    lowest: float
    highest: float
    low_share: float  # more than 10 % too low, beyond what the simulation leaves open


# The groups of the report: a name, and which points.
GROUPS: tuple[tuple[str, Callable[[Simulated], bool]], ...] = (
    ("open, load up to 0.9", lambda row: row.point.load is not None and row.point.load <= 0.9),
    ("open, load 0.95", lambda row: row.point.load is not None and row.point.load > 0.9),
    ("closed", lambda row: row.point.agents is not None),
)


def predicted(row: Simulated) -> Behaviour:
    """The analytic answer at the rate that was simulated."""
    if row.point.agents is not None:
        return row.point.predict()
    return open_loop(
        row.point.server,
        requests_per_second=row.requests_per_second,
        prompt=row.point.prompt,
        output=row.point.output,
    )


def errors(rows: Iterable[Simulated]) -> list[Error]:
    """Every percentile of every point that the model has an answer for; 100 % low where not."""
    found = []
    for row in rows:
        behaviour = predicted(row)
        for metric in METRICS:
            simulated = row.percentiles[metric]
            margin = 100.0 * row.margin[metric] / simulated.p95
            for part in PARTS:
                answer = getattr(behaviour, metric)
                # No answer is "unstable": an infinite latency.
                percent = (
                    100.0 * (getattr(answer, part) / getattr(simulated, part) - 1.0)
                    if (answer is not None)
                    else float("inf")
                )
                found.append(Error(row, metric, part, percent, margin))
    return found


def summaries(found: Sequence[Error]) -> list[Summary]:
    """By group, set, metric and percentile."""
    sets = dict.fromkeys(error.row.set_name for error in found)
    out = []
    for group, belongs in GROUPS:
        for metric in METRICS:
            for part in PARTS:
                for name in sets:
                    chosen = [
                        error
                        for error in found
                        if error.row.set_name == name
                        and (error.metric, error.part) == (metric, part)
                        and belongs(error.row)
                    ]
                    if chosen:
                        out.append(_summary(group, name, chosen))
    return out


def _summary(group: str, set_name: str, chosen: Sequence[Error]) -> Summary:
    signed = sorted(error.percent for error in chosen)
    sizes = sorted(abs(percent) for percent in signed)
    low = sum(error.percent + error.margin < -10.0 for error in chosen)
    return Summary(
        group,
        set_name,
        chosen[0].metric,
        chosen[0].part,
        len(chosen),
        median(sizes),
        sizes[min(len(sizes) - 1, int(0.9 * len(sizes)))],
        signed[0],
        signed[-1],
        low / len(chosen),
    )


def table(found: Sequence[Summary]) -> str:
    """A Markdown table."""
    lines = [
        "| points | set | metric | n | median | 90th | lowest | highest | > 10 % low |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {one.group} | {one.set_name} | {LABELS[one.metric]} {one.part} | {one.count} "
        f"| {one.median:.1f} % | {one.ninetieth:.1f} % | {one.lowest:+.0f} % "
        f"| {one.highest:+.0f} % | {100 * one.low_share:.0f} % |"
        for one in found
    ]
    return "\n".join(lines) + "\n"
