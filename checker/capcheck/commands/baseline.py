"""`capcheck baseline`: record what is there already."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from capcheck.baseline import pruned, read_baseline, recorded, text_of
from capcheck.commands.options import environment_option, policy_option
from capcheck.exit_codes import ExitCode
from capcheck.output import OutputError, write_file
from capcheck.run import Options, run

DEFAULT_FILE = Path(".capcheck-baseline.json")


@click.command("baseline")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    help="The file to write.",
)
@click.option("--prune", is_flag=True, help="Only take out of the file what is fixed by now.")
@environment_option
@policy_option
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), hidden=True)
def command(
    paths: tuple[str, ...],
    *,
    output: Path,
    prune: bool,
    environment: str | None,
    policy: Path | None,
    today: datetime | None,
) -> int:
    """Record today's findings: `capcheck check --baseline FILE` lets only others count.

    A finding is known by its rule, its deployment and what it is about, never by a line.
    """
    known = read_baseline(output) if prune else None
    options = Options(
        fail_on=None,
        now=today.replace(tzinfo=timezone.utc) if today else datetime.now(timezone.utc),
        alternatives=False,
        environment=environment,
        policy=policy,
    )
    report = run(paths or (".",), options).report
    for problem in report.problems:
        click.echo(f"error: {problem}", err=True)
    if report.problems:
        return ExitCode.BAD_INPUT
    if not report.files:
        click.echo("error: no manifest found", err=True)
        return ExitCode.NOTHING_FOUND
    kept = recorded(report) if known is None else pruned(known, report)
    try:
        write_file(output, text_of(kept))
    except OutputError as error:
        click.echo(f"error: {error}", err=True)
        return ExitCode.BAD_INPUT
    gone = f", {len(known) - len(kept):,} pruned" if known is not None else ""
    click.echo(f"{output}: {len(kept):,} findings recorded{gone}")
    return ExitCode.OK
