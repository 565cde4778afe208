"""What a patch of GitHub's API shows of a file."""

import difflib

import pytest
from capcheck.github.hunks import Hunk, hunks
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        ("@@ -1 +1 @@\n-a\n+b", [Hunk(1, ("b",))]),
        ("@@ -1,2 +1,3 @@ def f():\n a\n+b\n c", [Hunk(1, ("a", "b", "c"))]),
        ("@@ -3,2 +3 @@\n-a\n b\n\\ No newline at end of file", [Hunk(3, ("b",))]),
        ("@@ -0,0 +1,2 @@\n+a\n+@@ -1 +1 @@", [Hunk(1, ("a", "@@ -1 +1 @@"))]),
        ("@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-c\n+d", [Hunk(1, ("b",)), Hunk(9, ("d",))]),
        ("@@ -1,2 +0,0 @@\n-a\n-b", []),
        ("@@ -1 +1,2 @@\n+a", []),
        ("nonsense\n+a", []),
        ("", []),
    ],
)
def test_hunks(patch: str, found: list[Hunk]) -> None:
    assert hunks(patch) == tuple(found)


@pytest.mark.parametrize(
    ("first", "last", "lines", "shown"),
    [
        (5, 6, ["b", "c"], True),
        (4, 6, ["a", "b", "c"], True),
        (3, 4, ["x", "a"], False),
        (6, 7, ["c", "d"], False),
        (5, 5, ["other"], False),
    ],
)
def test_shows(first: int, last: int, lines: list[str], shown: bool) -> None:
    assert Hunk(4, ("a", "b", "c")).shows(first, last, lines) is shown


LINES = st.lists(st.sampled_from(["a", "b", "+c", "-d", "@@ -1 +1 @@", ""]), max_size=12)


@given(old=LINES, new=LINES)
def test_every_new_line_is_in_a_hunk_at_its_place(old: list[str], new: list[str]) -> None:
    diff = list(difflib.unified_diff(old, new, lineterm=""))[2:]
    found = hunks("\n".join(diff))
    for hunk in found:
        assert tuple(new[hunk.first - 1 : hunk.first - 1 + len(hunk.lines)]) == hunk.lines
    added = sum(line.startswith("+") for line in diff)
    assert sum(len(hunk.lines) for hunk in found) >= added


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    hunks(text)
