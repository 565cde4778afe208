"""Versions of an engine that a policy allows: `>=0.8,<0.12`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from capcheck.registry.versions import Version, parse

_TERM = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*v?([0-9]+(?:\.[0-9]+)*)\s*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}

Range = tuple[tuple[str, Version], ...]


def parse_range(text: str) -> Range | None:
    """Terms joined by commas, all of which must hold; None when it is no range."""
    terms = []
    for part in text.split(","):
        match = _TERM.fullmatch(part)
        version = parse(match[2]) if match else None
        if match is None or version is None:
            return None
        terms.append((match[1], version))
    return tuple(terms)


def admits(allowed: Range, stated: str | None) -> bool | None:
    """Whether a stated version is in the range; None when it names no release."""
    if not allowed:
        return True
    version = parse(stated)
    if version is None:
        return None
    return all(_holds(version, sign, bound) for sign, bound in allowed)


def _holds(version: Version, sign: str, bound: Version) -> bool:
    """0.11 and 0.11.0 are equal: the shorter one is filled up with zeros."""
    length = max(len(version), len(bound))
    ours, theirs = (one + (0,) * (length - len(one)) for one in (version, bound))
    return _OPERATORS[sign](ours, theirs)
