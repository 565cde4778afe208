"""The valid name that a mistyped one most likely means."""

from __future__ import annotations

from collections.abc import Iterable

# Longer than any name, and short enough that comparing costs nothing.
_LONGEST = 100


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The most similar of `names`, or None when none comes close."""
    if len(name) > _LONGEST:
        return None
    import difflib

    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return matches[0] if matches else None
