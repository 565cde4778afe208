"""Characters that know where they stand."""

from __future__ import annotations

import pytest
from capcheck.place import Place
from capcheck.source.native.text import MOST_RUNS_OF_VARIABLE, Text, at, joined, of_source
from capcheck.source.native.tree import at as node_at
from capcheck.source.native.tree import files_of
from hypothesis import given
from hypothesis import strategies as st

PLACE = Place("f", 1, 1, 2)


def places(text: Text) -> list[tuple[int, int]]:
    found = (text.place_at(position) for position in range(len(text.value)))
    return [(place.line, place.column) for place in found if place is not None]


@pytest.mark.parametrize(
    ("yaml", "word", "line", "column"),
    [
        ("a: vllm serve m --tp 2", "m", 1, 15),
        ('a: "vllm serve m"', "serve", 1, 10),
        ("a: 'it''s m'", "m", 1, 11),
        ("a: |\n  vllm serve \\\n    m", "m", 3, 5),
        ("a: >-\n  vllm\n  serve\n\n  m", "m", 5, 3),
        ('a: "vllm \\\n  serve m"', "m", 2, 9),
        ("a: vllm\n  serve m", "m", 2, 9),
        ("a: |-\n  --model\n  m", "--model", 2, 3),
        ("# vllm serve m\na: vllm serve m", "m", 2, 15),
        ("x: &x vllm serve m\na: *x", "m", 2, 4),
    ],
)
def test_every_word_of_a_scalar_is_found_in_the_file(
    yaml: str, word: str, line: int, column: int
) -> None:
    files = files_of({"f.yaml": yaml})
    text = files.text(node_at(files.documents[0].tree, "a"))
    assert text is not None
    found = next(part for part in text.split() if part.value == word)
    assert found.place is not None
    assert (found.place.line, found.place.column) == (line, column)


def test_a_place_ends_where_the_text_goes_on_in_another_line() -> None:
    text = of_source("ab cd", PLACE, ["ab", "  cd"])
    assert text.place == Place("f", 1, 1, 3)
    assert text[3:].place == Place("f", 2, 3, 5)


def test_slices_and_joins_keep_the_marks() -> None:
    text = of_source("abc", PLACE, ["abc"])
    assert places(joined((text[2:], text[:1]))) == [(1, 3), (1, 1)]
    assert str(text[1:] + text[:1]) == "bca"


def test_text_in_one_line_is_one_run_however_it_is_cut_and_joined() -> None:
    text = of_source("vllm serve m", PLACE, ["vllm serve m"])
    assert len(text.runs) == 1
    assert joined((text[:5], text[5:7], text[7:])) == text
    assert text[5:].place == Place("f", 1, 6, 13)


def test_the_value_of_a_variable_has_few_runs_and_stays_unresolved() -> None:
    pieces = [at("a", Place("f", line, 1, 2)) for line in range(1, 200)]
    value = joined((*pieces, at("$B", PLACE).missing("B"))).taken_from("A")
    assert len(value.runs) == MOST_RUNS_OF_VARIABLE
    assert (value.variables, value.unresolved) == (("A",), ("B",))
    assert value.value == "a" * 199 + "$B"
    assert value.place_at(198) == Place("f", MOST_RUNS_OF_VARIABLE, 1, 2)


@given(st.text(alphabet="ab \n'", max_size=30), st.data())
def test_a_slice_has_the_places_of_the_whole(value: str, data: st.DataObject) -> None:
    text = of_source(value, PLACE, value.split("\n"))
    first = data.draw(st.integers(0, len(value)))
    last = data.draw(st.integers(first, len(value)))
    assert places(text[first:last]) == places(text)[first:last]
    assert places(joined((text[:first], text[first:]))) == places(text)


def test_a_part_of_a_text_says_which_variable_it_came_from_or_lacks() -> None:
    text = at("a", PLACE) + at("b", PLACE).taken_from("B") + at("$C", PLACE).missing("C")
    assert text.variables == ("B",)
    assert text.unresolved == ("C",)
    assert text[:2].unresolved == ()


def test_yaml_in_a_string_is_placed_in_the_file_around_it() -> None:
    files = files_of({"f.yaml": "data:\n  config: |\n    vllm:\n      max-model-len: 4096\n"})
    inner = files.embedded(node_at(files.documents[0].tree, "data", "config"))
    value = node_at(inner, "vllm", "max-model-len")
    assert value is not None
    assert value.place == Place("f.yaml", 4, 22, 26)
    text = files.text(value)
    assert text is not None
    assert text.place == Place("f.yaml", 4, 22, 26)
