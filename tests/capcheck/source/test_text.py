from __future__ import annotations

import pytest
from capcheck.errors import InputError
from capcheck.source.text import decode, is_text


def problem(data: bytes) -> tuple[str, int, int, str]:
    with pytest.raises(InputError) as caught:
        decode(data, "m.yaml")
    (only,) = caught.value.problems
    assert only.place.path == "m.yaml"
    assert only.place.end_column == only.place.column + 1
    return only.code, only.place.line, only.place.column, only.found


@pytest.mark.parametrize(
    ("data", "code", "line", "column", "found"),
    [
        (b"a: \xe9\n", "not-utf-8", 1, 4, "the byte 0xe9"),
        ("a: 1\né: ".encode() + b"\xff", "not-utf-8", 2, 4, "the byte 0xff"),
        ("😀: ".encode() + b"\xff", "not-utf-8", 1, 4, "the byte 0xff"),
        (b"\xef\xbb\xbfa: \xff", "not-utf-8", 1, 4, "the byte 0xff"),
        (b"a: \xf0\x9f\x98", "not-utf-8", 1, 4, "the byte 0xf0"),
        (b"a: \xed\xa0\x80", "not-utf-8", 1, 4, "the byte 0xed"),
        ("a: 1".encode("utf-16"), "not-utf-8", 1, 1, "UTF-16 or UTF-32"),
        (b"a: 1\r\nb: \x00\r\n", "control-character", 2, 4, "the character U+0000"),
        ("😀: \x07".encode(), "control-character", 1, 4, "the character U+0007"),
        (b"a: \x1b[31m", "control-character", 1, 4, "the character U+001B"),
        (b"a: \x7f", "control-character", 1, 4, "the character U+007F"),
        ("a: \x9b".encode(), "control-character", 1, 4, "the character U+009B"),
        ("a\x85".encode(), "control-character", 1, 2, "the character U+0085"),
        ("a: x\u2028b".encode(), "control-character", 1, 5, "the character U+2028"),
        ("a\u2029".encode(), "control-character", 1, 2, "the character U+2029"),
        ("a\ufffe".encode(), "control-character", 1, 2, "the character U+FFFE"),
        (b"a: 1\rb: 2", "control-character", 1, 5, "the character U+000D"),
        (b"a: 1\n" * 300_000, "file-too-large", 1, 1, "more than 1 MiB"),
    ],
)
def test_refused(data: bytes, code: str, line: int, column: int, found: str):
    assert problem(data) == (code, line, column, found)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\xef\xbb\xbfa: 1\n", "a: 1\n"),
        ("a: 😀é\t\r\n".encode(), "a: 😀é\t\r\n"),
        ("\ufeffa\ufeff".encode(), "a\ufeff"),
    ],
)
def test_accepted(data: bytes, text: str):
    assert decode(data, "m.yaml") == text


def test_exactly_one_mebibyte_is_accepted():
    assert len(decode(b"#" * (1 << 20), "m.yaml")) == 1 << 20


@pytest.mark.parametrize("value", ["\x00", "a\x07", "\ud800", "\u2028", "\x85", "a\rb"])
def test_is_not_text(value: str):
    assert not is_text(value)


def test_is_text():
    assert is_text("line\nline\té😀")
