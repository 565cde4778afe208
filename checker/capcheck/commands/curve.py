"""`capcheck curve`: latency against traffic."""

from __future__ import annotations

from pathlib import Path

import click

from capcheck.manifest.deployment import Deployment
from capcheck.manifest.discover import find, read_manifest, reader_for, repository_root
from capcheck.manifest.load import load
from capcheck.output import can_print, print_text
from capcheck.predict import coefficients
from capcheck.predict.compose import forecast
from capcheck.predict.latency.curve import CurvePoint, curve
from capcheck.registry import tables
from capcheck.report.curve import chart, draw, rows
from capcheck.report.pen import Pen
from capcheck.resolution.resolve import resolve


@click.command("curve")
@click.argument("manifest")
@click.argument("name", required=False)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the curve of one deployment into an SVG or PNG file; needs matplotlib.",
)
def command(manifest: str, name: str | None, *, plot: Path | None) -> None:
    """Show latency against traffic, from no load to 95 % of saturation.

    NAME is one deployment of MANIFEST; default: all. Intervals are those at the stated traffic:
    90 %. A closed loop's curve is over its number of agents.
    """
    deployments = [
        deployment
        for path in find((manifest,))
        for deployment in load(
            read_manifest(path), path.as_posix(), read_file=reader_for(repository_root(path))
        )
        if name in (None, deployment.name)
    ]
    if not deployments:
        raise click.UsageError(f"there is no deployment {name!r} in {manifest}")
    if plot is not None and len(deployments) > 1:
        raise click.UsageError("--plot draws one deployment: add its NAME")
    registry, fitted = tables.load(), coefficients.load(None)
    unicode = can_print("█░")
    pen = Pen(color=False, unicode=unicode)
    blocks = []
    for deployment in deployments:
        unloaded = forecast(resolve(deployment, registry)[0], fitted)
        points = curve(unloaded)
        lines = [pen.text(deployment.name)]
        if points:
            lines += pen.aligned(rows(deployment, points), right=frozenset(range(2)))
        else:
            lines.append("  no curve: needs a known speed, prompt_tokens and output_tokens")
        if points and plot is None:
            lines += ["", "  p50 and p95 latency", *chart(points, unicode=unicode)]
        if points and plot is not None:
            _draw(deployment, points, plot)
            lines.append(f"  drawn to {plot}")
        blocks.append("\n".join(lines))
    print_text("\n\n".join(blocks) + "\n", color=False)


def _draw(deployment: Deployment, points: list[CurvePoint], plot: Path) -> None:
    try:
        draw(deployment, points, plot)
    except ImportError as error:
        raise click.UsageError("--plot needs matplotlib: pip install matplotlib") from error
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot write {plot}: {error}") from error
