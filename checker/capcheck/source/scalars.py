"""Plain YAML scalars to values: the 1.2 core schema, without its traps.

`true` and `false` (also `True`, `TRUE` ...) are the only booleans; `on`, `off`, `yes`, `no` and
dates are text. A number must read the same to a YAML 1.1 and a 1.2 reader (PyYAML is the former,
most editors the latter), be finite, and not exceed 2^53; everything else that looks like a number
is refused, with the spelling to use instead. Sources: YAML 1.2.2, section 10.3.2; the YAML 1.1
types int and float (yaml.org/type).
"""

from __future__ import annotations

import re
from collections.abc import Callable

Value = str | int | float | bool | None

LARGEST = 1 << 53

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class NumberTrapError(ValueError):
    """A plain scalar that looks like a number and is refused."""

    def __init__(self, code: str, expected: str, nearest: str | None = None) -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.nearest = nearest


def _decimal(text: str) -> str | None:
    """`1e3` as `1000`, where that stays short."""
    if len(text) > 30 or abs(int(text.lower().partition("e")[2])) > 15:
        return None
    digits = f"{float(text):.20f}".rstrip("0").rstrip(".")
    return digits if float(digits) == float(text) else None


def _stripped(text: str) -> str:
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    whole, point, fraction = digits.partition(".")
    return sign + (whole.lstrip("0") or "0") + point + fraction


_TRAPS: tuple[tuple[re.Pattern[str], str, Callable[[str], str | None]], ...] = (
    (
        re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?"),
        "a number without leading zeros (they mean octal to some readers), or text in quotes",
        _stripped,
    ),
    (
        re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+"),
        "a number without exponent (it is text to some readers), or text in quotes",
        _decimal,
    ),
    (
        re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)"),
        "a decimal number, or text in quotes",
        lambda text: str(int(text, 0)) if len(text) < 16 and "_" not in text else None,
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?"),
        "a number without underscores (they are text to some readers), or text in quotes",
        lambda text: _stripped(text.replace("_", "")),
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "text in quotes (it is a number to base 60 to some readers)",
        lambda text: f'"{text}"',
    ),
)


def resolve(text: str) -> Value:
    """The value of a plain scalar.

    Raises NumberTrapError with the code ambiguous-number, number-not-finite or number-too-large.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-.":
        return text
    if _INTEGER.fullmatch(text):
        # Length first: turning a million digits into an integer takes seconds.
        if len(text) > 17 or abs(int(text)) > LARGEST:
            raise NumberTrapError(
                "number-too-large", f"a number up to 2^53 ({LARGEST}), or text in quotes"
            )
        return int(text)
    if _FLOAT.fullmatch(text):
        if abs(value := float(text)) > LARGEST:
            raise NumberTrapError(
                "number-too-large", f"a number up to 2^53 ({LARGEST}), or text in quotes"
            )
        return value
    if _NOT_FINITE.fullmatch(text):
        raise NumberTrapError(
            "number-not-finite", "a finite number; leave the key out for no limit"
        )
    for pattern, expected, rewrite in _TRAPS:
        if pattern.fullmatch(text):
            raise NumberTrapError("ambiguous-number", expected, _usable(rewrite(text)))
    return text


def _usable(offered: str | None) -> str | None:
    """The offered spelling, unless it is a trap itself (too large, for one)."""
    try:
        if offered:
            resolve(offered)
    except NumberTrapError:
        return None
    return offered
