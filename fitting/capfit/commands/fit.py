"""`capfit fit`: the coefficients file, from the tables."""

from __future__ import annotations

import re
from pathlib import Path

import click

from capfit.artifact import document, selection, validation
from capfit.commands.options import data_option, progress, replace_file
from capfit.data.tables import read


def _day(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise click.BadParameter(f"{value!r} is not a day such as 2026-07-27")
    return value


@click.command(name="fit")
@data_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("checker/capcheck/data/coefficients.json"),
    show_default=True,
    help="The file to write.",
)
@click.option("--date", callback=_day, help="Date of the fit; the newest day of the data if left.")
def command(folder: Path, output: Path, date: str | None) -> None:
    """Fit every predictor and write the coefficients file that capcheck ships.

    The same tables and date give the same bytes. Forms are those that `capfit select` chose last,
    the accuracy in the file is what `capfit validate` recorded last.
    """
    data = read(folder)
    record, chosen = validation.load(), selection.load()
    built = document.build(data, date=date, selection=chosen, validation=record, progress=progress)
    if built["validation"]["stale"]:
        progress("the recorded accuracy is about other data: run `capfit validate`")
    for choice in chosen.choices:
        if choice.data_sha256 != data.sha256:
            progress(f"{choice.predictor}: its form was chosen on other data: run `capfit select`")
    replace_file(output, document.text(built))
    click.echo(f"{output}  version {built['version']}")
