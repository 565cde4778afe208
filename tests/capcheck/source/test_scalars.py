from __future__ import annotations

import math

import pytest
from capcheck.source.scalars import NumberTrapError, resolve
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *(("0", 0), ("-0", 0), ("7", 7), ("+7", 7), ("-12", -12), ("9007199254740992", 2**53)),
        *(("0.5", 0.5), (".5", 0.5), ("1.", 1.0), ("-2.25", -2.25), ("+0.0", 0.0), ("0.90", 0.9)),
    ],
)
def test_core_schema(text: str, value: object):
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "no", "on", "off", "y", "n", "Yes", "ON", "tRUE", "nULL", "None"),
        *("2024-01-01", "12:00:00Z", "1.2.3", "1,000", "8B", "4x", "-", "+", ".", "..", "-x"),
        *("0xZZ", "0b2", "0o9", "1e", "e3", "_1", "inf", "nan", "٣", "llama3.1:8b", "<<"),
    ],
)
def test_text(text: str):
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        *(("012", "12"), ("-012", "-12"), ("00", "0"), ("08", "8"), ("00.50", "0.50")),
        *(("1e3", "1000"), ("1E3", "1000"), ("1.5e+2", "150"), ("1e-05", "0.00001")),
        *((".5e1", "5"), ("1e999", None), ("1e-300", None)),
        *(("0x1F", "31"), ("-0x10", "-16"), ("0o17", "15"), ("0b101", "5"), ("0x_1", None)),
        *(
            ("1_000", "1000"),
            ("1_000.5", "1000.5"),
            ("1__0", "10"),
            ("00_7", "7"),
            ("9" * 20 + "_0", None),
        ),
        *(("1:30", '"1:30"'), ("190:20:30", '"190:20:30"'), ("1:30.5", '"1:30.5"')),
    ],
)
def test_ambiguous_number(text: str, nearest: str | None):
    with pytest.raises(NumberTrapError) as caught:
        resolve(text)
    assert caught.value.code == "ambiguous-number"
    assert caught.value.nearest == nearest


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("number-not-finite", (".inf", "-.INF", "+.Inf", ".nan", ".NaN")),
        (
            "number-too-large",
            ("9007199254740993", "-9007199254740993", "9" * 100_000, "9" * 400 + ".5"),
        ),
    ],
)
def test_refused_number(code: str, texts: tuple[str, ...]):
    for text in texts:
        with pytest.raises(NumberTrapError) as caught:
            resolve(text)
        assert caught.value.code == code


@given(st.text(alphabet="0123456789+-._:eExobinfaNFA", max_size=12))
def test_anything_like_a_number_is_read_exactly_or_refused(text: str):
    value: object = None
    trap = None
    try:
        value = resolve(text)
    except NumberTrapError as error:
        trap = error
    if trap:
        assert trap.code in ("ambiguous-number", "number-not-finite", "number-too-large")
        assert trap.nearest is None or resolve(trap.nearest) is not None
    elif isinstance(value, int | float):
        assert math.isfinite(value)
        assert value == float(text)


@given(st.integers(-(2**53), 2**53))
def test_integers_round_trip(number: float):
    assert resolve(str(number)) == number


@given(st.floats(-1e15, 1e15).filter(lambda number: "e" not in repr(number)))
def test_floats_round_trip(number: float):
    assert resolve(repr(number)) == number
