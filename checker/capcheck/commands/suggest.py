"""`capcheck suggest`: what would pass, and cost less."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from capcheck.commands.options import detail, display_options, environment_option, print_report
from capcheck.exit_codes import ExitCode
from capcheck.output import Color
from capcheck.report import to_document
from capcheck.run import Options, run
from capcheck.search.find import SHOWN


@click.command("suggest")
@click.argument("paths", nargs=-1, metavar="PATH...", required=True)
@display_options
@environment_option
@click.option("--all", "every", is_flag=True, help=f"All that pass, not the best {SHOWN}.")
def command(
    paths: tuple[str, ...],
    *,
    every: bool,
    environment: str | None,
    output_format: str,
    color: Color,
    quiet: bool,
    verbose: bool,
) -> int:
    """Look for cheaper configurations that surely pass, for every deployment in PATH.

    Nothing is gated: the exit code is 0 when the manifests could be read.
    """
    options = Options(
        fail_on=(),
        now=datetime.now().astimezone(timezone.utc),
        shown=None if every else SHOWN,
        environment=environment,
    )
    outcome = run(paths, options)
    document = to_document(outcome.report)
    print_report(
        document,
        output_format=output_format,
        color=color,
        detail=detail(quiet=quiet, verbose=verbose or every),
        sources=outcome.sources,
    )
    return ExitCode.BAD_INPUT if outcome.report.problems else document["exit_code"]
