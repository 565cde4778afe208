"""A name for a deployment that only a native file describes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from capcheck.source.native.beside import QUERY

_SECTION = re.compile(r"^(?:services|models|modelSpec|controllers|catalog|components)[.\[]")
_UNUSABLE = re.compile(r"[^A-Za-z0-9._+@-]+")


def name_of(address: str, path: str, taken: Collection[str]) -> str:
    """The object's own name, with its role; the file's where it has none. Unlike those taken."""
    kind, slash, rest = address.replace(QUERY, "#").partition("/")
    parts = [_SECTION.sub("", part) for part in (rest if slash else kind).split("#")]
    name = _UNUSABLE.sub("-", "-".join(parts)).strip("._+@-")
    if not name or (not slash and not _SECTION.match(address)):
        name = _UNUSABLE.sub("-", posixpath.basename(path).partition(".")[0]).strip("._+@-")
    return unlike(name[:90] or "deployment", taken)


def unlike(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where it is taken."""
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    return unique
