"""An engine's arguments: which flag takes what, and what the command sets.

The flags of each engine are rows of data/engine_flags.csv; `since` and `until` there are the first
version read that has the flag and the first that lacks it again. Rules of argparse that vLLM and
SGLang follow: `_` equals `-` inside a name, any unique prefix of a long flag will do, a later flag
wins over an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from capcheck.records import dataclass
from capcheck.registry.rows import read, several
from capcheck.source.native.text import EMPTY, Text

DATA = Path(__file__).parents[3] / "data"

_NUMBER = re.compile(r"-?\d+(\.\d+)?|-?\.\d+")
_DOTTED = re.compile(r"(--[\w-]+)\.[\w.-]+\+?")
# Their arguments are read by argparse, which takes unique prefixes.
_TAKES_PREFIXES = frozenset(("vllm", "sglang", "huggingfaceserver"))


@dataclass(frozen=True, slots=True)
class Flag:
    """One row of the table. `meaning` is the fact or setting that it states, if any."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Option:
    """One flag of a command line as written, with its value; a switch has an empty one."""

    flag: Flag
    name: Text
    value: Text


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stands behind an engine's name. `unread` are words that hide what they say."""

    options: tuple[Option, ...]
    positional: tuple[Text, ...]
    unread: tuple[Text, ...]


@cache
def flags_of(engine: str) -> dict[str, Flag]:
    """Every spelling of every flag of an engine, and of those that it hands on."""
    found: dict[str, Flag] = {}
    rows = read(DATA / "engine_flags.csv")
    for owner in (engine, *_HANDS_ON.get(engine, ())):
        for row in (row for row in rows if row["engine"] == owner):
            flag = Flag(row["flag"], row["type"], row["meaning"])
            for name in (row["flag"], *several(row["aliases"])):
                found.setdefault(_normal(name), flag)
    return found


# KServe's server hands vLLM's flags on; Dynamo's modules take an engine's flags beside their own.
_HANDS_ON = {
    "huggingfaceserver": ("vllm",),
    "vllm": ("dynamo",),
    "sglang": ("dynamo",),
    "trtllm": ("dynamo",),
}


def engines_with(names: Iterable[str]) -> tuple[str, ...]:
    """The engines whose own rows have all of these flags by their full names."""
    wanted = {_normal(name).replace("--no-", "--", 1) for name in names}
    known: dict[str, set[str]] = {}
    for row in read(DATA / "engine_flags.csv"):
        names_of = (row["flag"], *several(row["aliases"]))
        known.setdefault(row["engine"], set()).update(map(_normal, names_of))
    return tuple(engine for engine, flags in known.items() if wanted <= flags)


def find(name: str, engine: str) -> Flag | None:
    """The flag of that name, alias or unique prefix."""
    table = flags_of(engine)
    name = _normal(name)
    if found := table.get(name):
        return found
    if name.startswith("--no-") and (negated := table.get("--" + name[5:])):
        return Flag(negated.name, "switch", f"no {negated.meaning}" if negated.meaning else "")
    if engine not in _TAKES_PREFIXES or not name.startswith("--") or len(name) < 4:
        return None
    matches = {flag for spelling, flag in table.items() if spelling.startswith(name)}
    return matches.pop() if len(matches) == 1 else None


def parse(words: Sequence[Text], engine: str) -> Arguments:
    """Flags with their values, in order, and what is no flag."""
    options: list[Option] = []
    positional: list[Text] = []
    unread: list[Text] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not _is_flag(word):
            hidden = bool(word.unresolved) and word.value.startswith(("$", "`"))
            # `$MODEL` may be the model; `$EXTRA_ARGS` or "$@" may be anything.
            (unread if hidden and options else positional).append(word)
            continue
        name, value = word.partition("=") or (word, None)
        if name.value == "--":
            positional.extend(words[position:])
            break
        if dotted := _DOTTED.fullmatch(name.value):
            flag = find(dotted[1], engine) or Flag(dotted[1], "json", "")
            flag = Flag(flag.name, "json", "")
        else:
            flag = find(name.value, engine) or Flag(name.value, "unknown", "")
        if value is None and flag.type != "switch":
            taken = tuple(_values(words, position, flag))
            position += len(taken)
            value = taken[0] if taken else EMPTY
        options.append(Option(flag, name, value or EMPTY))
    return Arguments(tuple(options), tuple(positional), tuple(unread))


def _values(words: Sequence[Text], position: int, flag: Flag) -> Iterator[Text]:
    """The words that belong to a flag."""
    many = flag.type == "list"
    while position < len(words) and not _is_flag(words[position]):
        yield words[position]
        position += 1
        if not many:
            return


def _is_flag(word: Text) -> bool:
    """Whether a word is a flag; a negative number is a value."""
    value = word.value
    return value.startswith("-") and len(value) > 1 and not _NUMBER.fullmatch(value)


def _normal(name: str) -> str:
    return "--" + name[2:].replace("_", "-") if name.startswith("--") else name
