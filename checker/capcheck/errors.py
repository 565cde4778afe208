"""What a user can get wrong, as data; and the one exception that carries it."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.place import Place
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in an input: what was found, what was expected, and the nearest valid name.

    `code` is a stable kebab-case id such as `unknown-key`.
    """

    code: str
    place: Place
    found: str
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{self.place}: {self.code}: found {self.found}, expected {self.expected}{hint}"


class InputError(Exception):
    """Everything wrong with the input, collected before giving up. Exit code 2."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.place))
        super().__init__("\n".join(map(str, self.problems)))
