"""What the tests and branches of a shell script leave known of its variables.

A branch that is not taken changes nothing. After one that may be taken, a variable keeps what was
there before it where the branch only appends; any other change makes it unknown. Source: POSIX
2.9.4 and `test`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from operator import eq, ge, gt, le, lt, ne

from capcheck.records import dataclass
from capcheck.source.native.command.arrays import SEPARATOR
from capcheck.source.native.command.variables import (
    NO_ARGUMENTS,
    Environment,
    is_known,
    lone_name,
)
from capcheck.source.native.text import EMPTY, Text, joined

TESTS = frozenset(("[", "[[", "test"))
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": eq,
    "-ne": ne,
    "-gt": gt,
    "-ge": ge,
    "-lt": lt,
    "-le": le,
}


def holds(words: Sequence[Text], environment: Environment) -> bool | None:
    """Whether a test command succeeds; None for what only a shell can know."""
    head = words[0].value if words else ""
    if head not in TESTS:
        return {"true": True, ":": True, "false": False}.get(head) if len(words) == 1 else None
    inner = list(words[1:])
    if head != "test" and (not inner or inner.pop().value not in ("]", "]]")):
        return None
    negated = bool(inner) and inner[0].value == "!"
    result = _holds(inner[1:] if negated else inner, environment, patterns=head == "[[")
    return result if result is None else result is not negated


def _holds(words: Sequence[Text], environment: Environment, *, patterns: bool) -> bool | None:
    if len(words) == 2 and words[0].value in ("-n", "-z"):
        value = _value(words[1], environment)
        return None if value is None else bool(value) is (words[0].value == "-n")
    if len(words) != 3:
        return None
    left, right = _value(words[0], environment), _value(words[2], environment)
    operator = words[1].value
    if left is None or right is None:
        return None
    if operator in ("=", "==", "!="):
        same = fnmatchcase(left, right) if patterns else left == right
        return same is (operator != "!=")
    if operator in _NUMBERS and _is_number(left) and _is_number(right):
        return _NUMBERS[operator](int(left), int(right))
    return None


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 12


def _value(word: Text, environment: Environment) -> str | None:
    """A word's text; a variable that a script by itself never sets is empty."""
    if not word.unresolved:
        return word.value
    name = lone_name(word.value)
    alone = NO_ARGUMENTS in environment
    return "" if alone and name and name not in environment else None


@dataclass(slots=True)
class Branch:
    """One `if`, `case` or loop that is open. `taken` is that of its part that is being read."""

    opener: str
    in_condition: bool = False
    tests: list[bool | None] = field(default_factory=list)
    taken: bool | None = True
    settled: bool | None = False
    before: dict[str, Text] | None = None
    # Of a `case`: the word that is compared, the patterns read so far, whether more of them follow.
    subject: Text | None = None
    patterns: list[Text] = field(default_factory=list)
    awaits_pattern: bool = False
    alternatives: dict[str, list[Text]] = field(default_factory=dict)

    def condition(self) -> None:
        """What follows is tested."""
        self.in_condition, self.tests = True, []

    def matched(self) -> bool | None:
        """Whether the word of a `case` is one of the patterns; None where either is not known."""
        patterns, self.patterns = self.patterns, []
        self.awaits_pattern = False
        if any(pattern.value == "*" for pattern in patterns):
            return True
        if self.subject is None or self.subject.unresolved:
            return None
        word = self.subject.value
        if any(not p.unresolved and fnmatchcase(word, p.value) for p in patterns):
            return True
        return None if any(pattern.unresolved for pattern in patterns) else False

    def begin(self, environment: dict[str, Text], *, otherwise: bool = False) -> None:
        """A part starts: `then` and `do` by the tests before them, `else` by those that failed."""
        result = self.tests[0] if len(self.tests) == 1 else None
        if self.opener == "until" and result is not None:
            result = not result
        if otherwise:
            result = True
        if self.opener in ("while", "until") and result:
            result = None  # as often as only a shell can know
        self.in_condition = False
        if self.settled:
            result = False
        elif self.settled is None and result:
            result = None
        self.taken = result
        self.settled = (
            True if result or self.settled else (None if result is None else self.settled)
        )
        self.before = dict(environment)

    def end(self, environment: dict[str, Text]) -> None:
        """The part that is being read ends: what it set is put aside."""
        before, self.before = self.before, None
        if before is None or self.taken:
            return
        for name, value in list(environment.items()):
            if before.get(name) is value:
                continue
            if self.taken is None:
                self.alternatives.setdefault(name, []).append(value)
            if name in before:
                environment[name] = before[name]
            else:
                del environment[name]

    def close(self, environment: dict[str, Text]) -> None:
        """`fi`, `done`, `esac`: what the parts that may be taken leave behind."""
        self.end(environment)
        for name, values in self.alternatives.items():
            environment[name] = doubtful(name, environment.get(name), values)


def doubtful(name: str, before: Text | None, values: Sequence[Text]) -> Text:
    """A variable that may have been given one of these values."""
    if before is not None and before.value and is_known(before):
        there = _flags(before.value)
        added = [value.value[len(before.value) :] for value in values]
        appended = all(value.value.startswith(before.value) for value in values)
        if appended and not any(_flags(text) & there for text in added):
            return joined((before, hidden(name, before)))
    return (next((value for value in values if value), before) or EMPTY).missing(name)


def _flags(text: str) -> set[str]:
    return {word.partition("=")[0] for word in text.split() if word.startswith("-")}


def hidden(name: str, before: Text) -> Text:
    """What may stand behind a value: one more word that nothing is known of."""
    blank = SEPARATOR if before.value.startswith(SEPARATOR) else " "
    return joined((before.standing_at(blank), before.standing_at(f"${name}").missing(name)))
