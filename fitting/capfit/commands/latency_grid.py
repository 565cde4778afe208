"""`capfit latency-grid`: the analytic latency model against its simulation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from capfit.latency.compare import Error


@click.command(name="latency-grid")
@click.option(
    "--simulate",
    is_flag=True,
    help="Simulate the grid again (some twenty minutes) instead of reading the committed table.",
)
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
@click.option(
    "--count", type=click.IntRange(3), default=240, show_default=True, help="Points a set."
)
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table of simulated points. Default: the committed one.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the summary as a Markdown table.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw analytic over simulated p95 (SVG or PNG); needs matplotlib.",
)
@click.option("--worst", type=click.IntRange(0), default=5, show_default=True)
def command(
    *,
    simulate: bool,
    jobs: int,
    count: int,
    table: Path | None,
    markdown: Path | None,
    plot: Path | None,
    worst: int,
) -> None:
    """Compare the analytic latency model with its discrete-event simulation.

    Two seeded sets of points: the model was developed against the first, the second was held out.
    """
    from capfit.latency import compare, grid, reference
    from capfit.latency.plot import draw_comparison

    path = table or reference.TABLE
    if simulate:
        sets = {name: list(grid.points(count=count, seed=grid.SEEDS[name])) for name in grid.SEEDS}
        total = sum(len(chosen) for chosen in sets.values())
        with click.progressbar(
            reference.simulated(sets, jobs=jobs), length=total, label="simulating"
        ) as rows:
            reference.write(rows, path)
    errors = compare.errors(reference.read(path))
    text = compare.table(compare.summaries(errors))
    click.echo(text)
    for metric in grid.METRICS:
        chosen = [one for one in errors if one.metric == metric and one.part == "p95"]
        chosen.sort(key=lambda one: -abs(one.percent))
        for one in chosen[:worst]:
            click.echo(f"{compare.LABELS[metric]} p95 {one.percent:+.0f} %: {describe(one)}")
    if markdown is not None:
        markdown.write_text(text, encoding="utf-8")
    if plot is not None:
        draw_comparison(errors, plot)


def describe(error: Error) -> str:
    """One line about a point."""
    point = error.row.point
    load = f"load {point.load}" if point.agents is None else f"{point.agents} agents"
    return (
        f"{error.row.set_name}, {load}, {point.slots} slots, prompt {point.prompt.mean:.0f} "
        f"(cv {point.prompt.cv}), output {point.output.mean:.0f} (cv {point.output.cv}), "
        f"{'chunks of ' + str(point.budget) if point.chunked else 'not chunked'}"
        f"{'' if point.kv_tokens is None else ', KV-limited'}; "
        f"simulation +-{error.margin:.0f} %"
    )
