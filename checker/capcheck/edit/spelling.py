"""A value as YAML text, in the style of what stands there or beside it."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from capcheck.search.alternative import Scalar
from capcheck.source import scalars

# Means the same to every reader without quotes, in a flow map too.
_PLAIN = re.compile(r"[\w./](?:[\w./+@%()-]| (?![# ]))*(?<! )")
# A colon is safe inside a word of a block map only.
_PLAIN_IN_BLOCK = re.compile(r"[\w./](?:[\w./+@%()-]|:(?=[\w/])| (?![# ]))*(?<! )")

# Booleans to readers of YAML 1.1 (yaml.org/type/bool).
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off"))


def spell(value: Scalar, *, style: str = "", is_flow: bool = False) -> str:
    """The value with the quotes of `style`, else without any where that is safe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    if style == '"' or not _is_plain(value, is_flow=is_flow):
        return json.dumps(value, ensure_ascii=False)
    return value


def _is_plain(value: str, *, is_flow: bool) -> bool:
    if not (_PLAIN if is_flow else _PLAIN_IN_BLOCK).fullmatch(value) or value.lower() in _WORDS:
        return False
    try:
        return scalars.resolve(value) == value
    except scalars.NumberTrapError:
        return False
