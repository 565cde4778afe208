"""`capcheck init`: a manifest for the native files that are already there."""

from __future__ import annotations

from pathlib import Path

import click

from capcheck.commands.options import policy_option
from capcheck.exit_codes import ExitCode
from capcheck.manifest.native.draft import draft
from capcheck.natives import come_across
from capcheck.output import OutputError, print_data, write_file
from capcheck.policies import gpu_labels


@click.command("init")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...")
@click.option(
    "-o",
    "--output",
    "name",
    default="capcheck.yaml",
    show_default=True,
    help="The manifest to write; it must not exist yet.",
)
@click.option("--dry-run", is_flag=True, help="Print it and write nothing.")
@policy_option
def command(folders: tuple[str, ...], *, name: str, dry_run: bool, policy: Path | None) -> int:
    """Write a manifest with a `from` entry for every deployment in native files.

    FOLDER is where to look, the current directory by default. What the files do not say stands in
    the manifest as a comment to fill in. Nothing is ever overwritten. The exit code is 3 when no
    deployment is found.
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise click.UsageError(f"{folder!r} is no directory")
    target = Path(name)
    if target.exists() and not dry_run:
        raise click.UsageError(f"{name} exists: nothing is overwritten; --dry-run prints")
    folders = folders or (".",)
    labels = gpu_labels(policy, [Path(folder) / name for folder in folders])
    found = come_across(folders, (), (), {}, labels=labels)
    if not found:
        click.echo("error: no deployment found in native files", err=True)
        return ExitCode.NOTHING_FOUND
    text = draft(found, target.parent.as_posix())
    if dry_run:
        print_data(text)
        return ExitCode.OK
    try:
        write_file(target, text)
    except OutputError as error:
        click.echo(f"error: {error}", err=True)
        return ExitCode.BAD_INPUT
    count = text.count("    from: ")
    click.echo(f"{name}: {count} deployment{'' if count == 1 else 's'}", err=True)
    return ExitCode.OK
