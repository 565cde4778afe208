"""`capcheck schema`: print a JSON Schema, for editors and other programs."""

from __future__ import annotations

import click

from capcheck import schemas
from capcheck.output import print_data


@click.command("schema")
@click.argument("name", type=click.Choice(schemas.NAMES))
def command(name: str) -> None:
    """Print the JSON Schema of manifests, policies, reports or coefficients."""
    print_data(schemas.text(name))
