"""`capcheck inspect`: what native files say, and what they do not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from capcheck.commands.options import policy_option
from capcheck.errors import InputError, Problem
from capcheck.exit_codes import ExitCode
from capcheck.manifest.discover import find, read_manifest
from capcheck.output import Color, can_print, print_data, print_text, use_color
from capcheck.policies import gpu_labels
from capcheck.report.inspection import to_json, to_text
from capcheck.report.pen import CHARACTERS, Pen
from capcheck.source.native.registry import Inspection, inspect
from capcheck.source.text import decode


@click.command("inspect")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="What to print.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Color the terminal format. NO_COLOR and FORCE_COLOR work too.",
)
@policy_option
def command(
    files: tuple[str, ...], *, output_format: str, color: Color, policy: Path | None
) -> int:
    """Show what native files say about LLM deployments, each fact with its place.

    FILE is a Kubernetes object, a Compose file, Helm values and so on; `capcheck inspect` knows it
    by its content. Every file is read by itself; what the node labels of your clusters mean is
    taken from the policy's gpu_labels. The exit code is 2 when a file, or a document in
    it, can't be read; what could be read is printed all the same.
    """
    inspections: list[Inspection] = []
    problems: list[Problem] = []
    for name in files:
        try:
            inspections.append(_inspect(name, policy))
        except InputError as error:
            problems += error.problems
    problems += [problem for inspection in inspections for problem in inspection.problems]
    if output_format == "json":
        print_data(json.dumps(to_json(inspections), indent=2, ensure_ascii=False) + "\n")
    else:
        colored = use_color(color, os.environ, is_terminal=sys.stdout.isatty())
        pen = Pen(color=colored, unicode=can_print(CHARACTERS))
        print_text(to_text(inspections, pen), color=colored)
    for problem in dict.fromkeys(problems):
        click.echo(f"error: {problem}", err=True)
    return ExitCode.BAD_INPUT if problems else ExitCode.OK


def _inspect(name: str, policy: Path | None) -> Inspection:
    if Path(name).is_dir():
        raise click.UsageError(f"{name!r} is a directory; inspect reads files")
    (path,) = find((name,))
    text = decode(read_manifest(path), path.as_posix())
    return inspect({path.as_posix(): text}, labels=gpu_labels(policy, (path,)))
