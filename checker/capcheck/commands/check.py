"""`capcheck check`: judge manifests."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import click

from capcheck import schemas
from capcheck.baseline import read_baseline, with_baseline
from capcheck.commands.options import (
    detail,
    display_options,
    environment_option,
    jobs_option,
    policy_option,
    print_report,
)
from capcheck.compare.model import COMPARED
from capcheck.exit_codes import ExitCode
from capcheck.finding import Verdict
from capcheck.output import Color, OutputError, check_writable, write_file
from capcheck.predict import coefficients
from capcheck.predict.coefficients import CoefficientsError
from capcheck.report import FORMATS, Document, Style, to_document
from capcheck.run import Options, run
from capcheck.verdicts import DEFAULT_FAIL_ON, VerdictError, parse_verdicts


def _verdicts(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[Verdict, ...] | None:
    if value is None:
        return None
    try:
        return parse_verdicts(value)
    except VerdictError as error:
        raise click.BadParameter(str(error)) from error


def _destinations(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[Path, str]:
    """Formats by the files they go to."""
    destinations: dict[Path, str] = {}
    for value in values:
        output_format, _, name = value.partition("=")
        if not name or output_format not in FORMATS:
            expected = f"FORMAT=FILE with FORMAT one of {', '.join(FORMATS)}"
            raise click.BadParameter(f"found {value!r}, expected {expected}")
        path = Path(name)
        if path in destinations:
            raise click.BadParameter(f"two formats go to {name}")
        try:
            check_writable(path)
        except OutputError as error:
            raise click.BadParameter(str(error)) from error
        destinations[path] = output_format
    return destinations


def _coefficients(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Somebody's own file: held against the schema, which ours need not be at every start."""
    if value is None:
        return None
    try:
        coefficients.load(value)
    except CoefficientsError as error:
        raise click.BadParameter(str(error)) from error
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    validator = Draft202012Validator(json.loads(schemas.text("coefficients")))
    wrong = best_match(validator.iter_errors(json.loads(value.read_bytes())))
    if wrong is not None:
        where = f"{value} at {wrong.json_path}"
        hint = "see `capcheck schema coefficients`"
        raise click.BadParameter(f"{where}: {wrong.message[:200]} ({hint})")
    return value


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@display_options
@environment_option
@click.option(
    "--output",
    "outputs",
    metavar="FORMAT=FILE",
    multiple=True,
    callback=_destinations,
    help="Write a format to a file besides. May be repeated.",
)
@click.option(
    "--fail-on",
    metavar="LIST",
    callback=_verdicts,
    help="Verdicts that make the exit code 1: pass, borderline, fail, cannot-predict. Empty: none. "
    f"Adds to those of a policy.  [default: the policy's, else {DEFAULT_FAIL_ON}]",
)
@click.option("--allow-empty", is_flag=True, help="Accept that no manifest is found.")
@click.option(
    "--no-alternatives", is_flag=True, help="Do not look for cheaper configurations or headroom."
)
@click.option(
    "--base",
    metavar="REF",
    help="Compare with this commit: only what is new or worse counts, by the limits stated there.",
)
@policy_option
@click.option(
    "--baseline",
    "baseline_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Findings that `capcheck baseline` recorded in this file do not count.",
)
@jobs_option
@click.option(
    "--coefficients",
    "coefficients_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_coefficients,
    help="Use these coefficients instead of those shipped.",
)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    hidden=True,
    help="Judge as of this day and date the report so: equal runs give equal bytes.",
)
def command(
    paths: tuple[str, ...],
    *,
    outputs: dict[Path, str],
    fail_on: tuple[Verdict, ...] | None,
    allow_empty: bool,
    no_alternatives: bool,
    base: str | None,
    jobs: int,
    policy: Path | None,
    baseline_file: Path | None,
    coefficients_file: Path | None,
    today: datetime | None,
    environment: str | None,
    output_format: str,
    color: Color,
    quiet: bool,
    verbose: bool,
) -> int:
    """Judge the deployments in manifests and native files.

    PATH is a manifest or a native file (Kubernetes, Compose ...), or a directory: there the files
    named capcheck.yaml, capcheck.yml, *.capcheck.yaml and *.capcheck.yml are read, and native files
    that none of them refers to. Default: the current directory.
    """
    how_much = detail(quiet=quiet, verbose=verbose)
    options = Options(
        fail_on=fail_on,
        now=today.replace(tzinfo=timezone.utc) if today else datetime.now(timezone.utc),
        alternatives=not no_alternatives,
        coefficients=coefficients_file,
        environment=environment,
        base=base,
        jobs=jobs,
        policy=policy,
    )
    if base is not None and baseline_file is not None:
        raise click.UsageError("--base and --baseline exclude each other: both say what is old")
    recorded = read_baseline(baseline_file) if baseline_file else None
    outcome = run(paths or (".",), options)
    report = with_baseline(outcome.report, recorded) if recorded else outcome.report
    document = to_document(report, allow_empty=allow_empty)
    not_written = _write(document, outputs, Style(detail=how_much, sources=outcome.sources))
    print_report(
        document,
        output_format=output_format,
        color=color,
        detail=how_much,
        sources=outcome.sources,
    )
    if output_format != "terminal" or quiet:
        for problem in outcome.report.problems:
            click.echo(f"error: {problem}", err=True)
    compared = document["run"]["comparison"]
    if compared not in (None, COMPARED):
        click.echo(f"warning: no comparison: {compared}", err=True)
    for message in not_written:
        click.echo(f"error: {message}", err=True)
    return ExitCode.BAD_INPUT if not_written else document["exit_code"]


def _write(document: Document, outputs: dict[Path, str], style: Style) -> list[str]:
    """Write every file that can be written; what went wrong with the others."""
    failures = []
    for path, output_format in outputs.items():
        try:
            write_file(path, FORMATS[output_format](document, style))
        except OutputError as error:
            failures.append(str(error))
    return failures
