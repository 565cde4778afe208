"""A manifest that refers to native files, with the lines that they leave to be filled in."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence

from capcheck.manifest.load import Entry
from capcheck.manifest.native.missing import comments, missing
from capcheck.manifest.native.names import unlike

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./#@+\-\[\]]*")


def draft(found: Sequence[Entry], folder: str = "") -> str:
    """The text of a manifest in `folder` for deployments of native files.

    What is not in the files stands there as a comment: the manifest is valid as it is.
    """
    lines = ["version: 1", "deployments:"]
    names: set[str] = set()
    for entry in _each_once(found):
        name = unlike(entry.stated.name.partition("@")[0], names)
        names.add(name)
        lines += (f"  {_scalar(name)}:", f"    from: {_scalar(_reference(entry, folder))}")
        open_ = missing(entry.stated.places, entry.stated.native.blanks)
        lines += (f"    {line}" for line in comments(open_))
    return "\n".join(lines) + "\n"


def _each_once(found: Sequence[Entry]) -> list[Entry]:
    """Alternatives of one deployment are one entry of a manifest."""
    first: dict[tuple[str, str, str], Entry] = {}
    for entry in found:
        first.setdefault((entry.path, entry.address, entry.stated.name.partition("@")[0]), entry)
    return list(first.values())


def _reference(entry: Entry, folder: str) -> str:
    path = posixpath.relpath(entry.path, folder or ".")
    return f"{path}#{entry.address}" if entry.address else path


def _scalar(text: str) -> str:
    """As YAML; what could mean anything else is quoted."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
