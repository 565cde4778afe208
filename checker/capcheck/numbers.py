"""Figures as people read them: two or three significant digits, with their unit."""

from __future__ import annotations

import math
from typing import Literal

from capcheck.estimate import Estimate


def amount(value: float, unit: str) -> str:
    """`14.0 s`, `350 ms`, `20.2 GiB`, `$1,152/month`, `0.628`. Milliseconds turn into seconds."""
    scaled, shown_unit = _scaled(value, unit)
    return _with_unit(digits(scaled, shown_unit), shown_unit)


def interval(estimate: Estimate, unit: str) -> str:
    """`14.0 s (12.6–15.6)`; the bounds are left out when they read the same as the value.

    An upper bound of None is "no bound": `14.0 s (12.6 or more)`.
    """
    if estimate.value is None:
        return "unknown"
    value, shown_unit = _scaled(estimate.value, unit)
    factor = 1.0 if not estimate.value else value / estimate.value
    text = digits(value, shown_unit)
    low = digits((estimate.value if estimate.low is None else estimate.low) * factor, shown_unit)
    if estimate.high is None:
        return f"{_with_unit(text, shown_unit)} ({low} or more)"
    high = digits(estimate.high * factor, shown_unit)
    shown = _with_unit(text, shown_unit)
    return shown if low == text == high else f"{shown} ({low}–{high})"


def _scaled(value: float, unit: str) -> tuple[float, str]:
    if unit == "ms" and abs(value) >= 1000:
        return value / 1000, "s"
    return value, unit


def _with_unit(text: str, unit: str) -> str:
    if unit.startswith("$"):
        return f"${text}{unit[1:]}"
    return f"{text} {unit}" if unit else text


def digits(value: float, unit: str) -> str:
    """Three significant digits below 1000 (of rates below 1 too), whole numbers with separators
    above."""
    return f"{value:,.{_decimals(value, unit)}f}"


def enough(value: float, unit: str, sense: Literal["max", "min"] | None) -> float:
    """The limit that `amount` shows in full and that `value` still keeps: rounded to its side."""
    scaled, shown_unit = _scaled(value, unit)
    per_unit: float = 10.0 ** (_decimals(scaled, shown_unit))
    steps = scaled * per_unit
    # What is a whole number of steps but for the last bits is one.
    whole = math.floor(steps + 1e-9) if sense == "min" else math.ceil(steps - 1e-9)
    return whole / per_unit * (1.0 if shown_unit == unit else 1000.0)


def _decimals(value: float, unit: str) -> int:
    if unit == "":
        return 3
    if unit == "requests/s" and 0.0 < abs(value) < 0.9995:
        # A request a minute is a rate too.
        return 2 - math.floor(math.log10(abs(value) * 1.0005))
    if abs(value) >= 999.5:
        return 0
    if unit.startswith("$") and abs(value) < 100:
        return 2
    if abs(value) >= 99.95:
        return 0
    return 1 if abs(value) >= 9.995 else 2
