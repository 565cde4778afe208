"""`$((A * B))`: whole numbers and variables that hold them.

Source: POSIX 2.6.4, of which `+ - * / %` and parentheses are read.
"""

from __future__ import annotations

import re

from capcheck.source.native.command.variables import Environment
from capcheck.source.native.text import Text, at

_TOKEN = re.compile(r"\s*(?:(\d{1,15})|\$?\{?([A-Za-z_]\w*)\}?|([-+*/%()]))")
_LONGEST = 200
_LARGEST = 10**15


def evaluate(whole: Text, environment: Environment) -> Text | None:
    """The number that an expansion `$((...))` gives; None where something in it is not known."""
    inner = whole.value[3:-2]
    if len(inner) > _LONGEST or whole.place is None:
        return None
    tokens: list[str] = []
    position = 0
    names: list[str] = []
    while inner[position:].strip():
        match = _TOKEN.match(inner, position)
        if match is None:
            return None
        position = match.end()
        if match[2]:
            known = environment.get(match[2])
            if known is None or not known.value.isascii() or not known.value.isdigit():
                return None
            names.append(match[2])
            tokens.append(known.value[:15])
        else:
            tokens.append(match[1] or match[3])
    result = _Sum(tokens).value()
    return at(str(result), whole.place, variable=" ".join(names)) if result is not None else None


class _Sum:
    """Recursive descent over the tokens; the expression is short, so the recursion is."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def value(self) -> int | None:
        """The whole expression, None where it is none."""
        result = self._sum()
        return result if self.at == len(self.tokens) else None

    def _sum(self) -> int | None:
        left = self._product()
        while left is not None and (operator := self._taken("+-")):
            right = self._product()
            if right is None:
                return None
            left = left + right if operator == "+" else left - right
        return left

    def _product(self) -> int | None:
        left = self._number()
        while left is not None and (operator := self._taken("*/%")):
            right = self._number()
            if right is None or (operator != "*" and right == 0):
                return None
            left = (
                left * right
                if operator == "*"
                else left // right
                if operator == "/"
                else left % right
            )
            if abs(left) > _LARGEST:
                return None
        return left

    def _number(self) -> int | None:
        if self._taken("("):
            inner = self._sum()
            return inner if self._taken(")") else None
        if self.at < len(self.tokens) and self.tokens[self.at].isdigit():
            self.at += 1
            return int(self.tokens[self.at - 1])
        return None

    def _taken(self, operators: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at] in operators:
            self.at += 1
            return self.tokens[self.at - 1]
        return ""
