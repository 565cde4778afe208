"""Files of variables: `.env` of Compose, `EnvironmentFile=` of systemd.

Source: Compose "Syntax for environment files": blank lines and `#` comments are skipped, quotes
around a value are dropped, an unquoted value ends at ` #`, single quotes stop interpolation.
"""

from __future__ import annotations

import re

from capcheck.source.native.command.variables import Environment, compose
from capcheck.source.native.text import MAX_LENGTH, Text
from capcheck.source.native.tree import Document, Files

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$")
_SKIPPED = re.compile(r"\s*(?:#.*)?$")
# Variables that are read of one file.
_MOST = 200
_COMMENT = re.compile(r"\s#.*$")


def read(document: Document, files: Files, known: Environment | None = None) -> dict[str, Text]:
    """The variables of a file, in order; those of `known` may be used in their values."""
    found: dict[str, Text] = {}
    spent = 0
    for line in files.source(document).lines():
        match = _LINE.match(line.value)
        if match is None:
            continue
        if len(found) >= _MOST:
            break
        value = line[match.start(2) :].stripped()
        written = value.value
        quote = written[:1] if written[:1] in ("'", '"') else ""
        if quote and written.find(quote, 1) > 0:
            value = value[1 : written.find(quote, 1)]
        elif not quote:
            value = value[: 0 if written.startswith("#") else len(_COMMENT.sub("", written))]
        if quote != "'" and "$" in value.value:
            spent += len(value.value)
            value = (
                compose(value, {**(known or {}), **found})
                if spent < MAX_LENGTH // 50
                else (value.missing(match[1]))
            )
        found[match[1]] = value
    return found


def is_env_file(document: Document) -> bool:
    """Whether a text holds assignments and nothing else."""
    if document.tree is not None or "=" not in document.text:
        return False
    lines = document.text.split("\n")
    return all(_SKIPPED.match(line) or _LINE.match(line) for line in lines)
