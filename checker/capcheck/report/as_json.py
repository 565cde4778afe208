"""The report as JSON text, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.report.document import Document
from capcheck.report.style import Style

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

# A reader of v1 accepts fields that a later v1 has added.
_STRICTNESS = ("additionalProperties", "propertyNames")


_ENCODE = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False).encode


def render(document: Document, style: Style) -> str:
    """Sorted keys, one leaf object a line: the same document gives the same bytes."""
    return "".join(_lines(document, "\n")) + "\n"


def _lines(value: object, newline: str) -> Iterator[str]:
    """Break containers of containers over lines; the rest goes to the (fast) C encoder whole."""
    if not (isinstance(value, dict | list) and _has_containers(value)):
        yield _ENCODE(value)
        return
    inner = newline + "  "
    is_object = isinstance(value, dict)
    yield "{" if is_object else "["
    items = sorted(value.items()) if isinstance(value, dict) else enumerate(value)
    separator = inner
    for key, item in items:
        yield separator + (f"{_ENCODE(key)}: " if is_object else "")
        yield from _lines(item, inner)
        separator = "," + inner
    yield newline + ("}" if is_object else "]")


def _has_containers(value: dict[str, object] | list[object]) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return any(isinstance(item, dict | list) for item in items)


def read(text: str, *, path: str) -> Document:
    """A report from its JSON, checked against the schema. `path` is only named in errors.

    Unknown keys are accepted, as later versions may add some. Raises InputError.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        line, column = (
            (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        )
        raise InputError(
            [Problem("invalid-json", Place(path, line, column, column), str(error), "JSON")]
        ) from error
    problems = [
        Problem(
            code="invalid-report",
            place=Place(path, 1, 1, 1),
            found=f"at {error.json_path}: {error.message[:200]}",
            expected="a report as `capcheck schema report` describes it",
        )
        for error in _violations(document)
    ]
    if problems:
        raise InputError(problems)
    return cast("Document", document)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _violations(document: object) -> Iterator[ValidationError]:
    from jsonschema import Draft202012Validator

    from capcheck.schemas import text as schema_text

    validator = Draft202012Validator(json.loads(schema_text("report")))
    for error in validator.iter_errors(document):
        if error.validator not in _STRICTNESS:
            yield error
            return
