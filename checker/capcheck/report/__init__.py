"""One report, rendered as people and programs want it.

`to_document` turns a `Report` into the JSON document; every renderer reads only that document, so a
saved report (`read`) renders like a fresh one. Adding a format is one module and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from capcheck.report.as_json import read
from capcheck.report.build import to_document
from capcheck.report.document import Document
from capcheck.report.style import Style

Renderer = Callable[[Document, Style], str]


def _format(module: str) -> Renderer:
    """A renderer that is imported when it draws: most runs draw one format."""

    def render(document: Document, style: Style) -> str:
        text: str = import_module(f"{__name__}.{module}").render(document, style)
        return text

    return render


FORMATS: Mapping[str, Renderer] = {
    "terminal": _format("terminal"),
    "json": _format("as_json"),
    "github": _format("github"),
    "markdown": _format("markdown"),
    "comment": _format("comment"),
    "sarif": _format("sarif"),
    "junit": _format("junit"),
    "codequality": _format("codequality"),
}

__all__ = ["FORMATS", "Document", "Renderer", "Style", "read", "to_document"]
