"""`capfit data`: what became of every row of the measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from capfit.data.names import Unresolved
from capfit.data.tables import MEASURED, REFERENCE, SCORED, read


@click.command(name="data")
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("fitting/data"),
    show_default=True,
    help="The folder of tables.",
)
def command(folder: Path) -> None:
    """Show what became of every row of the measurements.

    Per table: its rows, the cells that fits are made on, the labels (fits, spill, out of memory),
    what was rejected and why, and every name that the registry does not know.
    """
    data = read(folder)
    click.echo(f"{folder}  sha256 {data.sha256}")
    for table in MEASURED:
        found = data.cells(table)
        outcomes = Counter(label.outcome for label in found.labels)
        reasons = Counter(rejected.reason for rejected in found.rejected)
        _show(table.table, len(data.rows(table)), len(found.kept), outcomes, reasons)
        _show_unresolved(found.unresolved)
    for scored in SCORED:
        graded = data.scores(scored)
        reasons = Counter(rejected.reason for rejected in graded.rejected)
        _show(scored.table, len(data.rows(scored)), len(graded.kept), Counter(), reasons)
        _show_unresolved(graded.unresolved)
    for reference in REFERENCE:
        click.echo(f"\n{reference.table}: {_counted(len(data.rows(reference)), 'row')}, no cells")


def _show(
    table: str, rows: int, kept: int, labels: Mapping[str, int], reasons: Mapping[str, int]
) -> None:
    click.echo(f"\n{table}: {_counted(rows, 'row')}, {_counted(kept, 'cell')}")
    for title, counts in (("labels", labels), ("rejected", reasons)):
        if counts:
            click.echo(f"  {title + ':':<12}{_listed(counts.items())}")


def _show_unresolved(unresolved: Mapping[Unresolved, int]) -> None:
    kinds = dict.fromkeys(sorted(name.kind for name in unresolved))
    for kind in kinds:
        names = {name.text or name.reason: n for name, n in unresolved.items() if name.kind == kind}
        click.echo(f"  {'no ' + kind + ':':<12}{_listed(names.items())}")


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    ranked = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {count}" for name, count in ranked)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
