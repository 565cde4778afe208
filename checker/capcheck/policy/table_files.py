"""An organisation's own rows of a shipped table, from a CSV file beside its policy."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from capcheck.errors import InputError
from capcheck.manifest.referred import ReadFile
from capcheck.place import Place
from capcheck.registry import tables
from capcheck.registry.backends import backend_spec
from capcheck.registry.gpus import gpu_spec
from capcheck.registry.models import model_spec
from capcheck.registry.rows import Row
from capcheck.source.problems import Problems, quoted
from capcheck.source.text import decode

# More rows than the shipped tables have together.
MOST_ROWS = 5_000


def table_rows(
    table: str, path: str, place: Place, problems: Problems, read_file: ReadFile | None
) -> tuple[Row, ...]:
    """The rows of one file, in the columns of the shipped table; blank where it has none.

    A row whose name a shipped row has, or that the table's reader can't take, is noted.
    """
    try:
        text = decode(read_file(path) if read_file else b"", path)
    except OSError as error:
        problems.add(
            "unreadable-file",
            place,
            found=quoted(path),
            expected=f"a readable file inside the repository ({error.strerror or error})"[:200],
        )
        return ()
    except InputError as error:
        problems.extend(error.problems)
        return ()
    shipped = tables.load().rows(table)
    columns, known = tuple(shipped[0]), {row["name"] for row in shipped}
    rows: list[Row] = []
    for number, row in _read(text, path, columns, problems):
        line = Place(path, number, 1, 2)
        if row["name"] in known:
            problems.add(
                "bad-table", line, found=quoted(row["name"]), expected="a name not in use yet"
            )
        elif not _is_readable(table, row):
            problems.add(
                "bad-table",
                line,
                found=quoted(row["name"]),
                expected=f"numbers where the shipped table of {table} has numbers",
            )
        else:
            known.add(row["name"])
            rows.append(row)
    return tuple(rows)


def _read(
    text: str, path: str, columns: tuple[str, ...], problems: Problems
) -> list[tuple[int, Row]]:
    """Line numbers and rows; unknown and missing columns are noted."""
    reader = csv.reader(io.StringIO(text, newline=""))
    found: list[tuple[int, Row]] = []
    try:
        header = next(reader, [])
        wrong = [name for name in header if name not in columns]
        if wrong or "name" not in header:
            problems.add(
                "bad-table",
                Place(path, 1, 1, 2),
                found=quoted(wrong[0]) if wrong else "no column name",
                expected=f"columns of {', '.join(columns)}",
            )
            return []
        for cells in reader:
            if len(cells) != len(header) or len(found) >= MOST_ROWS:
                problems.add(
                    "bad-table",
                    Place(path, reader.line_num, 1, 2),
                    found=f"{len(cells)} cells",
                    expected=f"{len(header)} cells, in at most {MOST_ROWS:,} rows",
                )
                return []
            stated = dict(zip(header, cells, strict=True))
            found.append((reader.line_num, {name: stated.get(name, "") for name in columns}))
    except csv.Error as error:
        problems.add(
            "bad-table", Place(path, reader.line_num or 1, 1, 2), found=str(error), expected="CSV"
        )
        return []
    return found


def _is_readable(table: str, row: Row) -> bool:
    readers: dict[str, Callable[[Row], object]] = {
        "gpus": gpu_spec,
        "backends": backend_spec,
        "models": model_spec,
    }
    try:
        readers[table](row)
    except (ValueError, KeyError, ArithmeticError):
        return False
    return bool(row["name"].strip())
