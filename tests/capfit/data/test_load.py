import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from capcheck.errors import InputError
from capfit.data.columns import Role, Row, column, measure, schema
from capfit.data.load import data_hash, load, load_file
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True, kw_only=True)
class Toy(Row):
    table: ClassVar[str] = "toy"
    name: str = column(role=Role.SUBJECT)
    kind: str | None = column(role=Role.SUBJECT, allowed=("a", "b"))
    count: int | None = column(role=Role.DETAIL, least=1)
    fine: bool | None = column(role=Role.CONDITION)
    size_gib: float | None = measure(unit="GiB")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "toy.csv"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(InputError) as refused:
        load_file(Toy, path)
    return [str(problem).removeprefix(f"{path}:") for problem in refused.value.problems]


def test_rows_are_typed(tmp_path: Path):
    written(tmp_path, "name,kind,count,fine,size_gib\nx,a,3,yes,1.5\ny,,,,\n")
    assert load(Toy, tmp_path) == (
        Toy(line=2, name="x", kind="a", count=3, fine=True, size_gib=1.5),
        Toy(line=3, name="y"),
    )


def test_columns_in_any_order_and_nullable_ones_may_lack(tmp_path: Path):
    path = written(tmp_path, "size_gib,name\n2,x\n")
    assert load_file(Toy, path) == (Toy(line=2, name="x", size_gib=2.0),)


def test_a_quoted_line_break_moves_the_next_row(tmp_path: Path):
    path = written(tmp_path, 'name,kind\n"x\ny",a\nz,c\n')
    assert refusal(path) == [
        "4:3: bad-cell: found 'c' in column 'kind', expected one of a, b",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",a,1,no,1", "2:1: bad-cell: found '' in column 'name', expected text without spaces "
         "around it, not a blank"),
        (" x,a,1,no,1", "2:1: bad-cell: found ' x' in column 'name', expected text without spaces "
         "around it"),
        ("x,c,1,no,1", "2:3: bad-cell: found 'c' in column 'kind', expected one of a, b"),
        ("x,a,0,no,1", "2:5: bad-cell: found '0' in column 'count', expected a whole number of at "
         "least 1"),
        ("x,a,1.5,no,1", "2:5: bad-cell: found '1.5' in column 'count', expected a whole number of "
         "at least 1"),
        ("x,a,1,1,1", "2:7: bad-cell: found '1' in column 'fine', expected one of no, yes"),
        ("x,a,1,no,-1", "2:10: bad-cell: found '-1' in column 'size_gib', expected a number of GiB "
         "of at least 0"),
        ("x,a,1,no,nan", "2:10: bad-cell: found 'nan' in column 'size_gib', expected a number of "
         "GiB of at least 0"),
        ("x,a,1,no,inf", "2:10: bad-cell: found 'inf' in column 'size_gib', expected a number of "
         "GiB of at least 0"),
        ('"x, y",a,1,no,big', "2:15: bad-cell: found 'big' in column 'size_gib', expected a number "
         "of GiB of at least 0"),
        ("x,a,1", "2:1: bad-row: found 3 cells, expected 5 cells as in the header"),
    ],
)  # fmt: skip
def test_bad_cells(tmp_path: Path, line: str, problem: str):
    path = written(tmp_path, f"name,kind,count,fine,size_gib\n{line}\n")
    assert refusal(path) == [problem]


def test_every_bad_cell_is_named_at_once(tmp_path: Path):
    path = written(tmp_path, "name,kind,count\nx,c,0\ny,d,1\n")
    assert [problem.partition(": ")[0] for problem in refusal(path)] == ["2:3", "2:5", "3:3"]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("name,kimd", "1:6: unknown-column: found column 'kimd', expected a column of the table; "
         "did you mean 'kind'?"),
        ("name,kind,kind", "1:11: repeated-column: found column 'kind' again, expected each column "
         "once"),
        ("kind", "1:1: missing-column: found no such column, expected a column 'name'"),
    ],
)  # fmt: skip
def test_bad_headers(tmp_path: Path, header: str, problem: str):
    assert refusal(written(tmp_path, f"{header}\n")) == [problem]


def test_files_that_are_no_tables(tmp_path: Path):
    assert refusal(tmp_path / "none.csv")[0].startswith("1:1: unreadable-table")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"name\n\xff\n")
    assert "not UTF-8" in refusal(binary)[0]


def test_the_hash_covers_names_and_bytes(tmp_path: Path):
    written(tmp_path, "name\nx\n")
    first = data_hash(tmp_path)
    written(tmp_path, "name\ny\n")
    assert data_hash(tmp_path) != first
    (tmp_path / "toy.csv").rename(tmp_path / "other.csv")
    written(tmp_path, "name\nx\n")
    assert data_hash(tmp_path) != first


@given(st.lists(st.lists(st.text(max_size=12), max_size=7), max_size=5))
def test_no_text_raises_anything_but_input_errors(tmp_path_factory, rows: list[list[str]]):
    text = io.StringIO()
    csv.writer(text).writerows([["name", "count"], *rows])
    path = tmp_path_factory.mktemp("fuzz") / "toy.csv"
    path.write_text(text.getvalue(), encoding="utf-8", errors="replace")
    try:
        found = load_file(Toy, path)
    except InputError:
        return
    assert len(found) <= len(rows)


def test_the_schema_says_what_a_column_is():
    sizes = {column.name: column for column in schema(Toy)}
    assert sizes["size_gib"].unit == "GiB"
    assert sizes["size_gib"].role is Role.MEASURE
    assert [name for name, column in sizes.items() if not column.nullable] == ["name"]
