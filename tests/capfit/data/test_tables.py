"""The tables in fitting/data themselves."""

import csv
import io
import re
from collections import Counter

import pytest
from capcheck.errors import InputError
from capfit.data.columns import schema
from capfit.data.constants import Constant, sources, tree
from capfit.data.rows import EXCLUSIONS, Sourced
from capfit.data.score_rows import Source
from capfit.data.tables import MEASURED, REFERENCE, SCORED, Data

from .conftest import FOLDER

TABLES = (*MEASURED, *SCORED, *REFERENCE)
OF_SOURCES = tuple(table for table in TABLES if issubclass(table, Sourced))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.table)
def test_bytes_are_what_the_csv_module_writes(table):
    text = (FOLDER / f"{table.table}.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    again = io.StringIO(newline="")
    csv.writer(again, lineterminator="\n").writerows(rows)
    assert again.getvalue() == text
    assert rows[0] == [column.name for column in schema(table)]


@pytest.mark.parametrize("table", OF_SOURCES, ids=lambda table: table.table)
def test_every_row_has_its_source(data: Data, table):
    known = {(row.collection, row.source) for row in data.rows(Source)}
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
    for table in OF_SOURCES:
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
    used = Counter(row.excluded for table in OF_SOURCES for row in data.rows(table))
    assert set(used) - {None} == set(EXCLUSIONS)


def test_every_constant_has_a_source_and_a_place(data: Data):
    rows = data.rows(Constant)
    assert tree(rows)["memory"]["backends"]["vllm"]["block_tokens"] == 16
    assert sources(rows, "memory/backends/vllm/")["block_tokens"] == "vLLM block_size 16"
    assert len({row.key for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("keys", "values", "message"),
    [
        (("a/b", "a/b"), ("1", "2"), "3:1: repeated-constant: found 'a/b' again"),
        (("a", "a/b"), ("1", "2"), "3:1: repeated-constant: found 'a/b' again"),
        (("a", "b"), ("1", "None"), "3:1: bad-constant: found 'None', expected a value in JSON"),
    ],
)
def test_a_constant_that_cannot_stand_is_an_error(keys, values, message: str):
    rows = [
        Constant(line=at + 2, key=key, value=value, source="s")
        for at, (key, value) in enumerate(zip(keys, values, strict=True))
    ]
    with pytest.raises(InputError) as raised:
        tree(rows)
    assert message in str(raised.value)
