"""YAML and JSON from strangers: bytes to a tree of values, each with its place.

Plain data only. Tags, several documents, duplicate keys and keys that aren't text are errors, and
so is whatever exceeds the budget: 1 MiB, 200,000 nodes with every alias expanded (counted, never
copied), 50 levels. Aliases are followed; a merge key `<<` adds the entries of a map, or of a list
of maps, that the map itself does not state. libyaml parses where PyYAML has it, PyYAML's own parser
otherwise: the tree and the problems' codes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NoReturn

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source import scalars
from capcheck.source.nearest import nearest
from capcheck.source.nodes import (
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    describe,
    is_broken,
    is_nothing,
)
from capcheck.source.parser import events
from capcheck.source.problems import Problems, quoted, whole_file
from capcheck.source.text import decode, is_text

MAX_NODES = 200_000
MAX_DEPTH = 50


def parse(data: bytes, path: str) -> Node:
    """The tree of a file that has no problem at all. Raises InputError otherwise."""
    tree, problems = read(data, path)
    if tree is None or problems:
        raise InputError(problems)
    return tree


def read(data: bytes, path: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """The tree and every problem; None when the file can't be read to its end."""
    try:
        return _Builder(decode(data, path), path).build()
    except InputError as error:
        return None, error.problems


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a file, or what is wrong with it. `place` is its first line."""

    tree: Node | None
    problems: tuple[Problem, ...]
    place: Place
    text: str


def read_parts(
    text: str, path: str, *, locate: Callable[[Place], Place] = lambda place: place
) -> tuple[Part, ...]:
    """Every document of a YAML text, each read by itself: a broken one loses the others nothing.

    Documents that hold nothing are left out. All documents together share the node budget.
    `locate` says where a place of `text` stands in the file that it was taken from.
    """
    parts = []
    nodes = 0
    for first, chunk in _split(text):

        def moved(place: Place, first: int = first) -> Place:
            return locate(Place(place.path, place.line + first, place.column, place.end_column))

        builder = _Builder(chunk, path, nodes=nodes, locate=moved)
        try:
            tree, problems = builder.build()
        except InputError as error:
            tree, problems = None, error.problems
        nodes = builder.nodes
        if all(problem.code != "empty-file" for problem in problems):
            parts.append(Part(tree, problems, moved(whole_file(path)), chunk))
        if nodes > MAX_NODES:
            break
    return tuple(parts)


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Documents with the number of lines above them: `---` in column 1 is a marker anywhere."""
    lines = text.split("\n")
    start = 0
    for number, line in enumerate(lines):
        if line.startswith("---") and line[3:4] in ("", " ", "\t", "\r") and number > start:
            yield start, "\n".join(lines[start:number]) + "\n"
            start = number
    yield start, "\n".join(lines[start:])


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not come yet, measured with aliases expanded."""

    start: CollectionStartEvent
    children: list[Node]
    nodes: int = 1
    levels: int = 1


class _Builder:
    """Turns the parser's events into nodes, with a stack instead of recursion."""

    def __init__(
        self,
        text: str,
        path: str,
        *,
        nodes: int = 0,
        locate: Callable[[Place], Place] = lambda place: place,
    ) -> None:
        self.text = text
        self.path = path
        self.locate = locate
        self.lines = text.split("\n")
        self.problems = Problems()
        # By name: the node, and how many nodes and levels it has with aliases expanded.
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.nodes = nodes

    def build(self) -> tuple[Node | None, tuple[Problem, ...]]:
        documents = 0
        try:
            for event in events(self.text):
                if isinstance(event, ScalarEvent):
                    self._count(event, 1)
                    self._close(event, self._scalar(event), nodes=1, levels=0)
                elif isinstance(event, AliasEvent):
                    self._alias(event)
                elif isinstance(event, CollectionStartEvent):
                    self._start(event)
                elif isinstance(event, CollectionEndEvent):
                    self._end(event)
                elif isinstance(event, DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._stop(
                            "multiple-documents",
                            self._of(event),
                            found="a second document",
                            expected="one document a file",
                        )
        except YAMLError as error:
            self._stop_at_syntax(error)
        if self.root is None or is_nothing(self.root):
            where = self.locate(whole_file(self.path))
            self._stop("empty-file", where, found="nothing", expected="a document")
        return self.root, self.problems.error().problems

    def _start(self, event: CollectionStartEvent) -> None:
        self._refuse_tag(event)
        self._count(event, 1)
        self.open.append(_Open(event, []))
        if len(self.open) > MAX_DEPTH:
            self._too_deep(event)
        if event.anchor:
            # Until its end comes, an alias to it would contain itself.
            self.anchors.pop(event.anchor, None)

    def _end(self, event: CollectionEndEvent) -> None:
        done = self.open.pop()
        place = self._place(done.start.start_mark, event.end_mark)
        node: Node
        if isinstance(done.start, MappingStartEvent):
            node = Mapping(self._entries(done.children), place)
        else:
            node = Sequence(tuple(done.children), place)
        self._close(done.start, node, nodes=done.nodes, levels=done.levels)

    def _scalar(self, event: ScalarEvent) -> Scalar:
        text: str = event.value
        place = self._of(event) if text or not event.implicit[0] else self._of_nothing()
        if self._refuse_tag(event):
            return Scalar(None, text, place, broken=True)
        if not event.implicit[0]:
            if is_text(text):
                return Scalar(text, text, place)
            self.problems.add(
                "control-character", place, found=quoted(text), expected="printable text"
            )
            return Scalar(None, text, place, broken=True)
        try:
            return Scalar(scalars.resolve(text), text, place)
        except scalars.NumberTrapError as trap:
            shown = text if len(text) <= 60 else f"{text[:59]}…"
            self.problems.add(
                trap.code, place, found=shown, expected=trap.expected, nearest=trap.nearest
            )
            return Scalar(None, text, place, broken=True)

    def _alias(self, event: AliasEvent) -> None:
        place = self._of(event)
        name = event.anchor or ""
        anchored = self.anchors.get(name)
        if anchored is None:
            inside = any(node.start.anchor == name for node in self.open)
            self._stop(
                "recursive-alias" if inside else "undefined-alias",
                place,
                found=quoted(f"*{name}"),
                expected="an alias to a finished value" if inside else "an anchor above it",
                near=nearest(name, self.anchors),
            )
        original, nodes, levels = anchored
        if len(self.open) + levels > MAX_DEPTH:
            self._too_deep(event)
        self._count(event, nodes)
        self._close(event, replace(original, place=place), nodes=nodes, levels=levels)

    def _count(self, event: Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self._stop(
                "too-many-nodes",
                self._of(event),
                found=f"more than {MAX_NODES:,} keys and values, aliases expanded",
                expected=f"at most {MAX_NODES:,}",
            )

    def _close(self, event: NodeEvent, node: Node, *, nodes: int, levels: int) -> None:
        """Hand a finished node to the map or list that it stands in."""
        if event.anchor and not isinstance(event, AliasEvent):
            self.anchors[event.anchor] = (node, nodes, levels)
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.children.append(node)
        parent.nodes += nodes
        parent.levels = max(parent.levels, levels + 1)

    def _entries(self, children: list[Node]) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                self._refuse_key(key)
            elif key.value in entries:
                first = entries[key.value].key.place
                self.problems.add(
                    "duplicate-key",
                    key.place,
                    found=quoted(key.value),
                    expected=f"each key once; the first is on line {first.line}",
                )
            else:
                entries[key.value] = Entry(key, value)
        if "<<" in entries:
            for source in self._merged(entries.pop("<<").value):
                for name, entry in source.entries.items():
                    entries.setdefault(name, entry)
        return entries

    def _merged(self, value: Node) -> Iterator[Mapping]:
        for source in value.items if isinstance(value, Sequence) else (value,):
            if isinstance(source, Mapping):
                yield source
            elif not is_broken(source):
                self.problems.add(
                    "bad-merge",
                    source.place,
                    found=describe(source),
                    expected="a map, or a list of maps, to take entries from",
                )

    def _refuse_key(self, key: Node) -> None:
        if is_broken(key):
            return
        self.problems.add(
            "key-not-text",
            key.place,
            found=describe(key),
            expected="a key that is text",
            nearest=f'"{key.text}"' if isinstance(key, Scalar) and key.text else None,
        )

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent) -> bool:
        if event.tag is None:
            return False
        self.problems.add(
            "tag-not-allowed",
            self._of(event),
            found=f"the tag {quoted(event.tag)}",
            expected="plain data without tags",
        )
        return True

    def _too_deep(self, event: Event) -> None:
        self._stop(
            "too-deep",
            self._of(event),
            found=f"more than {MAX_DEPTH} levels",
            expected=f"at most {MAX_DEPTH}",
        )

    def _stop_at_syntax(self, error: YAMLError) -> None:
        mark = getattr(error, "problem_mark", None)
        context, start = getattr(error, "context", None), getattr(error, "context_mark", None)
        reasons = [getattr(error, "problem", None) or "no reason given"]
        if context and start:
            reasons.append(f"{context} from line {start.line + 1}")
        place = self._last()
        if mark:
            place = min(place, Place(self.path, mark.line + 1, mark.column + 1, mark.column + 2))
        self._stop(
            "yaml-syntax",
            self.locate(place),
            found=f"text that does not parse ({', '.join(reasons)})",
            expected="YAML",
        )

    def _last(self) -> Place:
        """The last character of the text: a parser's mark may be behind it."""
        text = self.text.rstrip()
        column = max(1, len(text) - text.rfind("\n") - 1)
        return Place(self.path, text.count("\n") + 1, column, column + 1)

    def _stop(
        self, code: str, place: Place, *, found: str, expected: str, near: str | None = None
    ) -> NoReturn:
        """Note a problem after which nothing more can be read."""
        self.problems.add(code, place, found=found, expected=expected, nearest=near)
        raise self.problems.error()

    def _of(self, event: Event) -> Place:
        return self._place(event.start_mark, event.end_mark)

    def _of_nothing(self) -> Place:
        """The key that no value follows, or the list with the gap: the parsers' marks differ."""
        if not self.open:
            return self.locate(whole_file(self.path))
        parent = self.open[-1]
        if isinstance(parent.start, MappingStartEvent) and len(parent.children) % 2:
            return parent.children[-1].place
        return self._of(parent.start)

    def _place(self, start: Any, end: Any) -> Place:  # noqa: ANN401 - marks of either parser
        """From mark to mark, on the line where it starts and at least one column wide."""
        last = len(self.lines[start.line].rstrip())
        stop = min(end.column, last) if end.line == start.line else last
        column = start.column + 1
        return self.locate(Place(self.path, start.line + 1, column, max(stop, column) + 1))
