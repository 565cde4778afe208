"""Here-documents of a shell script that are written into files.

Source: POSIX shell, "Here-Document": the lines up to one that is the delimiter; with a quoted
delimiter they stand as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from capcheck.records import dataclass
from capcheck.source.native.text import Text

_OUTPUT = re.compile(r"1?(?:>>|>\||>)")

_SHELL = re.compile(r"(?:^|[/\s])(?:ba|z|da)?sh(?:\s+-\w+)*$|^-s$")


@dataclass(frozen=True, slots=True)
class Written:
    """What a script writes into a file; `adds` to what is in it, `in_branch` perhaps.

    The path is empty for what it hands to another shell.
    """

    path: str
    content: Text
    adds: bool
    in_branch: bool


class HereDocuments:
    """Those of the line that is read, and where that line's output goes."""

    def __init__(self) -> None:
        self.is_kept = False
        self.delimiters: list[tuple[str, bool]] = []
        self.written: list[Written] = []
        self._outputs: list[tuple[str, bool]] = []

    def redirected(self, operator: str, target: Sequence[Text], *, quoted: bool) -> None:
        """A redirection: the delimiter of a here-document, or a file."""
        name = target[0].value if target else ""
        if operator.lstrip("0123456789") in ("<<", "<<-"):
            self.delimiters.append((name, quoted))
        elif _OUTPUT.fullmatch(operator) and not name.startswith("/dev/"):
            self._outputs.append((name, operator.endswith(">>")))

    def ran(self, words: Sequence[Text]) -> None:
        """A command of the line: `tee` writes what it is handed, a shell runs it."""
        values = [word.value for word in words]
        if self.delimiters and (values[0] == "ssh" or _SHELL.search(values[-1])):
            self._outputs.append(("", False))
        if self.delimiters and "tee" in values[:3]:
            options = values[values.index("tee") + 1 :]
            adds = "-a" in options or "--append" in options
            self._outputs += [(name, adds) for name in options if not name.startswith("-")][:1]

    def end_of(self, value: str, start: int, delimiter: str) -> tuple[int, int]:
        """Where the lines of a here-document end, and where the script goes on."""
        at = start
        while at < len(value):
            end = value.find("\n", at)
            end = len(value) if end < 0 else end
            if value[at:end].strip() == delimiter:
                return at, min(end + 1, len(value))
            at = end + 1
        return len(value), len(value)

    @property
    def output(self) -> tuple[str, bool] | None:
        """The file that the line writes, and whether it adds to it."""
        return self._outputs[-1] if self.is_kept and self._outputs else None

    def end_line(self) -> None:
        """The next line begins."""
        self.delimiters, self._outputs = [], []
