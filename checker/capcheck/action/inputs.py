"""The inputs of `action.yml`, each an environment variable `CAPCHECK_NAME`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from capcheck.finding import Verdict
from capcheck.github.publish import WHEN, When
from capcheck.output import OutputError, check_writable
from capcheck.records import dataclass
from capcheck.report.marker import DEFAULT_ID, ID_PATTERN
from capcheck.verdicts import DEFAULT_FAIL_ON, VerdictError, parse_verdicts


class ActionInputError(Exception):
    """An input of the action that cannot be understood or obeyed."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the workflow asks for.

    `base` None leaves it to the event, `fail_on` and `policy` None to the repository.
    """

    paths: tuple[str, ...]
    base: str | None
    fail_on: tuple[Verdict, ...] | None
    policy: str | None
    allow_empty: bool
    comment: When
    comment_id: str
    suggestions: bool
    report_file: Path | None
    sarif_file: Path | None
    token: str = field(repr=False)


def read(environ: Mapping[str, str]) -> Inputs:
    """The inputs, checked. Raises ActionInputError."""

    def text(name: str) -> str:
        return environ.get(f"CAPCHECK_{name.upper().replace('-', '_')}", "").strip()

    comment, comment_id = text("comment") or "auto", text("id") or DEFAULT_ID
    if comment not in WHEN:
        raise ActionInputError(f"comment: found {comment!r}, expected one of {', '.join(WHEN)}")
    if not re.fullmatch(ID_PATTERN, comment_id):
        expected = "at most 64 letters, digits, '.', '_' and '-'"
        raise ActionInputError(f"id: found {comment_id[:80]!r}, expected {expected}")
    return Inputs(
        paths=tuple(filter(None, map(str.strip, text("paths").splitlines()))) or (".",),
        base=text("base") or None,
        fail_on=_fail_on(environ.get("CAPCHECK_FAIL_ON", DEFAULT_FAIL_ON)),
        policy=text("policy") or None,
        allow_empty=_boolean("allow-empty", text("allow-empty")),
        comment=comment,
        comment_id=comment_id,
        suggestions=_boolean("suggestions", text("suggestions")),
        report_file=_file("report-file", text("report-file")),
        sarif_file=_file("sarif-file", text("sarif-file")),
        token=text("github-token"),
    )


def _fail_on(text: str) -> tuple[Verdict, ...] | None:
    """None for the default's own words: a workflow that says nothing leaves it to the policy."""
    if text == DEFAULT_FAIL_ON:
        return None
    try:
        return parse_verdicts(text)
    except VerdictError as error:
        raise ActionInputError(f"fail-on: {error}") from error


def _boolean(name: str, text: str) -> bool:
    """A YAML boolean arrives as text."""
    if text.lower() not in ("", "true", "false"):
        raise ActionInputError(f"{name}: found {text!r}, expected true or false")
    return text.lower() == "true"


def _file(name: str, text: str) -> Path | None:
    """A place to write to; a link in the checkout would lead the writer anywhere."""
    if not text:
        return None
    path = Path(os.path.abspath(text))
    if not Path(text).is_absolute() and path != Path.cwd().resolve() / os.path.normpath(text):
        raise ActionInputError(f"{name}: {text!r} leads out of the workspace")
    inside = not Path(text).is_absolute()
    if inside and path.resolve() != path:
        raise ActionInputError(f"{name}: {text!r} is a link, or lies behind one")
    try:
        check_writable(path)
    except OutputError as error:
        raise ActionInputError(f"{name}: {error}") from error
    return path
