"""`capcheck fix`: write the smallest change that passes into a manifest."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import click

from capcheck.edit.change import Change, apply
from capcheck.edit.diff import unified
from capcheck.errors import InputError
from capcheck.exit_codes import ExitCode
from capcheck.output import OutputError, print_data, write_file
from capcheck.recheck import passing
from capcheck.report import to_document
from capcheck.report.document import Deployment
from capcheck.report.escape import clip, plain
from capcheck.report.figures import change, saving
from capcheck.report.fix import changes, smallest_fix
from capcheck.run import Options, Outcome, run
from capcheck.source.nearest import nearest


@click.command("fix")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the change as a diff and write nothing.")
@click.option("--deployment", metavar="NAME", help="Fix this one only. Default: all that need it.")
def command(file: Path, *, dry_run: bool, deployment: str | None) -> int:
    """Write the smallest change that passes into FILE, for every deployment that does not pass.

    It is the first alternative of `capcheck suggest` that can be written. Comments, quotes and
    indentation stay as they are. The changed text is checked before it is written. The exit code is
    0 when everything passes then, 1 when something does not.
    """
    before = file.read_bytes()
    options = Options(fail_on=(), now=datetime.now().astimezone(timezone.utc))
    outcome = _checked(file, options)
    wanted = _wanted(to_document(outcome.report)["deployments"], deployment)
    (path, lines), *_ = outcome.sources.items()
    text = "\n".join(lines)
    made: list[Change] = []
    fixed: set[str] = set()
    for one in wanted:
        fix = smallest_fix(one)
        if fix is not None:
            made += changes(fix, text)
            fixed.add(one["name"])
    changed = apply(text, made)
    if fixed and (wrong := fixed - passing(path, changed, options)):
        failed = plain(", ".join(sorted(wrong)))
        click.echo(f"error: {failed}: does not pass once changed; nothing is written", err=True)
        return ExitCode.FAILED
    if dry_run:
        print_data(unified(text, made, path))
    elif made:
        _write(file, before, changed)
    _say(wanted, dry_run=dry_run)
    return ExitCode.FAILED if any(not _is_settled(one) for one in wanted) else ExitCode.OK


def _checked(file: Path, options: Options) -> Outcome:
    outcome = run((str(file),), options)
    if outcome.report.problems:
        raise InputError(outcome.report.problems)
    return outcome


def _wanted(deployments: Sequence[Deployment], name: str | None) -> list[Deployment]:
    if name is None:
        return list(deployments)
    found = [one for one in deployments if one["name"] == name]
    if not found:
        near = nearest(name, [one["name"] for one in deployments])
        hint = f"; did you mean {near!r}?" if near else ""
        raise click.BadParameter(f"there is no deployment {name!r}{hint}", param_hint="deployment")
    return found


def _write(file: Path, before: bytes, text: str) -> None:
    """Raises ClickException when the file has changed meanwhile, or can't be written."""
    if file.read_bytes() != before:
        raise click.ClickException(f"{file} was changed meanwhile; nothing is written")
    mark = codecs.BOM_UTF8.decode() if before.startswith(codecs.BOM_UTF8) else ""
    try:
        write_file(file, mark + text)
    except OutputError as error:
        raise click.UsageError(str(error)) from error


def _is_settled(deployment: Deployment) -> bool:
    return deployment["verdict"] == "pass" or smallest_fix(deployment) is not None


def _say(deployments: Iterable[Deployment], *, dry_run: bool) -> None:
    """One line a deployment, on standard error beside a diff."""
    for one in deployments:
        click.echo(f"{plain(clip(one['name']))}: {_told(one)}", err=dry_run)


def _told(deployment: Deployment) -> str:
    if deployment["verdict"] == "pass":
        return "passes, nothing to fix"
    fix = smallest_fix(deployment)
    if fix is not None:
        asks = "".join(f"; needs {what}" for what in fix["needs"])
        money = saving(fix)
        return plain(f"{change(fix['edits'])}: passes{f', {money}' if money else ''}{asks}")
    refused = [way["refused"] for way in deployment["alternatives"] if way["refused"]]
    if refused:
        return plain(f"not changed: {refused[0]}")
    why = deployment["nothing_passes"] or "no change is known that would pass"
    return plain(f"not changed: {why}")
