"""`docker run` and its kin: the command that a container starts, read like any other.

Source: Docker CLI reference, `docker container run`; Podman and nerdctl take the same options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capcheck.source.native.command.variables import Environment
from capcheck.source.native.text import Text

TOOLS = frozenset(("docker", "podman", "nerdctl"))

# Options that stand alone; every other takes the next word, or has its value behind `=`.
_SWITCHES = frozenset(
    (
        "--detach",
        "--init",
        "--interactive",
        "--no-healthcheck",
        "--oom-kill-disable",
        "--privileged",
        "--publish-all",
        "--quiet",
        "--read-only",
        "--replace",
        "--rm",
        "--tty",
    )
)
_SHORT_SWITCHES = frozenset("ditPq")


@dataclass(frozen=True, slots=True)
class Run:
    """What stands behind `docker run`; `gpus` is the value of `--gpus`, if any."""

    image: Text
    arguments: tuple[Text, ...]
    environment: Environment
    entrypoint: Text | None = None
    gpus: Text | None = None


def run(words: Sequence[Text], environment: Environment) -> Run | None:
    """The container that a command line starts; None where it starts none."""
    values = [word.value for word in words[:3]]
    if values[1:2] == ["run"]:
        position = 2
    elif values[1:3] == ["container", "run"]:
        position = 3
    else:
        return None
    inner: dict[str, Text] = {}
    entrypoint = gpus = None
    while position < len(words) and words[position].value.startswith("-"):
        word = words[position]
        position += 1
        name, value = word.partition("=") or (word, None)
        if not word.value.startswith("--"):
            name, value = word, None
            letters = word.value[1:]
            if set(letters) <= _SHORT_SWITCHES:
                continue
            if len(letters) > 1:
                name, value = word[:2], word[2:]
        elif word.value in _SWITCHES:
            continue
        if value is None:
            if position >= len(words):
                return None
            value = words[position]
            position += 1
        if name.value in ("-e", "--env"):
            _set(value, inner, environment)
        elif name.value == "--entrypoint":
            entrypoint = value
        elif name.value == "--gpus":
            gpus = value
    if position >= len(words):
        return None
    return Run(words[position], tuple(words[position + 1 :]), inner, entrypoint, gpus)


def _set(written: Text, inner: dict[str, Text], outer: Environment) -> None:
    """`NAME=value`, or a name alone, which hands the value of the caller on."""
    name, value = written.partition("=") or (written, None)
    if value is None:
        value = outer.get(name.value)
    if value is not None:
        inner[name.value] = value
