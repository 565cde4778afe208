"""The variables of a shell script while it is read, and how much they may take."""

from __future__ import annotations

from capcheck.source.native.command.variables import Environment
from capcheck.source.native.text import MAX_LENGTH, Text

# More than any script sets; those beyond it have no value.
_MOST = 300


class Scope:
    """Variables that commands see: what is handed out is copied before it changes.

    `budget` is how many characters values may add: a hostile script doubles one line by line.
    """

    def __init__(self, environment: Environment, budget: int) -> None:
        self.variables: dict[str, Text] = dict(environment)
        self.most = len(self.variables) + _MOST
        self.budget = budget
        self.is_shared = False

    def seen(self) -> dict[str, Text]:
        """The variables as a command sees them; not to be changed."""
        self.is_shared = True
        return self.variables

    def own(self) -> dict[str, Text]:
        """The variables, to be changed."""
        if self.is_shared:
            self.variables, self.is_shared = dict(self.variables), False
        return self.variables

    def spend(self, length: int) -> bool:
        """Whether values of this length may still be added."""
        self.budget -= length
        return self.budget >= 0

    def assign(self, name: str, value: Text, into: dict[str, Text] | None = None) -> None:
        """Set a variable, of the script or of one command alone."""
        target = self.own() if into is None else into
        if name not in target and len(target) >= self.most:
            return
        if not self.spend(len(value.value)) or len(value.value) > MAX_LENGTH:
            value = value[:100].missing(name)
        target[name] = value
