"""Templates that are not YAML before they are rendered: which engine they are for."""

from __future__ import annotations

import re

from capcheck.place import Place
from capcheck.source.native.command import programs
from capcheck.source.native.deployment import Stated
from capcheck.source.native.tree import Document

_LEFT_OUT = re.compile(r"(?m)^[ \t]*#[^\n]*$|\{\{[^{}]*\}\}|\{%[^%]*%\}")
_IMAGE = re.compile(r"(?m)^[ \t-]*(?:image|image_id|repository):[ \t]*[\"']?([^\s\"']+)")
_MARKS = re.compile(r"[\[\]\"',]|(?m:^[ \t]*-\s)")


def backend(document: Document) -> Stated | None:
    """The one engine that a template's commands start, else the one that its images hold."""
    text = _LEFT_OUT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), document.text)
    started = programs.named_in(_MARKS.sub(" ", text))
    if len(started) == 1:
        return Stated(started.pop(), document.place, "command")
    images: dict[str, re.Match[str]] = {}
    for match in _IMAGE.finditer(text):
        found = programs.image(match[1].removeprefix("docker:"))
        if found is not None and found.engine:
            images.setdefault(found.engine, match)
    if started or len(images) != 1:
        return None
    engine, match = images.popitem()
    line = text.count("\n", 0, match.start(1)) + 1
    column = match.start(1) - text.rfind("\n", 0, match.start(1))
    return Stated(engine, Place(document.path, line, column, column + len(match[1])), "image")
