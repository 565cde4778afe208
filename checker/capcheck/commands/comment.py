"""`capcheck comment`: a saved report onto its pull request."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import click

from capcheck.action.posting import SAID
from capcheck.action.workflow import read as workflow_of
from capcheck.exit_codes import ExitCode
from capcheck.github.client import Client
from capcheck.github.errors import GitHubError
from capcheck.github.publish import WHEN, When, publish
from capcheck.github.pulls import Pull
from capcheck.report import read
from capcheck.report.marker import DEFAULT_ID, ID_PATTERN


def _repository(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", value, re.ASCII):
        raise click.BadParameter(f"found {value!r}, expected OWNER/NAME")
    return value


def _id(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not re.fullmatch(ID_PATTERN, value):
        raise click.BadParameter("expected at most 64 letters, digits, '.', '_' and '-'")
    return value


@click.command("comment")
@click.argument(
    "report", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
)
@click.option("--pull", type=click.IntRange(min=1), required=True, help="Its number.")
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    envvar="GITHUB_REPOSITORY",
    required=True,
    callback=_repository,
    help="Default: GITHUB_REPOSITORY.",
)
@click.option("--sha", metavar="COMMIT", help="The commit that was judged. Default: the report's.")
@click.option(
    "--id",
    "comment_id",
    default=DEFAULT_ID,
    callback=_id,
    show_default=True,
    help="Tells several comments apart.",
)
@click.option(
    "--when",
    type=click.Choice(WHEN),
    default="auto",
    show_default=True,
    help="auto begins once there is something to say.",
)
def command(
    report: Path, *, pull: int, repository: str, sha: str | None, comment_id: str, when: When
) -> int:
    """Write a saved report into capcheck's comment on a pull request.

    The token is GITHUB_TOKEN. Nothing is written when the pull request is closed, has a newer
    commit than the one that was judged, or when a newer run has written already.
    """
    text = report.read_bytes().decode("utf-8-sig", "replace")
    document = read(text, path=str(report))
    judged = sha or document["run"]["head"]
    if judged is None:
        raise click.UsageError("the report names no commit: judge with --base, or give --sha")
    run = workflow_of(os.environ)
    run = replace(run, repository=repository, event=replace(run.event, head_sha=judged))
    try:
        client = Client(token=os.environ.get("GITHUB_TOKEN", ""), api_url=run.api_url)
        posted = publish(client, Pull(repository, pull), document, run.style(comment_id), when=when)
    except GitHubError as error:
        click.echo(f"error: the comment was not written: {error}", err=True)
        return ExitCode.BAD_INPUT
    click.echo(SAID[posted.outcome] + (f" ({posted.url})" if posted.url else ""))
    return ExitCode.OK
