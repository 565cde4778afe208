"""`capcheck render`: a saved report in another format."""

from __future__ import annotations

from pathlib import Path

import click

from capcheck.commands.options import detail, display_options, print_report
from capcheck.output import Color
from capcheck.report import read


@click.command("render")
@click.argument(
    "report", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
)
@display_options
def command(report: Path, *, output_format: str, color: Color, quiet: bool, verbose: bool) -> None:
    """Print a saved JSON report in another format.

    The report is checked against `capcheck schema report` first. The exit code says whether that
    worked, not what the report's verdict was.
    """
    text = report.read_bytes().decode("utf-8-sig", "replace")
    print_report(
        read(text, path=str(report)),
        output_format=output_format,
        color=color,
        detail=detail(quiet=quiet, verbose=verbose),
        sources={},
    )
