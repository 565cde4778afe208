"""`capcheck list`: what the registry knows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import click

from capcheck.output import can_print, print_data, print_text
from capcheck.registry import tables
from capcheck.registry.listing import COLUMNS, KINDS, Cell, Kind, list_rows
from capcheck.report.pen import CHARACTERS, Pen

Row = Mapping[str, Cell]


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="JSON has every column, with the source of each row.",
)
def command(kind: Kind, words: tuple[str, ...], *, output_format: str) -> None:
    """List the models, GPUs, quants, backends or prices that capcheck knows.

    FILTER keeps the rows that contain every word, in any column of the table and any case.
    """
    columns = COLUMNS[kind]
    rows = [row for row in list_rows(tables.load(), kind) if _matches(row, columns, words)]
    if output_format == "json":
        print_data(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    elif rows:
        print_text("\n".join(_table(rows, columns)) + "\n", color=False)
    if not rows:
        click.echo(f"none of the {kind} matches {' '.join(words)!r}", err=True)


def _matches(row: Row, columns: Iterable[str], words: Iterable[str]) -> bool:
    text = "\n".join(_cell(row[column]) for column in columns).lower()
    return all(word.lower() in text for word in words)


def _table(rows: Iterable[Row], columns: tuple[str, ...]) -> list[str]:
    body = [[row[column] for column in columns] for row in rows]
    numeric = frozenset(
        index
        for index, column in enumerate(zip(*body, strict=True))
        if all(isinstance(value, int | float | None) for value in column)
    )
    pen = Pen(color=False, unicode=can_print(CHARACTERS))
    cells = [[pen.text(_cell(value)) for value in row] for row in body]
    return pen.aligned([columns, *cells], right=numeric)


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
