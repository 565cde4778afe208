"""Text whose characters know where they stand, and which variable they came from.

Places are kept by the run: a hostile file of one mebibyte must not cost a mark per character each
time that a variable hands its value on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import accumulate

from capcheck.place import Place
from capcheck.records import dataclass

# Commands are short; nobody reads a longer one.
MAX_LENGTH = 100_000


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one origin: their places, the variable they came from, or the one missing.

    The first of them stands at `place`; the others beside it where they are `in_line`, all at
    `place` otherwise.
    """

    length: int
    place: Place
    in_line: bool = False
    variable: str = ""
    unresolved: str = ""

    @property
    def last_column(self) -> int:
        """The column of its last character."""
        return self.place.column + (self.length - 1 if self.in_line else 0)

    @property
    def whole(self) -> Place:
        """From its first character to its last."""
        if not self.in_line:
            return self.place
        place = self.place
        return Place(place.path, place.line, place.column, place.column + self.length)

    def part(self, start: int, end: int) -> Run:
        """The characters from `start` up to `end`."""
        if (start, end) == (0, self.length):
            return self
        place = self.place
        if self.in_line and start:
            column = place.column + start
            place = Place(place.path, place.line, column, column + 1)
        return Run(end - start, place, self.in_line, self.variable, self.unresolved)

    def continues(self, other: Run) -> bool:
        """Whether this run and one in front of it are one."""
        if (self.variable, self.unresolved) != (other.variable, other.unresolved):
            return False
        if not (self.in_line and other.in_line):
            return self.place == other.place and other.in_line == self.in_line
        here, there = self.place, other.place
        return (here.path, here.line, here.column) == (
            there.path,
            there.line,
            other.last_column + 1,
        )


# A value that more pieces than these were put together for is placed by the first of them.
MOST_RUNS_OF_VARIABLE = 32


@dataclass(frozen=True, slots=True)
class Text:
    """Characters with the runs that they stand in. Slicing and joining keep the places."""

    value: str
    runs: tuple[Run, ...]
    ends: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ends = tuple(accumulate(run.length for run in self.runs))
        object.__setattr__(self, "ends", ends)

    def __getitem__(self, span: slice) -> Text:
        start, stop, _ = span.indices(len(self.value))
        if start >= stop:
            return EMPTY
        if stop - start == len(self.value):
            return self
        first, last = bisect_right(self.ends, start), bisect_left(self.ends, stop)
        found: list[Run] = []
        for position in range(first, last + 1):
            run = self.runs[position]
            before = self.ends[position] - run.length
            found.append(run.part(max(start - before, 0), min(stop - before, run.length)))
        return Text(self.value[start:stop], tuple(found))

    def __add__(self, other: Text) -> Text:
        return joined((self, other))

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return self.value

    @property
    def unresolved(self) -> tuple[str, ...]:
        """The variables without a value in it, in order, each once."""
        return tuple(dict.fromkeys(run.unresolved for run in self.runs if run.unresolved))

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that parts of it were taken from, in order, each once."""
        return tuple(dict.fromkeys(run.variable for run in self.runs if run.variable))

    @property
    def place(self) -> Place | None:
        """From its first character as far as the text goes on in the same line."""
        if not self.runs:
            return None
        first = last = self.runs[0]
        for run in self.runs[1:]:
            same = (run.place.path, run.place.line) == (first.place.path, first.place.line)
            if not same or run.place.column < last.last_column:
                break
            last = run
        if last is first:
            return first.whole
        return replace(first.place, end_column=max(first.whole.end_column, last.whole.end_column))

    def place_at(self, position: int) -> Place | None:
        """Where one character stands, the last one for a position behind it."""
        position = min(position, len(self.value) - 1)
        return self[position : position + 1].place

    def standing_at(self, value: str) -> Text:
        """Another value that stands where this one begins."""
        return at(value, place) if (place := self[:1].place) is not None else EMPTY

    def taken_from(self, variable: str) -> Text:
        """The same text, marked as the value of a variable."""
        runs = self.runs
        if len(runs) > MOST_RUNS_OF_VARIABLE:
            runs = (*runs[: MOST_RUNS_OF_VARIABLE - 1], _as_one(runs[MOST_RUNS_OF_VARIABLE - 1 :]))
        return Text(self.value, tuple(replace(run, variable=variable) for run in runs))

    def missing(self, variable: str) -> Text:
        """The same text, marked as standing for a variable without a value."""
        return Text(self.value, tuple(replace(run, unresolved=variable) for run in self.runs))

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

    def lines(self) -> Iterator[Text]:
        """Its lines, without their ends."""
        start = 0
        for line in self.value.split("\n"):
            yield self[start : start + len(line)]
            start += len(line) + 1

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
    parts = tuple(part for part in parts if part.value)
    if len(parts) == 1:
        return parts[0]
    runs: list[Run] = []
    for part in parts:
        for run in part.runs:
            if runs and run.continues(runs[-1]):
                runs[-1] = replace(runs[-1], length=runs[-1].length + run.length)
            else:
                runs.append(run)
    return Text("".join(part.value for part in parts), tuple(runs))


def _as_one(runs: Sequence[Run]) -> Run:
    """Some runs in one: all characters where the first stands, and still unresolved if one is."""
    missing = next((run.unresolved for run in runs if run.unresolved), "")
    return Run(sum(run.length for run in runs), runs[0].place, unresolved=missing)


def at(value: str, place: Place, *, variable: str = "") -> Text:
    """A text whose characters all stand at one place."""
    value = value[:MAX_LENGTH]
    return Text(value, (Run(len(value), place, variable=variable),) if value else ())


def of_source(value: str, place: Place, lines: Sequence[str]) -> Text:
    """The value of a scalar that starts at `place`, each character found again in the file.

    Follows the value through the lines of the file: what a quoted, folded or block scalar adds or
    drops (quotes, indentation, escapes) is skipped. Where a character is not found soon, it and the
    rest stand at `place`; so does all of a value behind an alias.
    """
    value = value[:MAX_LENGTH]
    if _is_alias(place, lines):
        return at(value, place)
    runs: list[Run] = []
    line, column = _first(place, lines)
    start = 0
    while start < len(value):
        if value[start].isspace():
            # Blanks stand with what is in front of them: a folded line has others in the file.
            end = next((i for i in range(start, len(value)) if not value[i].isspace()), len(value))
            before = runs[-1].part(runs[-1].length - 1, runs[-1].length) if runs else None
            blank_at = before.place if before is not None else place
            runs.append(Run(end - start, blank_at))
            start = end
            continue
        found = _next(value[start], line, column, lines)
        if found is None:
            runs.append(Run(len(value) - start, place))
            break
        line, column = found
        end = start + _common(value, start, lines[line], column)
        runs.append(Run(end - start, Place(place.path, line + 1, column + 1, column + 2), True))
        column += end - start
        start = end
    return Text(value, tuple(runs))


def _common(value: str, start: int, line: str, column: int) -> int:
    """How many characters from there on are the same, blanks at the end left aside."""
    most = min(len(value) - start, len(line) - column)
    same = (at for at in range(most) if value[start + at] != line[column + at])
    return len(value[start : start + next(same, most)].rstrip())


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
