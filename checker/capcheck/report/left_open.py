"""What native files leave open, as the manifest that would say it."""

from __future__ import annotations

from capcheck.report.document import Document
from capcheck.report.escape import fenced, plain
from capcheck.report.ladder import folded

TITLE = "What the native files leave open, as a manifest"

# A longer manifest is for `capcheck init`.
_MOST_LINES = 120


def lines(document: Document) -> list[str]:
    """The manifest, line by line; how to have it written where it is long; nothing without one."""
    text = document["draft"]
    if text is None:
        return []
    found = text.rstrip("\n").split("\n")
    if len(found) > _MOST_LINES:
        return ["# too long for this page: `capcheck init` writes it"]
    return [plain(line) for line in found]


def block(document: Document) -> str:
    """The same, folded, in Markdown."""
    found = lines(document)
    return folded(TITLE, fenced("\n".join(found), "yaml")) if found else ""
