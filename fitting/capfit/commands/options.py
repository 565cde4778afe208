"""Options that several subcommands take, and how they report progress and failure to write."""

from __future__ import annotations

from pathlib import Path

import click
from capcheck.errors import InputError, Problem
from capcheck.place import Place

from capfit.artifact.document import write

data_option = click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("fitting/data"),
    show_default=True,
    help="The folder of tables.",
)


def progress(text: str) -> None:
    """One line on standard error."""
    click.echo(f"  {text}", err=True)


def replace_file(path: Path, content: str) -> None:
    """Write a whole file or nothing. Raises InputError where it cannot be written."""
    try:
        write(path, content)
    except OSError as error:
        place = Place(str(path), 1, 1, 1)
        reason = error.strerror or str(error)
        raise InputError(
            [Problem("unwritable-file", place, reason, "a place to write to")]
        ) from error
