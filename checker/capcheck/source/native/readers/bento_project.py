"""BentoML projects: `[tool.bentoml.build.args]` in pyproject.toml.

The table fills the arguments that the service's code declares; which engine the code starts, the
project's description or dependencies tell. Source: BentoML documentation, "Build options".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from capcheck.place import Place
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.deployment import NativeDeployment, Stated, deployment
from capcheck.source.native.readers.python_program import bento_facts
from capcheck.source.native.tree import Document, Files
from capcheck.source.nodes import Entry, Mapping, Scalar

NAME = "BentoML project"

_TABLE = "tool.bentoml.build.args"
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")
_PAIR = re.compile(r"""\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"\\]*)"|'([^']*)'|([\w.+-]+))\s*(?:#.*)?""")
_ENGINES = ("vllm", "sglang", "trtllm", "tensorrt-llm", "lmdeploy")
_CANONICAL = {"tensorrt-llm": "trtllm"}


def recognises(document: Document) -> bool:
    """By its name and the table."""
    return document.path.endswith(".toml") and f"[{_TABLE}]" in document.text


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment that the build's arguments describe."""
    lines = tuple(_lines(document.text))
    entries: dict[str, Entry] = {}
    header = next((number for number, table, _ in lines if table == _TABLE), 1)
    for number, table, line in lines:
        match = _PAIR.fullmatch(line) if table == _TABLE else None
        if match is not None:
            name, group = match[1], next(index for index in (2, 3, 4) if match[index] is not None)
            value = match[group]
            place = Place(document.path, number, match.start(group) + 1, match.end(group) + 1)
            where = Place(document.path, number, match.start(1) + 1, match.end(1) + 1)
            entries[name] = Entry(Scalar(name, name, where), Scalar(value, value, place))
    place = Place(document.path, header, 1, 2)
    facts = bento_facts(files, Mapping(entries, place))
    if (engine := _engine(document.path, lines)) is not None:
        facts["backend"] = engine
    with_quant_of_name(facts)
    return [deployment(address=_TABLE, kind=NAME, place=place, facts=facts)]


def _engine(path: str, lines: tuple[tuple[int, str, str], ...]) -> Stated | None:
    """The only engine that `[project]` names."""
    found: dict[str, int] = {}
    for number, table, line in lines:
        words = re.findall(r"[a-z-]+", line.lower()) if table == "project" else []
        for engine in _ENGINES:
            if engine in words:
                found.setdefault(_CANONICAL.get(engine, engine), number)
    if len(found) != 1:
        return None
    engine, number = next(iter(found.items()))
    return Stated(engine, Place(path, number, 1, 2), "table project")


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Each line with its number and table; those of strings over several lines are left out."""
    table = ""
    quoted = ""
    for number, line in enumerate(text.split("\n"), start=1):
        inside = bool(quoted)
        for mark in ('"""', "'''"):
            if quoted in ("", mark) and line.count(mark) % 2:
                quoted = "" if quoted else mark
        if inside or quoted:
            continue
        if header := _HEADER.fullmatch(line):
            table = header[1].strip()
        yield number, table, line
