"""Text for a terminal: colour if wanted, ASCII if needed, columns that line up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from capcheck.finding import Severity, Verdict
from capcheck.records import dataclass
from capcheck.report.escape import clip, plain

Color = Literal["red", "green", "yellow", "cyan", "bold", "dim"]

_SGR: dict[Color, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}
_PAINT = re.compile(r"\x1b\[[0-9;]*m")

MARKS: dict[Verdict, str] = {"pass": "✓", "borderline": "!", "cannot-predict": "?", "fail": "✗"}
COLORS: dict[Verdict | Severity, Color] = {
    "pass": "green",
    "borderline": "yellow",
    "cannot-predict": "red",
    "fail": "red",
    "error": "red",
    "warning": "yellow",
    "note": "cyan",
}

_ASCII = {
    "✓": "ok",
    "✗": "x",
    "–": "-",
    "—": "-",
    "−": "-",
    "±": "+/-",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "≈": "~=",
    "→": "->",
    "…": "...",
    "│": "|",
}
_TO_ASCII = str.maketrans(_ASCII)

# What a terminal must be able to print for `unicode` to look right.
CHARACTERS = "".join(_ASCII)


@dataclass(frozen=True, slots=True)
class Pen:
    """How to write: with colour or without, in Unicode or in ASCII."""

    color: bool
    unicode: bool

    def text(self, raw: str, length: int | None = None) -> str:
        """Any text, hostile or ours, as visible characters; cut to `length` if given."""
        shown = plain(raw)
        if length is not None:
            shown = clip(shown, length)
        if self.unicode or shown.isascii():
            return shown
        return shown.translate(_TO_ASCII).encode("ascii", "backslashreplace").decode("ascii")

    def paint(self, text: str, *colors: Color) -> str:
        """The text in these colours."""
        if not (self.color and text and colors):
            return text
        return f"\x1b[{';'.join(_SGR[color] for color in colors)}m{text}\x1b[0m"

    def mark(self, verdict: Verdict) -> str:
        """The verdict's sign, in its colour."""
        return self.paint(self.text(MARKS[verdict]), COLORS[verdict])

    def aligned(self, rows: Sequence[Sequence[str]], *, right: frozenset[int]) -> list[str]:
        """Rows of cells as lines; columns two spaces apart, those in `right` right-aligned."""
        widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
        return [
            "  ".join(
                _pad(cell, widths[index], right=index in right) for index, cell in enumerate(row)
            ).rstrip()
            for row in rows
        ]


def width(text: str) -> int:
    """Terminal columns of a text; our own colours take none, East Asian wide characters two."""
    text = _PAINT.sub("", text) if "\x1b" in text else text
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _pad(cell: str, columns: int, *, right: bool) -> str:
    space = " " * (columns - width(cell))
    return space + cell if right else cell + space
