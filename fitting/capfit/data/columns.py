"""Tables declared as dataclasses: one class is one table's schema and the type of its rows.

A field's annotation says how a cell is read: `str`, `int`, `float`, `bool` (yes or no), and
`| None` that a blank is allowed and means: not known. `column` adds what an annotation cannot say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import partial
from typing import Any, ClassVar, get_args, get_type_hints


class Role(Enum):
    """What a column is for."""

    PROVENANCE = "provenance"  # where the row comes from, how far it is trusted
    SUBJECT = "subject"  # what was measured: model, quant, backend, GPU, load
    CONDITION = "condition"  # what else tells two measurements apart
    MEASURE = "measure"  # a measured figure
    DETAIL = "detail"  # how a figure was obtained: repeats, statistic, intervals
    REMARK = "remark"  # prose


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table; `line` is where it stands in the file, counted from 1."""

    table: ClassVar[str]

    line: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, as declared."""

    name: str
    read: Callable[[str], object]  # raises ValueError
    expected: str  # in words, for messages
    unit: str | None
    allowed: frozenset[str] | None
    nullable: bool
    role: Role


class CellError(ValueError):
    """A cell that its column does not allow; the message says what it does."""


@dataclass(frozen=True, slots=True)
class _Declared:
    role: Role
    unit: str | None
    allowed: Collection[str] | None
    least: float | None
    most: float | None


def column(
    *,
    role: Role,
    unit: str | None = None,
    allowed: Collection[str] | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Any:  # noqa: ANN401 - as dataclasses.field, whose result stands for the field's value
    """A field of a row: its role, the unit and bounds of a number, the words of a closed list.

    Every field defaults to None, so that rows are written short; a blank cell of a column that is
    not nullable is refused when read.
    """
    declared = _Declared(role, unit, allowed, least, most)
    return field(default=None, metadata={"column": declared})


condition = partial(column, role=Role.CONDITION, least=0.0)
measure = partial(column, role=Role.MEASURE, least=0.0)


def schema(row: type[Row]) -> tuple[Column, ...]:
    """The columns of a table, in order."""
    if row not in _SCHEMAS:
        hints = get_type_hints(row)
        _SCHEMAS[row] = tuple(
            _column(item.name, get_args(hints[item.name]) or (hints[item.name],), declared)
            for item in fields(row)
            if (declared := item.metadata.get("column"))
        )
    return _SCHEMAS[row]


def parse(column: Column, cell: str) -> object:
    """The value of a cell. Raises CellError with what was expected instead."""
    if cell == "":
        if column.nullable:
            return None
        raise CellError(f"{column.expected}, not a blank")
    if column.allowed is not None and cell not in column.allowed:
        raise CellError(column.expected)
    try:
        return column.read(cell)
    except ValueError:
        raise CellError(column.expected) from None


_SCHEMAS: dict[type[Row], tuple[Column, ...]] = {}


def _column(name: str, kinds: tuple[type, ...], declared: _Declared) -> Column:
    kind = kinds[0]
    allowed = ("yes", "no") if kind is bool else declared.allowed
    return Column(
        name=name,
        read=_reader(kind, declared),
        expected=_expected(kind, declared, allowed),
        unit=declared.unit,
        allowed=None if allowed is None else frozenset(allowed),
        nullable=type(None) in kinds,
        role=declared.role,
    )


def _reader(kind: type, declared: _Declared) -> Callable[[str], object]:
    if kind is str:
        return _text
    if kind is bool:
        return "yes".__eq__
    least = -math.inf if declared.least is None else declared.least
    most = math.inf if declared.most is None else declared.most

    def number(cell: str) -> object:
        value: float = kind(cell)
        if not math.isfinite(value) or not least <= value <= most:
            raise ValueError
        return value

    return number


def _text(cell: str) -> str:
    if cell != cell.strip():
        raise ValueError
    return cell


def _expected(kind: type, declared: _Declared, allowed: Collection[str] | None) -> str:
    if allowed is not None:
        return "one of " + ", ".join(sorted(allowed))
    if kind is str:
        return "text without spaces around it"
    words = ["a whole number" if kind is int else "a number"]
    if declared.unit:
        words.append(f"of {declared.unit}")
    if declared.least is not None:
        words.append(f"of at least {declared.least:g}")
    if declared.most is not None:
        words.append(f"of at most {declared.most:g}")
    return " ".join(words)
