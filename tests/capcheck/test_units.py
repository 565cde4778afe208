from __future__ import annotations

import pytest
from capcheck.units import bare_number, duration_ms, nearest_duration
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("500ms", 500.0),
        ("0.5ms", 0.5),
        ("3s", 3_000.0),
        ("1.5s", 1_500.0),
        ("0.001s", 1.0),
        ("2m", 120_000.0),
        ("0.5h", 1_800_000.0),
        ("010s", 10_000.0),
        ("999999999h", 999_999_999 * 3_600_000.0),
    ],
)
def test_duration(text: str, milliseconds: float):
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "3", "s", ".5s", "1.s", "-1s", "+1s", "1e3s", "1_0s", "1,5s"),
        *("0s", "0.0ms", "00.000h"),
        *("3 s", " 3s", "3s ", "3s\n", "3S", "3sec", "1m30s", "3us", "3d"),
        *("1234567890s", "1.1234567890s", "٣s", "3\uff53"),
    ],
)
def test_no_duration(text: str):
    assert duration_ms(text) is None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("3 s", "3s"),
        ("3S", "3s"),
        ("3 seconds", "3s"),
        ("500 MS", "500ms"),
        ("1.5sec", "1.5s"),
        ("250 milliseconds", "250ms"),
        ("2min", "2m"),
        ("1 hour", "1h"),
        ("0 s", None),
        ("3 days", None),
        ("3", None),
        ("soon", None),
    ],
)
def test_nearest_duration(text: str, nearest: str | None):
    assert nearest_duration(text) == nearest


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("24GiB", "GiB", "24"),
        ("24 Gi", "GiB", "24"),
        ("24GB", "GiB", "22.3517"),
        ("24576MiB", "GiB", "24"),
        ("8k", "tokens", "8000"),
        ("8K", "tokens", "8192"),
        ("1m", "tokens", "1000000"),
        ("4,096", "tokens", "4096"),
        ("1_000 tokens", "tokens", "1000"),
        ("95%", "ratio", "0.95"),
        ("99.5 %", "ratio", "0.995"),
        ("$1,200", "USD", "1200"),
        ("$100/month", "USD", "100"),
        ("0.40 USD", "USD", "0.4"),
        ("50", "", "50"),
        ("0.75", "ratio", "0.75"),
        ("$5", "tokens", None),
        ("8k", "USD", None),
        ("24GiB", "tokens", None),
        ("-3", "", None),
        ("1.2.3", "", None),
        ("", "", None),
        ("many", "tokens", None),
    ],
)
def test_bare_number(text: str, unit: str, number: str | None):
    assert bare_number(text, unit) == number


@given(st.text(), st.sampled_from(("GiB", "tokens", "ratio", "USD", "")))
def test_anything_is_either_read_or_none(text: str, unit: str):
    duration = duration_ms(text)
    assert duration is None or 0 < duration < 1e16
    near = nearest_duration(text)
    assert near is None or duration_ms(near)
    number = bare_number(text, unit)
    assert number is None or float(number) >= 0


@given(st.integers(1, 10**6), st.sampled_from((("ms", 1), ("s", 1000), ("m", 60_000))))
def test_whole_durations_are_exact(count: int, unit: tuple[str, int]):
    name, factor = unit
    assert duration_ms(f"{count}{name}") == count * factor
