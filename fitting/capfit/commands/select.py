"""`capfit select`: the form of every predictor, by its error on groups held out."""

from __future__ import annotations

from pathlib import Path

import click

from capfit.artifact import choose, selection
from capfit.commands.options import data_option, progress, replace_file
from capfit.data.tables import read


@click.command(name="select")
@data_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=selection.COMMITTED,
    help="The record to write; choices of other predictors in it are kept.",
)
@click.option(
    "--predictor",
    "predictors",
    multiple=True,
    type=click.Choice(tuple(selection.CANDIDATES)),
    help="Only this predictor (may be given several times).",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Forms that are tried at the same time.",
)
def command(folder: Path, output: Path, predictors: tuple[str, ...], jobs: int) -> None:
    """Try every declared form on groups held out, and record the best for `capfit fit`."""
    data, record = read(folder), selection.load(output)
    for predictor in predictors or tuple(selection.CANDIDATES):
        choice = choose.choose(data, predictor, progress, jobs=jobs)
        record = record.with_choice(choice)
        click.echo(f"\n{predictor} ({choice.held_out})")
        for candidate in sorted(choice.candidates, key=lambda each: (each.baseline, each.error)):
            mark = "*" if candidate.form == choice.chosen and not candidate.baseline else " "
            kind = "baseline: " if candidate.baseline else ""
            click.echo(
                f"{mark} {candidate.error:8.4f}  n {candidate.n}, {candidate.groups} groups  "
                f"{kind}{candidate.form}"
            )
    replace_file(output, record.text())
