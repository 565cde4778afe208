"""Edits of a native file: each value replaced where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from capcheck.edit.change import Change, Lines
from capcheck.edit.locate import NotEditableError
from capcheck.manifest.deployment import Deployment
from capcheck.search.alternative import Edit
from capcheck.search.edits import root_of


def native_changes(text: str, edits: Sequence[Edit], deployment: Deployment) -> tuple[Change, ...]:
    """One change for each edit, of the characters that state the value today.

    Raises NotEditableError where a value is not stated, or in words that are not its own (a node
    label, a total): what to write there is not known.
    """
    lines = Lines(text)
    return tuple(_change(lines, edit, deployment) for edit in edits)


def _change(lines: Lines, edit: Edit, deployment: Deployment) -> Change:
    pointer = edit.pointer.removeprefix(root_of(deployment.name))
    name = pointer[1:].replace("/", ".")
    place = deployment.places.get(pointer)
    if place is None:
        raise NotEditableError(f"{name} is not stated in this file")
    start = lines.offset(place.line - 1, place.column - 1)
    end = lines.offset(place.line - 1, place.end_column - 1)
    written = lines.text[start:end]
    quote = written[0] if written[:1] in ("'", '"') and written[-1:] == written[:1] else ""
    if place.path != deployment.path or written.strip(quote or None) != str(edit.previous):
        raise NotEditableError(f"{name} is not written as {edit.previous} in this file")
    return lines.change(start, end, f"{quote}{edit.value}{quote}")
