"""Text whose characters know where they stand, and which variable they came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from capcheck.place import Place

# Commands are short; the marks of a longer text would cost more than anybody reads.
MAX_LENGTH = 100_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One character: its place, the variable that it came from, the variable that is missing."""

    place: Place
    variable: str = ""
    unresolved: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters with one mark each. Slicing and joining keep the marks."""

    value: str
    marks: tuple[Mark, ...]

    def __getitem__(self, span: slice) -> Text:
        return Text(self.value[span], self.marks[span])

    def __add__(self, other: Text) -> Text:
        return Text(self.value + other.value, self.marks + other.marks)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return self.value

    @property
    def unresolved(self) -> tuple[str, ...]:
        """The variables without a value in it, in order, each once."""
        return tuple(dict.fromkeys(mark.unresolved for mark in self.marks if mark.unresolved))

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that parts of it were taken from, in order, each once."""
        return tuple(dict.fromkeys(mark.variable for mark in self.marks if mark.variable))

    @property
    def place(self) -> Place | None:
        """From its first character as far as the text goes on in the same line."""
        if not self.marks:
            return None
        return span(mark.place for mark in self.marks)

    def taken_from(self, variable: str) -> Text:
        """The same text, marked as the value of a variable."""
        return Text(
            self.value, tuple(Mark(mark.place, variable, mark.unresolved) for mark in self.marks)
        )

    def missing(self, variable: str) -> Text:
        """The same text, marked as standing for a variable without a value."""
        return Text(
            self.value, tuple(Mark(mark.place, mark.variable, variable) for mark in self.marks)
        )

    def stripped(self) -> Text:
        """Without blanks at its ends."""
        start = len(self.value) - len(self.value.lstrip())
        return self[start : max(start, len(self.value.rstrip()))]

    def partition(self, separator: str) -> tuple[Text, Text] | None:
        """What stands before and after the separator, None where it is not there."""
        at = self.value.find(separator)
        if at < 0:
            return None
        return self[:at], self[at + len(separator) :]

    def split(self) -> tuple[Text, ...]:
        """The words between blanks."""
        words: list[Text] = []
        start: int | None = None
        for at, char in enumerate(self.value + " "):
            if char.isspace():
                if start is not None:
                    words.append(self[start:at])
                start = None
            elif start is None:
                start = at
        return tuple(words)


EMPTY = Text("", ())


def joined(parts: Iterable[Text]) -> Text:
    """All parts behind each other."""
    parts = tuple(parts)
    return Text(
        "".join(part.value for part in parts), tuple(mark for part in parts for mark in part.marks)
    )


def span(places: Iterable[Place]) -> Place:
    """From the first place as far as the places go on in the same line."""
    places = iter(places)
    first = last = next(places)
    for place in places:
        if (place.path, place.line) != (first.path, first.line) or place.column < last.column:
            break
        last = place
    return replace(first, end_column=max(first.end_column, last.end_column))


def at(value: str, place: Place, *, variable: str = "") -> Text:
    """A text whose characters all stand at one place."""
    value = value[:MAX_LENGTH]
    return Text(value, (Mark(place, variable),) * len(value))


def of_source(value: str, place: Place, lines: Sequence[str]) -> Text:
    """The value of a scalar that starts at `place`, each character found again in the file.

    Follows the value through the lines of the file: what a quoted, folded or block scalar adds or
    drops (quotes, indentation, escapes) is skipped. Where a character is not found soon, as behind
    an alias, it and the rest stand at `place`.
    """
    value = value[:MAX_LENGTH]
    marks: list[Mark] = []
    line, column = _first(place, lines)
    lost = False
    for char in value:
        if char.isspace() or lost:
            marks.append(marks[-1] if marks and not lost else Mark(place))
            continue
        found = _next(char, line, column, lines)
        if found is None:
            lost = True
            marks = [Mark(place)] * len(marks) if _is_alias(place, lines) else marks
            marks.append(Mark(place))
            continue
        line, column = found
        marks.append(Mark(Place(place.path, line + 1, column + 1, column + 2)))
        column += 1
    return Text(value, tuple(marks))


# Between one character of a value and the next stand indentation, a line break, an escape or the
# head of a block scalar.
_MAX_SKIPPED = 40


def _next(char: str, line: int, column: int, lines: Sequence[str]) -> tuple[int, int] | None:
    skipped = 0
    while line < len(lines) and skipped < _MAX_SKIPPED:
        text = lines[line]
        while column < len(text) and skipped < _MAX_SKIPPED:
            if text[column] == char:
                return line, column
            if not text[column].isspace():
                skipped += 1
            column += 1
        if column >= len(text):
            line, column = line + 1, 0
    return None


def _first(place: Place, lines: Sequence[str]) -> tuple[int, int]:
    """Where the characters start: those of a block scalar on the line below its `|` or `>`."""
    line, column = place.line - 1, place.column - 1
    written = lines[line] if line < len(lines) else ""
    return (line + 1, 0) if written[column : column + 1] in ("|", ">") else (line, column)


def _is_alias(place: Place, lines: Sequence[str]) -> bool:
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column] == "*"
