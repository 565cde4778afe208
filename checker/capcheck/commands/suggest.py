"""`capcheck suggest`: what would pass, and cost less."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import get_args

import click

from capcheck.commands.options import (
    detail,
    display_options,
    environment_option,
    jobs_option,
    policy_option,
    print_report,
)
from capcheck.exit_codes import ExitCode
from capcheck.output import Color, OutputError, check_writable
from capcheck.predict.economics import Rates
from capcheck.report import to_document
from capcheck.run import Options, run
from capcheck.search.ranking import Ranking
from capcheck.search.wanted import SHOWN, Wanted


class Prices(click.ParamType):  # type: ignore[type-arg] # generic in new releases only
    """`OUT` or `IN/OUT`: dollars per million tokens."""

    name = "[IN/]OUT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float | None, float]:
        """Both prices; the first is None when only one is given."""
        parts = str(value).split("/")
        try:
            prices = [float(part) for part in parts]
        except ValueError:
            prices = []
        if len(prices) not in (1, 2) or any(not 0 <= price < 1e6 for price in prices):
            self.fail(f"found {value!r}, expected dollars such as 0.60 or 0.15/0.60", param, ctx)
        return (prices[0] if len(prices) == 2 else None), prices[-1]


def _plot_to(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    if value is None:
        return None
    if value.suffix not in (".svg", ".png"):
        raise click.BadParameter(f"found {value.name!r}, expected a name that ends in .svg or .png")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise click.BadParameter("needs matplotlib: pip install 'capcheck[plot]'") from error
    try:
        check_writable(value)
    except OutputError as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command("suggest")
@click.argument("paths", nargs=-1, metavar="PATH...", required=True)
@display_options
@environment_option
@click.option("--all", "every", is_flag=True, help=f"All that pass, not the best {SHOWN}.")
@click.option(
    "--rank",
    type=click.Choice(get_args(Ranking)),
    default="cost",
    show_default=True,
    help="What comes first.",
)
@click.option(
    "--budget",
    metavar="USD",
    type=click.FloatRange(0, min_open=True),
    help="What all deployments together may cost a month.",
)
@click.option(
    "--energy",
    metavar="USD_PER_KWH",
    type=click.FloatRange(0),
    help="Say what the energy costs, by this price of a kilowatt-hour.",
)
@click.option(
    "--api-price",
    type=Prices(),
    help="Compare with a hosted API that takes so many dollars per million tokens.",
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_plot_to,
    help="Draw the Pareto fronts (.svg or .png).",
)
@policy_option
@jobs_option
def command(
    paths: tuple[str, ...],
    *,
    every: bool,
    rank: Ranking,
    budget: float | None,
    energy: float | None,
    api_price: tuple[float | None, float] | None,
    plot: Path | None,
    policy: Path | None,
    jobs: int,
    environment: str | None,
    output_format: str,
    color: Color,
    quiet: bool,
    verbose: bool,
) -> int:
    """Look for cheaper configurations that surely pass, for every deployment in PATH.

    Beside them: the cheapest that passes at the point estimate only, those that no other beats in
    cost, quality and latency, and why cheaper ones do not pass. Nothing is gated: the exit code is
    0 when the manifests could be read.
    """
    rates = None
    if energy is not None or api_price is not None:
        rates = Rates(energy, *(api_price or (None, None)))
    options = Options(
        fail_on=(),
        now=datetime.now().astimezone(timezone.utc),
        wanted=Wanted(shown=None if every else SHOWN, rank=rank, thorough=True),
        jobs=jobs,
        rates=rates,
        plan=True,
        budget_usd_month=budget,
        environment=environment,
        policy=policy,
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
    if plot is not None:
        from capcheck.report.plot import draw

        draw(document, plot)
    return ExitCode.BAD_INPUT if outcome.report.problems else document["exit_code"]
