"""Reading the tables: CSV cells to typed values. A blank cell is None: not known."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

Row = Mapping[str, str]


def read(path: Path) -> tuple[Row, ...]:
    """All rows of a CSV table with a header line."""
    with path.open(encoding="utf-8", newline="") as lines:
        table = csv.reader(lines)
        header = next(table)
        return tuple(dict(zip(header, cells, strict=True)) for cells in table)


def number(cell: str) -> float | None:
    """A decimal number."""
    return float(cell) if cell else None


def integer(cell: str) -> int | None:
    """A whole number."""
    return int(cell) if cell else None


def text(cell: str) -> str | None:
    """Any text."""
    return cell or None


def yes(cell: str) -> bool:
    """`yes`; anything else, a blank too, is False."""
    return cell == "yes"


def several(cell: str) -> tuple[str, ...]:
    """A list separated by semicolons."""
    return tuple(item.strip() for item in cell.split(";") if item.strip())
