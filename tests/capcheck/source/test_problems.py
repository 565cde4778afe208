from __future__ import annotations

import pytest
from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.source.problems import CODES, MAX_PROBLEMS, Problems, quoted


def test_each_problem_once_and_sorted():
    problems = Problems()
    for line in (3, 1, 3):
        problems.add("wrong-type", Place("m", line, 1, 2), found="x", expected="y")
    assert [problem.place.line for problem in problems.error().problems] == [1, 3]


def test_the_list_ends():
    problems = Problems()
    several = [Problem("wrong-type", Place("m", line, 1, 2), "x", "y") for line in range(1, 5000)]
    with pytest.raises(InputError) as caught:
        problems.extend(several)
    found = caught.value.problems
    assert len(found) == MAX_PROBLEMS + 1
    assert [problem.code for problem in found[-2:]] == ["wrong-type", "too-many-problems"]
    assert found[-1].place.line == MAX_PROBLEMS


def test_an_undocumented_code_is_refused():
    with pytest.raises(AssertionError):
        Problems().add("no-such-code", Place("m", 1, 1, 2), found="x", expected="y")


def test_codes_are_kebab_case():
    assert all(code.replace("-", "").replace("8", "").islower() for code in CODES)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", '"a b"'),
        ("a\nb\x00\x1b", r'"a\nb\x00\x1b"'),
        ("\u202ereversed", r'"\u202ereversed"'),
        ("x" * 61, f'"{"x" * 59}…"'),
        ("é😀", '"é😀"'),
    ],
)
def test_quoted(text: str, shown: str):
    assert quoted(text) == shown
