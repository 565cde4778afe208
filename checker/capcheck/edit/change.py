"""Changes of a text by span, and what they make of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`text` in the place of what stands from `start` to `end`: offsets in code points.

    An insertion has `start` == `end`. The place says the same in lines and columns, both from 1;
    `end_column` is exclusive.
    """

    start: int
    end: int
    text: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The lines `first` to `last`, from 1 and inclusive, and what takes their place."""

    first: int
    last: int
    lines: tuple[str, ...]


class Lines:
    """The lines of a text, to turn offsets into places and back."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        while (end := text.find("\n", self._starts[-1])) >= 0:
            self._starts.append(end + 1)

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and a column, both from 0; the end of the text for those behind."""
        if line >= len(self._starts):
            return len(self.text)
        return min(self._starts[line] + column, len(self.text))

    def start_of_line(self, offset: int) -> int:
        """The offset at which the line of `offset` begins."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def column(self, offset: int) -> int:
        """How far into its line an offset is, from 0."""
        return offset - self.start_of_line(offset)

    def end_of_line(self, offset: int) -> int:
        """The offset behind the last character of the line, before its line end."""
        end = self.text.find("\n", offset)
        if end < 0:
            return len(self.text)
        return end - 1 if self.text[offset:end].endswith("\r") else end

    def change(self, start: int, end: int, text: str) -> Change:
        """A change with its place."""
        first, last = (bisect_right(self._starts, offset) for offset in (start, end))
        return Change(
            start=start,
            end=end,
            text=text,
            line=first,
            column=start - self._starts[first - 1] + 1,
            end_line=last,
            end_column=end - self._starts[last - 1] + 1,
        )


def apply(text: str, changes: Iterable[Change]) -> str:
    """The text with every change made; those at one place as `_order` says, else as given.

    Raises ValueError when two overlap.
    """
    parts, position = [], 0
    for change in sorted(changes, key=_order):
        if change.start < position:
            raise ValueError("changes overlap")
        parts += [text[position : change.start], change.text]
        position = change.end
    return "".join((*parts, text[position:]))


def _order(change: Change) -> tuple[int, int, int]:
    """By place; of new lines at one place the deepest first: they belong to what stands before."""
    line = change.text.lstrip("\r\n")
    is_line = len(line) < len(change.text)
    return change.start, change.end, -(len(line) - len(line.lstrip(" "))) if is_line else 0


def rewrites(text: str, changes: Sequence[Change]) -> list[Rewrite]:
    """The changes as whole lines; those on lines that touch each other are one."""
    lines = text.splitlines(keepends=True) or [""]
    found: list[Rewrite] = []
    cluster: list[Change] = []
    for change in sorted(changes, key=_order):
        if cluster and change.line > max(one.end_line for one in cluster) + 1:
            found.append(_rewrite(lines, cluster))
            cluster = []
        cluster.append(change)
    return [*found, _rewrite(lines, cluster)] if cluster else found


def _rewrite(lines: Sequence[str], cluster: Sequence[Change]) -> Rewrite:
    first = cluster[0].line
    last = min(max(change.end_line for change in cluster), len(lines))
    before = "".join(lines[first - 1 : last])
    offset = cluster[0].start - (cluster[0].column - 1)
    moved = [Change(one.start - offset, one.end - offset, one.text, 0, 0, 0, 0) for one in cluster]
    return Rewrite(first, last, tuple(apply(before, moved).splitlines(keepends=True)))
