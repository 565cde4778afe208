"""No text of a manifest controls a terminal, a page or a runner."""

import re
import unicodedata

import pytest
from capcheck.report.escape import (
    clip,
    code,
    command_data,
    command_property,
    log_line,
    markdown,
    plain,
)
from hypothesis import given
from hypothesis import strategies as st

any_text = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]),
        st.sampled_from("|`<>[]@#$*_~\\\n\r:%"),
    )
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("llama3.1:8b", "llama3.1:8b"),
        ("a\nb\r", r"a\nb\r"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\ud800", r"\ud800"),
        ("a\tb", "a    b"),
        ("a\u00a0b", "a b"),
        ("漢字 é ü", "漢字 é ü"),
        ("##[error]x", "## [error]x"),
    ],
)
def test_plain(raw: str, shown: str) -> None:
    assert plain(raw) == shown


@given(any_text)
def test_plain_is_visible_and_idempotent(raw: str) -> None:
    shown = plain(raw)
    assert shown.isprintable()
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in shown)
    assert plain(shown) == shown


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 3, "")],
)
def test_clip(text: str, length: int, shown: str) -> None:
    assert clip(text, length) == shown


@given(any_text)
def test_markdown_has_no_structure(raw: str) -> None:
    escaped = markdown(raw)
    without_entities = re.sub(r"&#\d+;", "", escaped)
    assert not set(without_entities) & set("&<>`|[]*_~\\$@#\n\r")
    assert "://" not in without_entities
    assert "www." not in without_entities


@given(any_text)
def test_markdown_renders_as_the_text(raw: str) -> None:
    entities = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), markdown(raw, 10_000))
    assert entities.replace("\u200b", "") == plain(raw)


def test_names_are_cut() -> None:
    assert code("x" * 300) == f"<code>{'x' * 199}…</code>"


@given(any_text)
def test_a_command_stays_one_line(raw: str) -> None:
    assert "\n" not in command_data(raw)
    assert "\r" not in command_data(raw)
    assert not set(command_property(raw)) & set("\r\n:,")
    unescaped = command_property(raw)
    for escaped, character in (
        ("%2C", ","),
        ("%3A", ":"),
        ("%0A", "\n"),
        ("%0D", "\r"),
        ("%25", "%"),
    ):
        unescaped = unescaped.replace(escaped, character)
    assert unescaped == raw


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a::b", "a::b"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::stop-commands::x", r"  \x3a:stop-commands::x"),
    ],
)
def test_log_line(line: str, shown: str) -> None:
    assert log_line(line) == shown
