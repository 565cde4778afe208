"""Values out of JSON that somebody else wrote: what is not there is an error that we know."""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.github.errors import UnreachableError


def at(value: object, *keys: str) -> object:
    """What lies below `keys`; None where one of them is missing."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: object, *keys: str) -> str:
    """The text below `keys`. Raises UnreachableError."""
    found = at(value, *keys)
    if not isinstance(found, str):
        raise UnreachableError(f"an answer of GitHub's has no {'.'.join(keys)}")
    return found


def number(value: object, *keys: str) -> int:
    """The number below `keys`. Raises UnreachableError."""
    found = at(value, *keys)
    if not isinstance(found, int):
        raise UnreachableError(f"an answer of GitHub's has no {'.'.join(keys)}")
    return found
