"""The command line of capfit: finds the subcommand, and turns bad input into an exit code."""

from __future__ import annotations

from importlib import import_module

import click
from capcheck import __version__
from capcheck.errors import InputError
from capcheck.exit_codes import ExitCode

# Each is a module of `capfit.commands` with a `command`, imported when it is called and no earlier.
COMMANDS = {
    "data": "Show what became of every row of the measurements.",
    "fit": "Fit every predictor and write the coefficients file.",
    "latency-grid": "Compare the analytic latency model with its simulation.",
    "latency-measured": "Compare the latency model with published measurements.",
    "refit": "Blend a user's own measurements into the coefficients.",
    "select": "Choose the form of every predictor by its error on groups held out.",
    "simulate": "Simulate a manifest's deployments request by request.",
    "tr133": "Run TR133's own procedure on its raw files.",
    "validate": "Predict every measurement without its group, and write the pages of it.",
}


class Cli(click.Group):
    """A group whose subcommands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every subcommand, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(
            f"capfit.commands.{cmd_name.replace('-', '_')}"
        ).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> None:
        """Run the subcommand; bad input ends with its problems and code 2."""
        try:
            super().invoke(ctx)
        except InputError as error:
            for problem in error.problems:
                click.echo(f"error: {problem}", err=True)
            ctx.exit(ExitCode.BAD_INPUT)


@click.group(
    cls=Cli,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="capfit")
def cli() -> None:
    """Fit capcheck's predictors from measurements, and prove them on held-out groups."""
