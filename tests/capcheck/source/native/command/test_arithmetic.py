"""Arithmetic of the shell."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.arithmetic import evaluate
from hypothesis import given
from hypothesis import strategies as st

from tests.capcheck.source.native.conftest import environment, text_of

KNOWN = environment({"A": "8", "B": "2", "TEXT": "x", "NONE": ""})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("$(($A * $B))", "16"),
        ("$((A*${B}+1))", "17"),
        ("$((2*(3+4)))", "14"),
        ("$((7/2))", "3"),
        ("$((7%4))", "3"),
        ("$((8 - 2 - 1))", "5"),
        ("$((32 * 1024))", "32768"),
        ("$((A/0))", None),
        ("$((LOST*2))", None),
        ("$((TEXT*2))", None),
        ("$((NONE))", None),
        ("$((1+))", None),
        ("$((1 2))", None),
        ("$((a=1))", None),
        ("$((()))", None),
        ("$((" + "9" * 15 + "*" + "9" * 15 + "))", None),
        ("$((" + "(" * 300 + "))", None),
    ],
)
def test_values(written: str, expected: str | None) -> None:
    found = evaluate(text_of(written), KNOWN)
    assert (found.value if found else None) == expected


@given(st.text(alphabet="0123456789+-*/%()AB $", max_size=220))
def test_anything_has_a_value_or_none(inner: str) -> None:
    found = evaluate(text_of(f"$(({inner}))"), KNOWN)
    assert found is None or found.value.lstrip("-").isdigit()
