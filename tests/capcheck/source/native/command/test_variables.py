"""Variables in text."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.variables import compose, kubernetes

from tests.capcheck.source.native.conftest import environment, text_of


@pytest.mark.parametrize(
    ("written", "expected", "missing"),
    [
        ("--model=$(A)", "--model=x", ()),
        ("$(A)/$(B)", "x/$(B)", ("B",)),
        ("$$(A)", "$(A)", ()),
        ("$A ${A}", "$A ${A}", ()),
        ("$(date -u)", "$(date -u)", ()),
        ("plain", "plain", ()),
    ],
)
def test_kubernetes(written: str, expected: str, missing: tuple[str, ...]) -> None:
    text = kubernetes(text_of(written), environment({"A": "x"}))
    assert (str(text), text.unresolved) == (expected, missing)


@pytest.mark.parametrize(
    ("written", "expected", "missing"),
    [
        ("$A ${A}", "x x", ()),
        ("${B}", "${B}", ("B",)),
        ("$B", "$B", ("B",)),
        ("${B:-d}", "d", ()),
        ("${EMPTY:-d}", "d", ()),
        ("${EMPTY-d}", "", ()),
        ("${B-d}", "d", ()),
        ("${B:-}", "", ()),
        ("${A:-d}", "x", ()),
        ("${B:-${C:-deep}}", "deep", ()),
        ("${B:-${A}}", "x", ()),
        ("${B:-${C}}", "${C}", ("C",)),
        ("${A:+there}", "there", ()),
        ("${B:?must be set}", "${B:?must be set}", ("B",)),
        ("${A:?must be set}", "x", ()),
        ("$$A", "$A", ()),
        ('${B:-{"a": 1}}', '{"a": 1}', ()),
        ("${never closed", "${never closed", ("never",)),
        ("cost: 5$", "cost: 5$", ()),
    ],
)
def test_compose(written: str, expected: str, missing: tuple[str, ...]) -> None:
    text = compose(text_of(written), environment({"A": "x", "EMPTY": ""}))
    assert (str(text), text.unresolved) == (expected, missing)


def test_a_default_stands_where_it_is_written() -> None:
    text = compose(text_of("${B:-8192}"), {})
    assert text.place is not None
    assert (text.place.column, text.place.end_column) == (6, 10)


def test_defaults_nest_only_so_deep() -> None:
    written = "${A:-" * 500 + "x" + "}" * 500
    assert compose(text_of(written), {}).unresolved
