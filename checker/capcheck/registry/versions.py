"""Engine versions, so far as they order the releases in a table."""

from __future__ import annotations

import re
from functools import lru_cache

Version = tuple[int, ...]

_NUMBER = re.compile(r"[vb]?(\d+(?:\.\d+)*)")
_RELEASE = re.compile(r"(?<![\w.])(\d+\.\d+(?:\.\d+)*)")


@lru_cache(maxsize=1024)
def parse(text: str | None) -> Version | None:
    """The numbers of `v0.11.2`, `0.28`, `b6790`, `0.10.1+rocm`; None when it names no release."""
    match = _NUMBER.match(text.strip()) if text else None
    return tuple(map(int, match[1].split("."))) if match else None


@lru_cache(maxsize=1024)
def release_in(text: str) -> str | None:
    """The first release number in a sentence: `0.33.0` in "0.33.0 (wheel source)"."""
    match = _RELEASE.search(text)
    return match[1] if match else None


def covers(version: Version | None, *, since: str, before: str) -> bool:
    """Whether a row for releases from `since` (kept) to `before` (left out) is about `version`.

    Empty bounds are open. An unknown version is taken as the newest release.
    """
    if version is None:
        return not before
    lower, upper = parse(since), parse(before)
    return (lower is None or version >= lower) and (upper is None or version < upper)
