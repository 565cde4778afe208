"""Writing what was rendered: to standard output, or whole or not at all to a file."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import click

Color = Literal["auto", "always", "never"]


class OutputError(Exception):
    """A file that cannot be written; the message says which and why."""


def use_color(choice: Color, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to color: the option decides, else NO_COLOR, else FORCE_COLOR, else the terminal.

    See https://no-color.org and https://force-color.org.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def can_print(characters: str) -> bool:
    """Whether standard output has all of these characters; a Windows code page may not."""
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def print_text(text: str, *, color: bool) -> None:
    """Print for people: what the console cannot show becomes `?` instead of an error."""
    encoding = sys.stdout.encoding or "ascii"
    click.echo(text.encode(encoding, "replace").decode(encoding), nl=False, color=color)


def print_data(text: str) -> None:
    """Print for programs: UTF-8 bytes whatever the console's encoding is."""
    click.echo(_encode(text), nl=False)


def check_writable(path: Path) -> None:
    """Refuse a destination that is sure to fail, before any work is done. Raises OutputError."""
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a directory")
    if not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: there is no directory {path.parent}")


def write_file(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step; if that fails, what was there stays.

    A device or pipe (`/dev/stdout`) is written to, not replaced; a symbolic link keeps pointing.
    Raises OutputError.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(_encode(text))
        else:
            _replace(target, _encode(text))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _replace(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _encode(text: str) -> bytes:
    # A file name that is not UTF-8 reaches us with lone surrogates; JSON takes the escaped form.
    return text.encode("utf-8", "backslashreplace")
