"""Which engine a command starts, and which engine an image holds.

Programs are rows of data/engine_programs.csv, images of data/engine_images.csv (the first pattern
that fits decides). A row's `role` is `serve`, `model` (it names what `serve` will answer with, as
`ollama pull` does) or `other`: routers, simulators, clients and benchmarks serve no model.
An image's may be `guess`: its name tells of an engine, which counts where it is handed its flags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from capcheck.records import dataclass
from capcheck.registry.rows import read
from capcheck.source.native.command.arrays import array
from capcheck.source.native.command.flags import DATA
from capcheck.source.native.command.shell import Command, commands
from capcheck.source.native.command.variables import NO_ARGUMENTS, Environment
from capcheck.source.native.text import Text, joined

_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))
_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
# What may stand before an engine's name and starts what follows.
_WRAPPERS = frozenset(
    [
        "exec",
        "nohup",
        "setsid",
        "stdbuf",
        "time",
        "sudo",
        "env",
        "numactl",
        "taskset",
        "nice",
        "ionice",
        "chrt",
        "tini",
        "dumb-init",
        "catatonit",
        "uv",
        "uvx",
        "poetry",
        "pipenv",
        "conda",
        "micromamba",
        "mpirun",
        "mpiexec",
        "trtllm-llmapi-launch",
        "timeout",
        "torchrun",
        "nsys",
        "ncu",
        "doppler",
        "dotenv",
        "xvfb-run",
        "gosu",
        "su-exec",
        "srun",
        "accelerate",
        "ddtrace-run",
        "opentelemetry-instrument",
        "command",
        "ldproxy",
        "proxychains4",
        "s6-setuidgid",
        "singularity",
        "apptainer",
        "enroot",
        "pixi",
        "pdm",
        "hatch",
        "runuser",
        "setpriv",
        "systemd-run",
        "systemd-inhibit",
        "chroot",
        "infisical",
    ]
)
_FURTHEST = 24
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Call:
    """An engine's name found in a command, and what stands behind it.

    `branch` is the shell branch that it stands in, 0 for the main line.
    """

    engine: str
    role: str
    program: Text
    arguments: tuple[Text, ...]
    environment: Environment
    branch: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """What the table says of an image; `entrypoint` are the words before a container's args."""

    engine: str
    entrypoint: str
    device: str
    role: str


def calls(words: Sequence[Text], environment: Environment) -> tuple[Call, ...]:
    """Every known program that an argv starts, through shells and wrappers, in order."""
    return tuple(_calls(Command(tuple(words), environment), 0))


def is_program(words: Sequence[Text]) -> bool:
    """Whether these words are a known program by themselves: `vllm serve`."""
    found = _program(words)
    return found is not None and found[1] == len(words)


def calls_in_script(script: Text, environment: Environment) -> tuple[Call, ...]:
    """The same for the text of a shell script."""
    return calls_of(commands(script, environment))


def calls_of(found: Sequence[Command]) -> tuple[Call, ...]:
    """The same for commands that are already told apart."""
    return tuple(call for command in found for call in _calls(command, 0))


def named_in(text: str) -> set[str]:
    """The engines whose serving commands stand in a text, word by word."""
    words = " ".join(_PYTHON.sub("python", _base(word)) for word in text.split())
    padded = f" {words} "
    rows = _programs().items()
    return {row["engine"] for name, row in rows if row["role"] == "serve" and f" {name} " in padded}


def image(reference: str) -> Image | None:
    """The row whose pattern fits an image reference, its registry left aside where need be.

    Only a pattern with a colon looks at the tag.
    """
    return _image_named(repository(reference).lower(), tag(reference).lower())


@lru_cache(maxsize=1024)
def _image_named(name: str, tagged: str) -> Image | None:
    for row in _images():
        whole = f"{name}:{tagged}" if ":" in row["image"] else name
        if fnmatchcase(whole, row["image"]) or fnmatchcase(whole.partition("/")[2], row["image"]):
            return Image(row["engine"], row["entrypoint"], row["device"], row["role"])
    return None


def repository(reference: str) -> str:
    """An image reference without its tag and digest."""
    name = reference.strip().partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.partition(":")[0]


def tag(reference: str) -> str:
    """The tag of an image reference, empty without one."""
    return reference.strip().partition("@")[0].rpartition("/")[2].partition(":")[2]


def _calls(command: Command, depth: int) -> list[Call]:
    words = command.words
    if not words or depth > _DEEPEST:
        return []
    name = _base(words[0].value)
    if name in _SHELLS or name == "eval":
        script, handed = _script(words)
        if script is None:
            return []
        seen = dict(command.environment)
        if handed:
            seen["@"] = array(handed[1:])
            seen.pop(NO_ARGUMENTS, None)
        found = [
            Command(inner.words, inner.environment, inner.branch or command.branch)
            for inner in commands(script, seen)
        ]
        return [call for inner in found for call in _calls(inner, depth + 1)]
    environment = command.environment
    for start in range(min(len(words), _FURTHEST)):
        if start and _base(words[0].value) not in _WRAPPERS:
            break
        if start and _base(words[start].value) in _SHELLS:
            return _calls(Command(words[start:], environment, command.branch), depth + 1)
        if "=" in words[start].value[1:] and start and not words[start].value.startswith("-"):
            name_of, _ = words[start].partition("=") or (words[start], None)
            environment = {**environment, name_of.value: words[start][len(name_of.value) + 1 :]}
            continue
        if match := _program(words[start:]):
            row, length = match
            call = Call(
                row["engine"],
                row["role"],
                joined((words[start],)),
                words[start + length :],
                environment,
                command.branch,
            )
            return [call]
    return []


def _script(words: Sequence[Text]) -> tuple[Text | None, Sequence[Text]]:
    """The text behind `sh -c`, or of `eval`, and the words that it is handed: its name first.

    No text where a file is run.
    """
    if _base(words[0].value) == "eval":
        return joined(_spaced(words[1:])), ()
    takes = False
    for position, word in enumerate(words[1:], start=1):
        value = word.value
        if value.startswith(("-", "+")) and not value.startswith("--") and len(value) > 1:
            takes = takes or (value[0] == "-" and "c" in value)
        elif value.startswith("--") or words[position - 1].value.endswith("o"):
            continue
        else:
            return (word, words[position + 1 :]) if takes else (None, ())
    return None, ()


def _spaced(words: Sequence[Text]) -> list[Text]:
    parts: list[Text] = []
    for word in words:
        if parts:
            parts.append(word.standing_at(" "))
        parts.append(word)
    return parts


def _program(words: Sequence[Text]) -> tuple[dict[str, str], int] | None:
    """The row of a known program at the head of an argv, and how many words name it."""
    head = _base(words[0].value)
    names: list[tuple[str, int]] = []
    if _PYTHON.fullmatch(head):
        for position, word in enumerate(words[1:6], start=1):
            if word.value == "-m" and position + 1 < len(words):
                module = words[position + 1].value
                names = [(f"python -m {module}", position + 2)]
                if position + 2 < len(words):
                    longer = f"python -m {module} {words[position + 2].value}"
                    names.insert(0, (longer, position + 3))
                break
            if word.value.startswith("-m") and len(word.value) > 2:
                names = [(f"python -m {word.value[2:]}", position + 1)]
                break
            if word.value.endswith(".py"):
                dotted = word.value.removesuffix(".py").replace("/", ".")
                parts = dotted[-200:].split(".")[-8:]
                for first in range(len(parts)):
                    names.append((f"python -m {'.'.join(parts[first:])}", position + 1))
                break
            if not word.value.startswith("-"):
                # A console script run by its path: `python /usr/bin/vllm serve`.
                return _shifted(_program(words[position:]), position)
    else:
        if len(words) > 1:
            names.append((f"{head} {words[1].value}", 2))
        names += [(words[0].value, 1), (head, 1)]
    programs = _programs()
    for name, length in names:
        if row := programs.get(name):
            return row, length
    for pattern in _families():
        if fnmatchcase(head, pattern):
            return programs[pattern], 1
    return None


def _shifted(
    found: tuple[dict[str, str], int] | None, by: int
) -> tuple[dict[str, str], int] | None:
    return (found[0], found[1] + by) if found else None


def _base(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".exe")


@cache
def _programs() -> dict[str, dict[str, str]]:
    return {row["program"]: dict(row) for row in read(DATA / "engine_programs.csv")}


@cache
def _families() -> tuple[str, ...]:
    """Names with a wildcard: builds of a program that stand beside it under names of their own."""
    return tuple(name for name in _programs() if "*" in name)


@cache
def _images() -> tuple[dict[str, str], ...]:
    return tuple(dict(row) for row in read(DATA / "engine_images.csv"))
