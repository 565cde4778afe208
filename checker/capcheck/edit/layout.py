"""Where each part of a YAML text begins and ends, and how it is written.

The tree of `capcheck.source` says what a file means: aliases are followed, merges done, places cut
to one line. This one says how it is spelt, which is what an edit has to keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from capcheck.edit.change import Lines
from capcheck.records import dataclass
from capcheck.source.parser import events

MERGE = "<<"

# An anchor and what separates it from its value: blanks, line ends, comments.
_ANCHOR = re.compile(r"&[^\s,\[\]{}]+(?:\s+(?:#[^\n]*\n)?)*")


@dataclass(frozen=True, slots=True)
class Part:
    """A value from `start` to `end`, its anchor not included.

    `style` is `'`, `"`, `|` or `>` for a scalar, empty for a plain one. `alias` is the name that it
    stands for. `entries` are a map's own, merged ones not among them; None for anything else.
    """

    start: int
    end: int
    style: str = ""
    is_flow: bool = False
    anchor: str | None = None
    alias: str | None = None
    entries: Mapping[str, Member] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One `key: value` of a map."""

    key: Part
    value: Part


@dataclass(slots=True)
class Layout:
    """A text, its root, its anchored values by name, and the offsets of the aliases to each."""

    lines: Lines
    root: Part
    anchors: dict[str, Part] = field(default_factory=dict)
    aliases: dict[str, list[int]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text that is laid out."""
        return self.lines.text

    def newline(self, offset: int) -> str:
        """What the line of an offset ends with; of the last line, what the first one does."""
        if self.text.find("\n", offset) < 0:
            offset = 0
        return "\r\n" if self.text.startswith("\r", self.lines.end_of_line(offset)) else "\n"


def layout(text: str) -> Layout:
    """The layout of a text that `capcheck.source` has read without a problem."""
    found = Layout(Lines(text), Part(0, 0))
    stream = iter(events(text))
    for event in stream:
        if isinstance(event, NodeEvent):
            found.root = _part(event, stream, found)
    return found


def _part(event: Event, stream: Iterator[Event], found: Layout) -> Part:
    """The value that begins with `event`; at most 50 levels deep, the reader saw to that."""
    start = _offset(event.start_mark, found)
    if isinstance(event, AliasEvent):
        name = event.anchor or ""
        found.aliases.setdefault(name, []).append(start)
        return Part(start, start + 1 + len(name), alias=name)
    anchor = event.anchor if isinstance(event, NodeEvent) else None
    if anchor and (written := _ANCHOR.match(found.text, start)):
        start = written.end()
    if isinstance(event, ScalarEvent):
        part = _scalar(event, start, anchor, found)
    else:
        part = _collection(event, start, anchor, stream, found)
    if anchor:
        found.anchors[anchor] = part
    return part


def _offset(mark: Any, found: Layout) -> int:  # noqa: ANN401 - a mark of either parser
    return found.lines.offset(mark.line, mark.column)


def _scalar(event: ScalarEvent, start: int, anchor: str | None, found: Layout) -> Part:
    end = max(start, _offset(event.end_mark, found))
    style = event.style or ""
    if style in ("|", ">"):
        # The parser's mark is behind the line ends and blank lines that follow.
        end = start + len(found.text[start:end].rstrip())
    return Part(start, end, style=style, anchor=anchor)


def _collection(
    event: Event, start: int, anchor: str | None, stream: Iterator[Event], found: Layout
) -> Part:
    children: list[Part] = []
    names: list[str] = []
    end = start
    for inner in stream:
        if isinstance(inner, CollectionEndEvent):
            end = _offset(inner.end_mark, found)
            break
        names.append(inner.value if isinstance(inner, ScalarEvent) else "")
        children.append(_part(inner, stream, found))
    is_flow = isinstance(event, CollectionStartEvent) and bool(event.flow_style)
    if not is_flow:
        # The parser's mark is where the next thing begins, comments skipped.
        end = max((child.end for child in children), default=start)
    entries = None
    if isinstance(event, MappingStartEvent):
        entries = {
            name: Member(key, value)
            for name, key, value in zip(names[::2], children[::2], children[1::2], strict=True)
        }
    return Part(start, end, is_flow=is_flow, anchor=anchor, entries=entries)
