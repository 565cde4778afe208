"""Where something stands in a file."""

from __future__ import annotations

from operator import attrgetter

from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A span on one line: 1-based, columns in Unicode code points, `end_column` exclusive."""

    path: str
    line: int
    column: int
    end_column: int

    def __lt__(self, other: Place) -> bool:
        return _order(self) < _order(other)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


_order = attrgetter("path", "line", "column", "end_column")
