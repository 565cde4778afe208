"""Shell scripts that start an engine, by themselves or in a container (`docker run`)."""

from __future__ import annotations

import re

from capcheck.source.native import command_line
from capcheck.source.native.deployment import NativeDeployment
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
    """What the script starts."""
    return command_line.read(files.source(document), {}, document, kind=NAME)
