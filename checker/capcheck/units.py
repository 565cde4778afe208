"""Quantities as people write them.

One rule: where a field's name says the unit (`monthly_usd`, `vram_gib`, `max_model_len` in tokens),
its value is a bare number; where it doesn't, as for durations, the value has the unit. A quantity
written the other way is never guessed at, but the number that it most likely means is offered.
"""

from __future__ import annotations

import re
from decimal import Decimal

# At most nine digits on each side: no manifest needs more, and nothing overflows.
DURATION_PATTERN = r"^(?!0+(\.0+)?[a-z])[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)$"

_DURATION = re.compile(DURATION_PATTERN)
_MS_PER_UNIT = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}

_UNIT_WORDS = {
    "ms": ("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
}

_QUANTITY = re.compile(r"\$?\s*([0-9][0-9,_]{0,14}(?:\.[0-9]{1,9})?)\s*([A-Za-z%$/ ]{0,20})")

# What one of these is in the field's own unit. Decimal and binary prefixes differ, as vLLM has it:
# 8k tokens are 8000, 8K are 8192.
_FACTORS: dict[str, dict[str, Decimal]] = {
    "GiB": {
        "GiB": Decimal(1),
        "Gi": Decimal(1),
        "MiB": Decimal(1) / 1024,
        "Mi": Decimal(1) / 1024,
        "TiB": Decimal(1024),
        "GB": Decimal(10**9) / 2**30,
        "G": Decimal(10**9) / 2**30,
        "MB": Decimal(10**6) / 2**30,
    },
    "tokens": {
        "": Decimal(1),
        "tokens": Decimal(1),
        "tok": Decimal(1),
        "k": Decimal(1000),
        "K": Decimal(1024),
        "m": Decimal(10**6),
        "M": Decimal(1024**2),
    },
    "ratio": {"%": Decimal("0.01")},
    "USD": dict.fromkeys(
        ("", "$", "USD", "usd", "/h", "/hour", "/hr", "/month", "/mo", "USD/month", "USD/h"),
        Decimal(1),
    ),
}


def duration_ms(text: str) -> float | None:
    """Milliseconds of `500ms`, `1.5s`, `2m` or `1h`; None when it is no positive duration."""
    if not _DURATION.fullmatch(text):
        return None
    unit = next(unit for unit in _MS_PER_UNIT if text.endswith(unit))
    return float(Decimal(text.removesuffix(unit)) * _MS_PER_UNIT[unit])


def nearest_duration(text: str) -> str | None:
    """`3 sec` as `3s`, `500 MS` as `500ms`, `2min` as `2m`; None when nothing comes close."""
    spelled = re.fullmatch(r"([0-9.]{1,19})\s*([A-Za-z]{1,12})", text.strip())
    if not spelled:
        return None
    word = spelled[2].lower()
    for unit, words in _UNIT_WORDS.items():
        if word in words and duration_ms(written := spelled[1] + unit) is not None:
            return written
    return None


def bare_number(text: str, unit: str) -> str | None:
    """The number to write in a field of `unit`: "GiB", "tokens", "ratio", "USD" or none.

    `24GiB` is 24 and `24GB` 22.35 in GiB, `8k` 8000 and `8K` 8192 tokens, `95%` 0.95, `$1,200`
    1200. A number that was put in quotes is offered without them. None when nothing comes close.
    """
    spelled = _QUANTITY.fullmatch(text.strip())
    if not spelled:
        return None
    factor = {"": Decimal(1), **_FACTORS.get(unit, {})}.get(spelled[2].strip())
    if factor is None or (text.strip().startswith("$") and unit != "USD"):
        return None
    number = Decimal(re.sub("[,_]", "", spelled[1])) * factor
    shown = f"{round(number, 4):f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
