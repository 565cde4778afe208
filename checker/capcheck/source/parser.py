"""YAML text to PyYAML's events, by libyaml where it is there, in pure Python otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from yaml.events import Event
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner


class PythonParser(Reader, Scanner, Parser):
    """PyYAML's own parser, which refuses tabs between tokens where YAML and libyaml allow them."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def scan_to_next_token(self) -> None:
        """Skip blanks, comments and line breaks; tabs too where no indentation can be meant."""
        super().scan_to_next_token()
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            while self.peek() == "\t":
                self.forward()
            super().scan_to_next_token()


def _fastest() -> Callable[[str], Any]:
    try:
        from yaml._yaml import CParser
    except ImportError:  # PyYAML was built without libyaml
        return PythonParser
    return CParser


def events(text: str, *, parser: Callable[[str], Any] = _fastest()) -> Iterator[Event]:  # noqa: B008
    """Every event of `text`, lazily. Raises yaml.error.YAMLError.

    The text must not start with a byte order mark nor hold unprintable characters: the two parsers
    treat them differently.
    """
    source = parser(text)
    while (event := source.get_event()) is not None:
        yield event
