"""Changes as diffs: git and capcheck must make the same text of them."""

import subprocess
from pathlib import Path

import pytest
from capcheck.edit.change import Lines, apply, rewrites
from capcheck.edit.diff import unified
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n"


def test_nothing_to_do() -> None:
    assert unified(TEXT, [], "m") == ""


def test_a_replacement_and_an_insertion_far_apart() -> None:
    lines = Lines(TEXT)
    made = [lines.change(2, 3, "B"), lines.change(23, 23, "\nmore")]
    assert unified(TEXT, made, "x/m.yaml") == (
        "--- a/x/m.yaml\n+++ b/x/m.yaml\n"
        "@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n"
        "@@ -10,3 +10,4 @@\n j\n k\n l\n+more\n"
    )


def test_neighbours_share_a_hunk_and_ends_without_a_line_end_are_marked() -> None:
    lines = Lines("a\nb\nc")
    made = [lines.change(0, 1, "A"), lines.change(4, 5, "C")]
    assert unified("a\nb\nc", made, "m") == (
        "--- a/m\n+++ b/m\n@@ -1,3 +1,3 @@\n-a\n+A\n b\n-c\n\\ No newline at end of file\n"
        "+C\n\\ No newline at end of file\n"
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a b.yaml", "a/a b.yaml\t"),
        ('a"b\n.yaml', '"a/a\\"b\\012.yaml"'),
        ("d\\m.yaml", "a/d/m.yaml"),
        ("漢.yaml", "a/漢.yaml"),
    ],
)
def test_names(path: str, name: str) -> None:
    diff = unified("a\n", [Lines("a\n").change(0, 1, "b")], path)
    assert diff.splitlines()[0] == f"--- {name}"


def test_overlapping_changes_are_refused() -> None:
    lines = Lines(TEXT)
    with pytest.raises(ValueError, match="overlap"):
        apply(TEXT, [lines.change(0, 3, ""), lines.change(2, 4, "")])


TEXTS = st.lists(st.sampled_from(["a", "b", "", "  c", "漢"]), min_size=1, max_size=14).flatmap(
    lambda lines: st.tuples(st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
        lambda ends: ends[0].join(lines) + (ends[0] if ends[1] else "")
    )
)


@st.composite
def changed(draw: st.DrawFn):
    """A text and changes of it, each within a line, at the end of one, or over several."""
    text = draw(TEXTS.filter(bool))
    lines = Lines(text)
    offsets = st.integers(0, len(text)).filter(lambda at: text[at - 1 : at + 1] != "\r\n")
    ends = draw(st.lists(offsets, min_size=2, max_size=6, unique=True).map(sorted))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    words = st.sampled_from(["x", "y z", "\nnew", ""])
    return text, [lines.change(start, end, draw(words)) for start, end in pairs]


@given(changed())
def test_rewrites_make_the_same_text(case) -> None:
    text, made = case
    lines = text.splitlines(keepends=True)
    for block in reversed(rewrites(text, made)):
        lines[block.first - 1 : block.last] = block.lines
    assert "".join(lines) == apply(text, made)


@given(case=changed())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_git_makes_the_same_text(case, tmp_path: Path) -> None:
    text, made = case
    after = apply(text, made)
    if not after.strip():
        return
    (file := tmp_path / "m.yaml").write_bytes(text.encode())
    diff = unified(text, made, "m.yaml")
    assert bool(diff) == (after != text)
    if diff:
        command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
        subprocess.run(command, cwd=tmp_path, input=diff.encode(), check=True)
    assert file.read_bytes().decode() == after
