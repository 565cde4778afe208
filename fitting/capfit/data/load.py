"""CSV tables to typed rows. A cell that its column does not allow is an error with its place."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.source.nearest import nearest

from capfit.data.columns import CellError, Column, Row, parse, schema

R = TypeVar("R", bound=Row)


def load(row: type[R], folder: Path) -> tuple[R, ...]:
    """Every row of a table in a folder of tables. Raises InputError, see `load_file`."""
    return load_file(row, folder / f"{row.table}.csv")


def load_file(row: type[R], path: Path) -> tuple[R, ...]:
    """Every row of a CSV file with a header line; columns in any order, nullable ones may lack.

    Raises InputError with every unknown or missing column and every bad cell: file, line, column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _refused(path, error.strerror or str(error), "a readable CSV table") from error
    except UnicodeDecodeError as error:
        raise _refused(path, "bytes that are not UTF-8", "a CSV table in UTF-8") from error
    return tuple(_read(row, text, str(path)))


def data_hash(folder: Path) -> str:
    """SHA-256 over the names and bytes of every table in a folder, in order of name."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        digest.update(f"{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _refused(path: Path, found: str, expected: str) -> InputError:
    place = Place(str(path), 1, 1, 1)
    return InputError([Problem("unreadable-table", place, found, expected)])


def _read(row: type[R], text: str, path: str) -> Iterator[R]:
    lines = csv.reader(io.StringIO(text, newline=""))
    header = next(lines, [])
    columns = {column.name: column for column in schema(row)}
    problems = list(_wrong_header(header, columns, path))
    if problems:
        raise InputError(problems)
    found: list[R] = []
    line = lines.line_num + 1
    for cells in lines:
        if len(cells) != len(header):
            place = Place(path, line, 1, 1)
            wanted = f"{len(header)} cells as in the header"
            problems.append(Problem("bad-row", place, f"{len(cells)} cells", wanted))
        else:
            values = {}
            for position, (name, cell) in enumerate(zip(header, cells, strict=True)):
                try:
                    values[name] = parse(columns[name], cell)
                except CellError as error:
                    place = _place(path, line, cells, position)
                    problems.append(
                        Problem("bad-cell", place, f"{cell!r} in column {name!r}", str(error))
                    )
            found.append(row(line=line, **values))
        line = lines.line_num + 1
    if problems:
        raise InputError(problems)
    yield from found


def _wrong_header(
    header: Sequence[str], columns: dict[str, Column], path: str
) -> Iterator[Problem]:
    for position, name in enumerate(header):
        if name not in columns or name in header[:position]:
            twice = name in columns
            yield Problem(
                "repeated-column" if twice else "unknown-column",
                _place(path, 1, header, position),
                f"column {name!r}" + (" again" if twice else ""),
                "each column once" if twice else "a column of the table",
                None if twice else nearest(name, columns),
            )
    for column in columns.values():
        if not column.nullable and column.name not in header:
            end = Place(path, 1, 1, 1)
            yield Problem("missing-column", end, "no such column", f"a column {column.name!r}")


def _place(path: str, line: int, cells: Sequence[str], position: int) -> Place:
    """Where a cell stands, as the csv module writes the row: quoted where it must be."""
    before = len(_written(cells[:position])) + (1 if position else 0)
    return Place(path, line, before + 1, before + 1 + max(1, len(_written([cells[position]]))))


def _written(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def place_of(path: Path, line: int, column: str) -> Place:
    """Where the cell of a column stands in the row that begins on a line of a CSV file."""
    lines = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    header = next(lines, [])
    start = lines.line_num + 1
    for cells in lines:
        if start == line and column in header:
            return _place(str(path), line, cells, header.index(column))
        start = lines.line_num + 1
    return Place(str(path), line, 1, 1)
