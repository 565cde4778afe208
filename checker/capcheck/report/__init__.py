"""One report, rendered as people and programs want it.

`to_document` turns a `Report` into the JSON document; every renderer reads only that document, so a
saved report (`read`) renders like a fresh one. Adding a format is one module and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from capcheck.report import as_json, codequality, comment, github, junit, markdown, sarif, terminal
from capcheck.report.as_json import read
from capcheck.report.build import to_document
from capcheck.report.document import Document
from capcheck.report.style import Style

Renderer = Callable[[Document, Style], str]

FORMATS: Mapping[str, Renderer] = {
    "terminal": terminal.render,
    "json": as_json.render,
    "github": github.render,
    "markdown": markdown.render,
    "comment": comment.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "codequality": codequality.render,
}

__all__ = ["FORMATS", "Document", "Renderer", "Style", "read", "to_document"]
