"""The change that is offered first: of the alternatives the first that can be written."""

from __future__ import annotations

from capcheck.edit.change import Change, Lines
from capcheck.report.document import Alternative, Deployment


def smallest_fix(deployment: Deployment) -> Alternative | None:
    """What would make a deployment pass that does not; None where nothing can be offered."""
    if deployment["verdict"] == "pass":
        return None
    return next(filter(is_writable, deployment["alternatives"]), None)


def is_writable(alternative: Alternative) -> bool:
    """Whether every edit has its place in the manifest's text."""
    edits = alternative["edits"]
    return bool(edits) and all(edit["text"] is not None for edit in edits)


def changes(alternative: Alternative, text: str) -> tuple[Change, ...]:
    """The edits of an alternative that is writable, as changes of the text that they are about.

    Raises ValueError for an edit without a place.
    """
    lines = Lines(text)
    found = []
    for edit in alternative["edits"]:
        if edit["line"] is None or edit["column"] is None or edit["text"] is None:
            raise ValueError(f"{edit['pointer']} has no place")
        start = lines.offset(edit["line"] - 1, edit["column"] - 1)
        end_line, end_column = edit["end_line"] or edit["line"], edit["end_column"] or 1
        found.append(lines.change(start, lines.offset(end_line - 1, end_column - 1), edit["text"]))
    return tuple(found)
