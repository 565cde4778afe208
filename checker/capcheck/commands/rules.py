"""`capcheck rules`: every rule in one list."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from capcheck.output import can_print, print_data, print_text
from capcheck.report.pen import CHARACTERS, Pen
from capcheck.rules.catalogue import CATALOGUE
from capcheck.rules.reference import help_uri


@click.command("rules")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="JSON has why, how, fix and examples as well.",
)
def command(*, output_format: str) -> None:
    """List the rules that a deployment is held against."""
    if output_format == "json":
        rules = [{**asdict(rule), "help_uri": help_uri(rule.id)} for rule in CATALOGUE]
        print_data(json.dumps(rules, indent=2, ensure_ascii=False) + "\n")
        return
    pen = Pen(color=False, unicode=can_print(CHARACTERS))
    rows = [[rule.id, rule.severity, rule.gate or "-", pen.text(rule.title)] for rule in CATALOGUE]
    table = pen.aligned([("rule", "severity", "gate", "says"), *rows], right=frozenset())
    print_text("".join(f"{line}\n" for line in table), color=False)
