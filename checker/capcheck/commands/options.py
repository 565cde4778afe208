"""What the commands that print a report have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from capcheck.output import Color, can_print, print_data, print_text, use_color
from capcheck.report import FORMATS, Document, Style
from capcheck.report.pen import CHARACTERS
from capcheck.report.style import Detail

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def display_options(command: Decorated) -> Decorated:
    """`--format`, `--color`, `-q` and `-v`, as `output_format`, `color`, `quiet` and `verbose`."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Show every figure and remark."),
        click.option("-q", "--quiet", is_flag=True, help="Show the verdict only."),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            help="Color the terminal format. NO_COLOR and FORCE_COLOR work too.",
        ),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(tuple(FORMATS)),
            default="terminal",
            show_default=True,
            help="What to print.",
        ),
    ):
        command = option(command)
    return command


environment_option = click.option(
    "--env",
    "environment",
    metavar="NAME",
    help="Check the deployments as they are in this environment of the manifests.",
)


jobs_option = click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(0, 256),
    default=0,
    help="Processes to use. Default: one a core, where there are many deployments.",
)


policy_option = click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The organisation's policy. Default: .github/capcheck-policy.yaml, else "
    "capcheck-policy.yaml, in the repository.",
)


def detail(*, quiet: bool, verbose: bool) -> Detail:
    """How much to show. Raises UsageError when both are asked for."""
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other")
    return "quiet" if quiet else "verbose" if verbose else "normal"


def print_report(
    document: Document,
    *,
    output_format: str,
    color: Color,
    detail: Detail,
    sources: Mapping[str, Sequence[str]],
) -> None:
    """Print the document on standard output. `sources` are the manifests' lines, for excerpts."""
    style = Style(
        color=use_color(color, os.environ, is_terminal=sys.stdout.isatty()),
        unicode=can_print(CHARACTERS),
        detail=detail,
        sources=sources,
    )
    text = FORMATS[output_format](document, style)
    if output_format == "terminal":
        print_text(text, color=style.color)
    else:
        print_data(text)
