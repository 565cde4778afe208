"""The tables in fitting/data themselves."""

import csv
import io
import re
from collections import Counter

import pytest
from capfit.data.columns import schema
from capfit.data.rows import EXCLUSIONS
from capfit.data.tables import MEASURED, REFERENCE, SCORED, Data

from .conftest import FOLDER

TABLES = (*MEASURED, *SCORED, *REFERENCE)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.table)
def test_bytes_are_what_the_csv_module_writes(table):
    text = (FOLDER / f"{table.table}.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    again = io.StringIO(newline="")
    csv.writer(again, lineterminator="\n").writerows(rows)
    assert again.getvalue() == text
    assert rows[0] == [column.name for column in schema(table)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.table)
def test_every_row_has_its_source(data: Data, table):
    known = {(row.collection, row.source) for row in data.rows(REFERENCE[-1])}
    assert {(row.collection, row.source) for row in data.rows(table)} <= known


def test_every_file_is_a_declared_table():
    assert {path.stem for path in FOLDER.glob("*.csv")} == {table.table for table in TABLES}


def test_the_readme_counts_the_rows(data: Data):
    text = (FOLDER / "README.md").read_text()
    stated = {
        name: int(count) for name, count in re.findall(r"^\| `(\w+)\.csv` \| (\d+) \|", text, re.M)
    }
    assert stated == {table.table: len(data.rows(table)) for table in TABLES}


def test_dates_are_iso(data: Data):
    day = r"\d{4}(?:-\d\d(?:-\d\d)?)?"
    for table in TABLES[:-1]:
        for row in data.rows(table):
            assert row.date is None or re.fullmatch(f"{day}(?:/{day})?", row.date), row


def test_rows_without_a_source_never_become_cells(data: Data):
    assert {row.excluded for row in data.rows(REFERENCE[1])} == {"unverified"}
    assert {row.source for row in data.rows(REFERENCE[1])} == {"TR133"}


def test_every_row_is_accounted_for(data: Data):
    """Each row is in a cell, is a label, was rejected, or has no figure at all."""
    for table in MEASURED:
        found = data.cells(table)
        used = {row.line for cell in found.kept for row in cell.rows}
        used |= {label.row.line for label in found.labels}
        used |= {rejected.row.line for rejected in found.rejected}
        left = [row for row in data.rows(table) if row.line not in used]
        assert [row for row in left if getattr(row, "value", None) is not None] == []
        assert len(left) <= 12, (table.table, len(left))


def test_every_exclusion_is_used(data: Data):
    used = Counter(row.excluded for table in TABLES[:-1] for row in data.rows(table))
    assert set(used) - {None} == set(EXCLUSIONS)
