"""The lines of a file that a pull request's diff shows, from the `patch` of GitHub's API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from capcheck.records import dataclass

_HEADER = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines in a row as the head has them, changed and unchanged; `first` is from 1."""

    first: int
    lines: tuple[str, ...]

    def shows(self, first: int, last: int, lines: Sequence[str]) -> bool:
        """Whether the lines `first` to `last` of a file, which are these, are all in the hunk."""
        start, end = first - self.first, last - self.first + 1
        return start >= 0 and end <= len(self.lines) and self.lines[start:end] == tuple(lines)


def hunks(patch: str) -> tuple[Hunk, ...]:
    """The hunks of a unified diff of one file; what is not one is passed over."""
    return tuple(_hunks(patch.split("\n")))


def _hunks(lines: Iterable[str]) -> Iterable[Hunk]:
    first, left, shown = 0, 0, list[str]()
    for line in lines:
        if left == 0 and (header := _HEADER.match(line)):
            first, left = int(header[1]), int(header[2] if header[2] is not None else 1)
            shown = []
        elif left and line[:1] in ("+", " "):
            shown.append(line[1:])
            left -= 1
            if left == 0:
                yield Hunk(first, tuple(shown))
