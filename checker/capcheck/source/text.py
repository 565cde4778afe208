"""Bytes of a file to text whose lines and columns every editor counts alike."""

from __future__ import annotations

import codecs
import re

from capcheck.place import Place
from capcheck.source.problems import Problems, whole_file

MAX_BYTES = 1 << 20

# What YAML doesn't count as printable (YAML 1.2.2, production 1), and what some programs count as a
# line break and others don't: NEL, LS, PS, and a carriage return that no line feed follows.
_NOT_TEXT = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|\r(?!\n)"
)


def decode(data: bytes, path: str) -> str:
    """UTF-8 text, without its byte order mark.

    Raises InputError (file-too-large, not-utf-8, control-character) with the place of the first
    offender.
    """
    problems = Problems()
    if len(data) > MAX_BYTES:
        problems.add(
            "file-too-large", whole_file(path), found="more than 1 MiB", expected="at most 1 MiB"
        )
        raise problems.error()
    try:
        text = (body := data.removeprefix(codecs.BOM_UTF8)).decode()
    except UnicodeDecodeError as error:
        good = body[: error.start].decode()
        found = f"the byte 0x{body[error.start]:02x}"
        if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            found = "UTF-16 or UTF-32"
        problems.add("not-utf-8", _end_of(good, path), found=found, expected="UTF-8 text")
        raise problems.error() from None
    if bad := _NOT_TEXT.search(text):
        problems.add(
            "control-character",
            _end_of(text[: bad.start()], path),
            found=f"the character U+{ord(bad[0]):04X}",
            expected="printable text with LF or CRLF line ends",
        )
        raise problems.error()
    return text


def is_text(value: str) -> bool:
    """Whether a value that was written with escapes holds printable text only."""
    return _NOT_TEXT.search(value) is None


def _end_of(text: str, path: str) -> Place:
    line = text.count("\n") + 1
    column = len(text) - (text.rfind("\n") + 1) + 1
    return Place(path, line, column, column + 1)
