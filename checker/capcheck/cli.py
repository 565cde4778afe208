"""The command line: finds the subcommand, and turns every way to end into an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import click

from capcheck import __version__
from capcheck.errors import InputError
from capcheck.exit_codes import ExitCode
from capcheck.source.nearest import nearest

# Each is a module of `capcheck.commands` with a `command`, imported when it is called and no
# earlier: importing what judges a manifest takes longer than printing help.
COMMANDS = {
    "baseline": "Record today's findings, so that only new ones count.",
    "check": "Judge the deployments in manifests.",
    "comment": "Write a saved report onto its pull request.",
    "curve": "Show latency against traffic.",
    "explain": "Explain a rule: why it is there, how it is computed, what to do about it.",
    "fix": "Write the smallest change that passes into a manifest.",
    "init": "Write a manifest for the native files that are already there.",
    "inspect": "Show what native files (Kubernetes, Compose ...) say about deployments.",
    "list": "List the models, GPUs, quants, backends or prices that capcheck knows.",
    "policy": "Look a policy over.",
    "render": "Print a saved JSON report in another format.",
    "rules": "List the rules that a deployment is held against.",
    "schema": "Print a JSON Schema.",
    "suggest": "Look for cheaper configurations that surely pass.",
}
DEFAULT_COMMAND = "check"


class Cli(click.Group):
    """A group whose first argument may be left out: `capcheck PATH` is `capcheck check PATH`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every subcommand, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"capcheck.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of subcommands in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command unless a subcommand or an option of the group comes first."""
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or args[0] not in (*COMMANDS, *own):
            _refuse_misspelt_command(args)
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the subcommand; the one place where exceptions become exit codes."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except InputError as error:
            for problem in error.problems:
                click.echo(f"error: {problem}", err=True)
            code = ExitCode.BAD_INPUT
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        except BrokenPipeError:
            # Whoever read us has seen enough. The interpreter flushes once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = ExitCode.BROKEN_PIPE
        except Exception:
            _report_crash()
            code = ExitCode.INTERNAL
        ctx.exit(code)


def _refuse_misspelt_command(args: list[str]) -> None:
    """`capcheck lits gpus` means a command, not a file; a file of that name is still checked."""
    if not args or args[0].startswith("-") or Path(args[0]).exists():
        return
    if near := nearest(args[0], COMMANDS):
        raise click.UsageError(f"there is no file or command {args[0]!r}; did you mean {near!r}?")


def _report_crash() -> None:
    import platform
    import traceback

    traceback.print_exc()
    click.echo(
        f"\ncapcheck {__version__} failed (Python {platform.python_version()}, "
        f"{platform.system()}). This is a bug, not your manifest's fault: please report it "
        "with the lines above and, if you can, the manifest.",
        err=True,
    )


@click.group(
    cls=Cli,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`capcheck PATH...` is short for `capcheck check PATH...`; without a PATH it checks the "
    "current directory. Options: `capcheck check --help`.",
)
@click.version_option(__version__, prog_name="capcheck")
def cli() -> None:
    """Predict whether an LLM deployment will work, before it is merged.

    capcheck reads serving manifests, predicts VRAM, throughput, latency, quality and cost, and
    judges each against the limits that the manifest states.
    """
