"""Variables in text: `$(NAME)` of Kubernetes, `$NAME` and `${NAME:-default}` of shells and Compose.

A name that the environment lacks keeps its text and is marked as unresolved. Sources: Kubernetes
"Define dependent environment variables" (`$$(NAME)` is the escape); Compose "Interpolation" and
POSIX 2.6.2 for the operators behind the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from capcheck.source.native.text import EMPTY, Text, joined

Environment = Mapping[str, Text]

_KUBERNETES = re.compile(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SPECIAL = "@*#?-$!0123456789"
_POSITION = re.compile(r"[1-9]\d*(?=:?[-=])")
# A name that no variable can have: in the environment of a script that is run by itself.
NO_ARGUMENTS = "#"
_MAX_DEPTH = 8


def kubernetes(text: Text, environment: Environment) -> Text:
    """`$(NAME)` replaced; shells' own `$NAME` stays."""
    parts: list[Text] = []
    start = 0
    length = 0
    for match in _KUBERNETES.finditer(text.value):
        parts.append(text[start : match.start()])
        start = match.end()
        if match[1] is None:
            parts.append(text[match.start() : match.start() + 1])
        else:
            parts.append(value_of(match[1], text[match.start() : match.end()], environment))
        length += len(parts[-1].value)
        if length > _longest(text):
            return _too_long(text)
    return joined((*parts, text[start:]))


def compose(text: Text, environment: Environment) -> Text:
    """`$NAME`, `${NAME}` and `${NAME:-default}` replaced, `$$` is a dollar sign."""
    parts: list[Text] = []
    start = at = length = 0
    while (at := text.value.find("$", at)) >= 0:
        parts.append(text[start:at])
        if text.value.startswith("$$", at):
            parts.append(text[at : at + 1])
            start = at = at + 2
            continue
        value, end = parameter(text, at, environment)
        parts.append(value)
        start = at = end
        length += len(value.value)
        if length > _longest(text):
            return _too_long(text)
    return joined((*parts, text[start:]))


_LONE = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-?=][^${}]*)?\}|\$([A-Za-z_]\w*)")


def lone_name(text: str) -> str:
    """The variable that a text consists of: `$NAME`, `${NAME}`, `${NAME:-default}`; else empty."""
    match = _LONE.fullmatch(text)
    return (match[1] or match[2]) if match else ""


def substitute(text: Text, environment: Environment) -> Text:
    """`$NAME` and `${NAME}` replaced where the environment has the name, all else left alone."""
    parts: list[Text] = []
    start = at = length = 0
    while (at := text.value.find("$", at)) >= 0:
        match = _NAME.match(text.value, at + 2 if text.value.startswith("${", at) else at + 1)
        if text.value.startswith("$$", at):
            at += 2
        elif match is None or match[0] not in environment:
            at += 1
        else:
            value, end = parameter(text, at, environment)
            parts += (text[start:at], value)
            start = at = end
            length += len(value.value)
            if length > _longest(text):
                return _too_long(text)
    return joined((*parts, text[start:]))


def parameter(
    text: Text, start: int, environment: Environment, *, depth: int = 0
) -> tuple[Text, int]:
    """The value of the `$NAME` or `${...}` that starts at `start`, and where it ends."""
    value = text.value
    if value.startswith("${", start):
        end = closing(value, start + 1, "{", "}")
        return _braced(text[start : end + 1], environment, depth), end + 1
    if match := _NAME.match(value, start + 1):
        end = match.end()
        return value_of(match[0], text[start:end], environment), end
    if value[start + 1 : start + 2] in tuple(_SPECIAL):
        whole = text[start : start + 2]
        known = environment.get("@") if whole.value in ("$@", "$*") else None
        if whole.value == f"${NO_ARGUMENTS}":
            known = environment.get(NO_ARGUMENTS)
        return known if known is not None else whole.missing(whole.value), start + 2
    return text[start : start + 1], start + 1


def value_of(name: str, written: Text, environment: Environment) -> Text:
    """The variable's value, else what is written, marked as unresolved."""
    known = environment.get(name)
    if known is None:
        return written.missing(name)
    return known.taken_from(name) if is_known(known) else written.missing(name)


def is_known(value: Text) -> bool:
    """Whether anything of a variable's value is known: one word of several, or all of it."""
    return not value.unresolved or not all(run.unresolved for run in value.runs)


def closing(value: str, start: int, opening: str, end: str) -> int:
    """Where the bracket at `start` closes, quotes and escapes left aside; the last place else."""
    depth = 0
    at = start
    quote = ""
    while at < len(value):
        char = value[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == opening:
            depth += 1
        elif char == end:
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(value) - 1


def _braced(whole: Text, environment: Environment, depth: int) -> Text:
    inner = whole[2:-1]
    match = _NAME.match(inner.value)
    if match is None and NO_ARGUMENTS in environment and depth <= _MAX_DEPTH:
        match = _POSITION.match(inner.value)
    if not match or depth > _MAX_DEPTH:
        return whole.missing(whole.value[:60])
    name = match[0]
    rest = inner[match.end() :]
    known = environment.get(name)
    empty = known is None or not known.value
    if not rest:
        return value_of(name, whole, environment)
    operator = rest.value[:2] if rest.value[0] == ":" else rest.value[:1]
    word = rest[len(operator) :]
    if known is not None and not is_known(known):
        return whole.missing(name)
    if operator in (":-", ":="):
        chosen = _within(word, environment, depth) if empty else known
    elif operator in ("-", "="):
        chosen = _within(word, environment, depth) if known is None else known
    elif operator in (":+", "+"):
        if known is None:
            return whole.missing(name)
        chosen = EMPTY if operator == ":+" and empty else _within(word, environment, depth)
    elif (operator in (":?", "?") and known is not None) or (
        rest.value in ("[@]", "[*]", "[0]") and known is not None
    ):
        chosen = known
    else:
        return whole.missing(name)
    return (chosen or EMPTY).taken_from(name)


def _within(word: Text, environment: Environment, depth: int) -> Text:
    """A default, which may hold variables itself."""
    parts: list[Text] = []
    value = word.value
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        word = word[1:-1]
    start = at = 0
    while (at := word.value.find("$", at)) >= 0:
        parts.append(word[start:at])
        replaced, end = parameter(word, at, environment, depth=depth + 1)
        parts.append(replaced)
        start = at = end
    return joined((*parts, word[start:]))


def _longest(text: Text) -> int:
    """How much variables may add to a text: more than any command needs."""
    return 4096 + len(text.value)


def _too_long(text: Text) -> Text:
    return text[:100].missing("text beyond the limit")
