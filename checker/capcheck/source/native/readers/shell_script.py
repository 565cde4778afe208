"""Shell scripts that start an engine, by themselves or in a container (`docker run`)."""

from __future__ import annotations

import re

from capcheck.source.native import command_line
from capcheck.source.native.command.variables import NO_ARGUMENTS
from capcheck.source.native.deployment import NativeDeployment
from capcheck.source.native.text import at as text_at
from capcheck.source.native.tree import Document, Files

NAME = "shell script"

_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh")
_FIRST_LINE = re.compile(r"#!.*\b(?:sh|bash|zsh|ksh|dash|ash)\b")


def recognises(document: Document) -> bool:
    """By its name or its first line."""
    if document.tree is not None:
        return False
    return document.path.endswith(_SUFFIXES) or bool(_FIRST_LINE.match(document.text))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """What the script starts when it is run without arguments."""
    alone = {NO_ARGUMENTS: text_at("0", document.place)}
    return command_line.read(files.source(document), alone, document, kind=NAME)
