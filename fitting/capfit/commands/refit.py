"""`capfit refit`: a user's own measurements blended into the coefficients."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path

import click
from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.predict import coefficients
from capcheck.predict.coefficients import CoefficientsError
from capcheck.registry.tables import load as built_in

from capfit.artifact.document import text
from capfit.artifact.numbers import shortened
from capfit.commands.options import progress, replace_file
from capfit.refit.blend import Blend, blend, with_classes
from capfit.refit.load import load
from capfit.refit.measurement import Measurement

LEAST_ROWS = 5


@click.command(name="refit")
@click.option(
    "--prior",
    type=click.Path(dir_okay=False, path_type=Path),
    default=coefficients.BUILT_IN,
    help="The coefficients to start from; those that capcheck ships if left.",
)
@click.option(
    "--data",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Your measurements, one CSV row each: docs/fitting.md says which columns.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The coefficients to write, for `capcheck --coefficients`.",
)
def command(prior: Path, table: Path, output: Path) -> None:
    """Blend your own measurements into the coefficients.

    A class is one engine on one GPU (decode, prefill and memory apart) or the quality of one weight
    format; it needs 5 rows at least. Every other class stays as it is, byte for byte. Exit code 2:
    a bad row, or too few of them.
    """
    try:
        before = coefficients.load(prior)
    except CoefficientsError as error:
        place = Place(str(prior), 1, 1, 1)
        problem = Problem("bad-coefficients", place, str(error), "a coefficients file")
        raise InputError([problem]) from error
    classes: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in load(table, built_in(), before):
        classes[measurement.touched].append(measurement)
    _refuse_few(table, classes)
    blends = []
    for touched, rows in sorted(classes.items()):
        progress(touched)
        blends.append(blend(touched, rows, before))
    sha256 = hashlib.sha256(table.read_bytes()).hexdigest()
    version = f"{before.version}+own.{sha256[:8]}"
    entries = {found.touched: shortened(found.entry()) for found in blends}
    after = with_classes(before, entries, version=version)
    document = json.loads(prior.read_text(encoding="utf-8"))
    document["version"] = version
    document["refit"] = {
        "prior": {"version": before.version, "sha256": before.sha256},
        "data_sha256": sha256,
        **after.sections["refit"],
    }
    replace_file(output, text(document))
    for found in blends:
        _show(found, classes[found.touched][0], before, after)
    click.echo(f"\n{output}  version {version}")


def _refuse_few(table: Path, classes: dict[str, list[Measurement]]) -> None:
    problems = [
        Problem(
            "too-few-rows",
            Place(str(table), rows[0].row.line, 1, 1),
            f"{len(rows)} of {name}",
            f"at least {LEAST_ROWS} rows of a class",
        )
        for name, rows in classes.items()
        if len(rows) < LEAST_ROWS
    ]
    if problems:
        raise InputError(problems)


def _show(
    found: Blend,
    row: Measurement,
    before: coefficients.Coefficients,
    after: coefficients.Coefficients,
) -> None:
    """How each coefficient moved, and the errors on rows left out."""
    click.echo(f"\n{found.touched}: {found.rows} rows, {', '.join(found.cells)}")
    old, new = row.values(before), row.values(after)
    for name in found.shift:
        click.echo(
            f"  {name:<17}{old[name]:.4g} -> {new[name]:.4g}"
            f"  (moved {found.shift[name]:+.3f}; sd {found.prior_sd[name]:.3f} -> "
            f"{found.sd[name]:.3f} on its fitting scale)"
        )
    click.echo(
        f"  rows left out:   mean error {found.before:.1%} -> {found.after:.1%}, "
        f"90 % interval x{found.low:.3g} to x{found.high:.3g} of {row.figure}"
    )
    if found.after > found.before:
        click.echo("  the refit does not predict your own rows better: keep the prior")
