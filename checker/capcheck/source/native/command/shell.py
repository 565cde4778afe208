"""Shell scripts to the commands they hold, read but never run.

Reads the parts of the POSIX shell that deployments use: quotes, line continuations, comments,
`;`, `&&`, `||`, `|`, `&`, redirections, here-documents, assignments, `export`, arrays, and the
words of `if`, `for`, `while` and `case`. What only a shell can know (a command's output, a
variable that a branch sets) is marked as unresolved.
"""

from __future__ import annotations

import re

from capcheck.records import dataclass
from capcheck.source.native.command.arithmetic import evaluate
from capcheck.source.native.command.arrays import array, elements
from capcheck.source.native.command.branches import TESTS, Branch, doubtful, holds
from capcheck.source.native.command.heredocs import HereDocuments, Written
from capcheck.source.native.command.scope import Scope
from capcheck.source.native.command.variables import (
    NO_ARGUMENTS,
    Environment,
    closing,
    is_known,
    parameter,
)
from capcheck.source.native.text import EMPTY, MAX_LENGTH, Text, joined


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command, its words expanded, with the environment it would see.

    `branch` tells commands of different branches and loops apart; 0 is the main line.
    """

    words: tuple[Text, ...]
    environment: Environment
    branch: int = 0


def commands(script: Text, environment: Environment) -> tuple[Command, ...]:
    """Every simple command of a script, in order."""
    return _Reader(script[:MAX_LENGTH], environment).read()


def written(script: Text, environment: Environment) -> tuple[Written, ...]:
    """The files that a script writes by here-documents, in order."""
    if "<<" not in script.value:
        return ()
    reader = _Reader(script[:MAX_LENGTH], environment)
    reader.here.is_kept = True
    reader.read()
    return tuple(reader.here.written)


# Arrays in arrays are no shell.
_DEEPEST = 2


_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_DECLARERS = frozenset(("export", "declare", "local", "readonly", "typeset"))
_OPENERS = frozenset(("if", "while", "until", "for", "case", "select"))
_CLOSERS = frozenset(("fi", "done", "esac"))
_SKIPPED = frozenset(("then", "else", "elif", "do", "}", "!", "time"))
_OPERATORS = ("&&", "||", ";;", ";", "|", "&", "(", ")", "\n")


def _most(script: Text) -> int:
    """How much variables may add: a hostile script doubles one line by line."""
    return 2048 + 4 * len(script.value)


class _Reader:
    """One pass over the script; assignments take effect where they stand."""

    def __init__(self, script: Text, environment: Environment, depth: int = 0) -> None:
        self.depth = depth
        self.script = script
        self.value = script.value
        self.at = 0
        self.scope = Scope(environment, _most(script))
        self.words: list[Text] = []
        self.quoted_first = False
        self.found: list[Command] = []
        self.here = HereDocuments()
        self.open: list[Branch] = []
        self.branch = 0
        self.operator = ";"
        # What the command before was, as a test: what it says may be None.
        self.tested: list[bool | None] = []
        # The braces that are open; those of a function's body hold what its callers handed it.
        self.braces: list[Text | None] = []
        self.is_function = False

    def read(self) -> tuple[Command, ...]:
        while self.at < len(self.value):
            char = self.value[self.at]
            operator = next((o for o in _OPERATORS if self.value.startswith(o, self.at)), None)
            if char == "\\" and self.value[self.at + 1 : self.at + 2] == "\n":
                self.at += 2
            elif operator == "&" and self.value.startswith("&>", self.at):
                self._redirection(2)
            elif operator:
                self._end(operator)
            elif char.isspace():
                self.at += 1
            elif char == "#":
                end = self.value.find("\n", self.at)
                self.at = len(self.value) if end < 0 else end
            elif match := _REDIRECTION.match(self.value, self.at):
                self._redirection(match.end() - self.at)
            else:
                self._word()
        self._end(";")
        return tuple(self.found)

    def _end(self, operator: str) -> None:
        """An operator: the command before it is complete."""
        self.at += len(operator)
        if operator == "\n" and not self.words and self.operator in ("&&", "||"):
            return  # the command goes on in the next line
        awaits = bool(self.open) and self.open[-1].awaits_pattern
        if operator == "(" and len(self.words) == 1 and not awaits and not self._is_word():
            self.words = []  # the name of a function
            self.is_function = True
        elif operator in ("|", ")") and awaits:
            self._pattern(operator)
        else:
            self._complete()
            if self.open and self.open[-1].opener == "case":
                if operator == ";;":
                    self.open[-1].end(self.scope.own())
                    self.open[-1].awaits_pattern = True
                elif operator == ")" and self.open[-1].awaits_pattern:
                    self._pattern(operator)
        self.operator = operator if operator not in ("\n", "(", ")") else ";"
        if operator == "\n":
            self._here_documents()

    def _pattern(self, operator: str) -> None:
        """One of the patterns of a `case`, and with the last of them its part."""
        case = self.open[-1]
        case.patterns += self.words
        self.words = []
        if operator == ")":
            self.branch += 1
            case.tests = [case.matched()]
            case.begin(self.scope.own())

    def _is_word(self) -> bool:
        """Whether the one word before a bracket is the shell's own: `while ((`."""
        return self.words[0].value in (_OPENERS | _SKIPPED)

    def _complete(self) -> None:
        words, self.words = self.words, []
        while words and not self.quoted_first and self._takes(words[0].value, words):
            words = words[1:]
        alone = all(_ASSIGNMENT.match(word.value) for word in words)
        own = self.scope.own() if alone else self.scope.seen()
        if not alone and _ASSIGNMENT.match(words[0].value):
            own = dict(own)
        while words and (match := _ASSIGNMENT.match(words[0].value)):
            self._note(words[0], match, own)
            words = words[1:]
        if words and words[0].value in _DECLARERS:
            for word in words[1:]:
                if match := _ASSIGNMENT.match(word.value):
                    self._note(word, match, self.scope.own())
            words = []
        self.tested = []
        if words:
            result = holds(words, self.scope.variables)
            if words[0].value in TESTS:
                self.tested = [result]
            if self.open and self.open[-1].in_condition:
                self.open[-1].tests.append(result)
            if [word.value for word in words[:2]] == ["set", "--"]:
                self.scope.own().pop(NO_ARGUMENTS, None)
            self.found.append(Command(tuple(words), own, self.branch if self.open else 0))
            self.here.ran(words)

    def _takes(self, head: str, words: list[Text]) -> bool:
        """Whether a command begins with a word of the shell's own; what that word means is done."""
        inner = self.open[-1] if self.open else None
        if head in _OPENERS:
            self.open.append(Branch(head))
            self.branch += 1
            if head in ("for", "select", "case"):
                if head == "case":
                    self.open[-1].awaits_pattern = True
                    self.open[-1].subject = words[1] if len(words) > 1 else None
                    self.open[-1].patterns = words[3:]
                elif len(words) > 1:
                    self.scope.assign(words[1].value, words[1].missing(words[1].value))
                words[1:] = []
            else:
                self.open[-1].condition()
        elif head in _CLOSERS:
            if inner is not None:
                self.open.pop().close(self.scope.own())
            self.branch += 1
            words[1:] = []
        elif head == "}":
            if self.braces and (known := self.braces.pop()) is not None:
                self.scope.own()[NO_ARGUMENTS] = known
        elif head in _SKIPPED:
            self._part(head, inner)
        else:
            return False
        return True

    def _part(self, head: str, inner: Branch | None) -> None:
        """`then`, `do`, `else` and `elif` begin a part of what is open."""
        if head in ("else", "elif"):
            self.branch += 1
        if inner is None:
            return
        if head in ("then", "do"):
            inner.begin(self.scope.own())
        elif head in ("else", "elif"):
            inner.end(self.scope.own())
            if head == "elif":
                inner.condition()
            else:
                inner.begin(self.scope.own(), otherwise=True)

    def _brace(self) -> None:
        """`{`: what a function is handed is not what the script is."""
        is_function = self.is_function or self.words[0].value == "function"
        self.braces.append(self.scope.variables.get(NO_ARGUMENTS) if is_function else None)
        if is_function:
            self.scope.own().pop(NO_ARGUMENTS, None)
        self.is_function = False
        self.words = []

    def _note(self, word: Text, match: re.Match[str], into: dict[str, Text]) -> None:
        name, value = match[1], word[match.end() :]
        before = into.get(name)
        if match[2]:
            value = joined((before or EMPTY, value))
        decided: bool | None = True
        if self.operator in ("&&", "||"):
            decided = self.tested[0] if self.tested else (True if self.operator == "&&" else None)
            if self.operator == "||" and decided is not None:
                decided = not decided
        if decided is False:
            return
        if decided is None:
            value = doubtful(name, before, (value or word,))
        self.scope.assign(name, value, into)

    def _word(self) -> None:
        """Read one word; expansions outside quotes may make it several or none."""
        pieces: list[Text] = []
        words: list[Text] = []
        quoted = False
        while self.at < len(self.value):
            char = self.value[self.at]
            if char.isspace() or char in ";|&()<>":
                if char == "(" and pieces and pieces[-1].value.endswith("="):
                    pieces.append(self._array())
                    quoted = True
                    continue
                break
            if char == "\\":
                if self.value[self.at + 1 : self.at + 2] != "\n":
                    pieces.append(self.script[self.at + 1 : self.at + 2])
                self.at += 2
            elif char == "'" or self.value.startswith("$'", self.at):
                start = self.at + (1 if char == "'" else 2)
                end = self.value.find("'", start)
                end = len(self.value) if end < 0 else end
                pieces.append(self.script[start:end])
                self.at = end + 1
                quoted = True
            elif char == '"':
                self._quotes(pieces)
                quoted = True
            elif char in "$`":
                value = self._expansion()
                # `NAME=` stands in the first pieces; joining all of them each time adds up.
                head = "".join(piece.value[:200] for piece in pieces[:4])
                is_assignment = bool(_ASSIGNMENT.match(head))
                if is_assignment or not is_known(value):
                    pieces.append(value)
                else:
                    self._split_into(value, pieces, words)
            else:
                end = self.at + 1
                while end < len(self.value) and self.value[end] not in _ENDS_RUN:
                    end += 1
                pieces.append(self.script[self.at : end])
                self.at = end
        word = joined(pieces)
        if word or quoted:
            words.extend((word,) if _ASSIGNMENT.match(word.value) else elements(word))
        if not self.words:
            self.quoted_first = quoted and not _ASSIGNMENT.match(word.value)
        self.words.extend(words)
        opens = words and words[-1].value == "{" and not quoted
        if opens and (len(self.words) == 1 or self.words[0].value == "function"):
            self._brace()

    @staticmethod
    def _split_into(value: Text, pieces: list[Text], words: list[Text]) -> None:
        """An unquoted value: its blanks separate words."""
        split = value.split()
        if not split:
            return
        if value.value[0].isspace() and pieces:
            words.append(joined(pieces))
            pieces.clear()
        for part in split[:-1]:
            words.append(joined((*pieces, part)))
            pieces.clear()
        pieces.append(split[-1])
        if value.value[-1].isspace():
            words.append(joined(pieces))
            pieces.clear()

    def _quotes(self, pieces: list[Text]) -> None:
        self.at += 1
        self._expand(pieces, len(self.value), '"')
        self.at += 1

    def _expand(self, pieces: list[Text], end: int, quote: str) -> None:
        """Text whose expansions stay one word, up to its quote or `end`."""
        start = self.at
        while self.at < end and self.value[self.at] != quote:
            char = self.value[self.at]
            if char == "\\":
                pieces.append(self.script[start : self.at])
                follower = self.value[self.at + 1 : self.at + 2]
                kept = EMPTY
                if follower != "\n":
                    first = self.at + 1 if follower in ("\\", "$", "`", quote) else self.at
                    kept = self.script[first : self.at + 2]
                pieces.append(kept)
                self.at += 2
                start = self.at
            elif char in "$`":
                pieces.append(self.script[start : self.at])
                pieces.append(self._expansion())
                start = self.at
            else:
                self.at += 1
        pieces.append(self.script[start : self.at])

    def _expansion(self) -> Text:
        """What starts with `$` or a backquote, from `self.at` on."""
        start = self.at
        if self.value[start] == "`":
            end = self.value.find("`", start + 1)
            self.at = len(self.value) if end < 0 else end + 1
            return self.script[start : self.at].missing(self.value[start : self.at][:60])
        if self.value.startswith("$(", start):
            self.at = closing(self.value, start + 1, "(", ")") + 1
            written = self.script[start : self.at]
            counted = written.value.startswith("$((") and written.value.endswith("))")
            if counted and (number := evaluate(written, self.scope.variables)) is not None:
                return number
            return written if written.unresolved else written.missing(written.value[:60])
        value, self.at = parameter(self.script, start, self.scope.variables)
        if not self.scope.spend(len(value.value)):
            return self.script[start : self.at].missing("text beyond the limit")
        return value

    def _array(self) -> Text:
        """The words of `(...)` behind `NAME=`, as one text with a separator before each."""
        end = closing(self.value, self.at, "(", ")")
        inner = self.script[self.at + 1 : end]
        self.at = end + 1
        if self.depth >= _DEEPEST:
            return inner.missing("(...)")
        found = _Reader(inner, self.scope.variables, self.depth + 1).read()
        return array([word for command in found for word in command.words])

    def _redirection(self, length: int) -> None:
        written = self.value[self.at : self.at + length]
        self.at += length
        while self.at < len(self.value) and self.value[self.at] in " \t":
            self.at += 1
        before = self.words
        first = self.quoted_first
        quoted = self.value[self.at : self.at + 1] in ("'", '"', "\\")
        self.words = []
        if self.at < len(self.value) and self.value[self.at] not in ";|\n()":
            if self.value[self.at] == "&":
                self.at += 1
            self._word()
        self.here.redirected(written, self.words, quoted=quoted)
        self.words, self.quoted_first = before, first

    def _here_documents(self) -> None:
        for delimiter, quoted in self.here.delimiters:
            start = self.at
            end, after = self.here.end_of(self.value, start, delimiter)
            if (output := self.here.output) is not None:
                pieces = [self.script[start:end]]
                if not quoted:
                    pieces = []
                    self._expand(pieces, end, "")
                path, adds = output
                self.here.written.append(Written(path, joined(pieces), adds, bool(self.open)))
            self.at = after
        self.here.end_line()


_ENDS_RUN = frozenset(" \t\n\r;|&()<>\\'\"$`")
_REDIRECTION = re.compile(r"[0-9]*(?:<<<|<<-|<<|<>|>>|>\||<|>)")
