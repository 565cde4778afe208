"""`docker run` and its relatives in scripts and units: options, image, and the container's command.

Source: `docker run` and `podman run` references. An option that is not in the table of switches
takes a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.command import programs
from capcheck.source.native.command.shell import Command
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.container import Container, words_of
from capcheck.source.native.docker import Devices, Request, devices, gpus_option
from capcheck.source.native.text import Text

_CLIENTS = frozenset(("docker", "podman", "nerdctl"))
_VERBS = frozenset(("run", "create"))
_BEFORE = frozenset(("sudo", "exec", "nohup", "time", "command", "env", "-E"))
# Letters that may stand together behind one dash, and long options without a value.
_SHORT_SWITCHES = "ditPq"
_SWITCHES = frozenset(
    (
        "--detach",
        "--disable-content-trust",
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
        "--rmi",
        "--sig-proxy",
        "--tty",
        "--use-api-socket",
    )
)
_LONG = {"e": "--env", "v": "--volume", "p": "--publish"}


@dataclass(frozen=True, slots=True)
class Run:
    """A container as a command line starts it, and the devices that it is given."""

    container: Container
    devices: Devices
    name: str


def run_of(command: Command) -> Run | None:
    """The container that one command starts; None for any other command."""
    words = _after_wrappers(command.words)
    if len(words) > 2 and _base(words[0]) in _CLIENTS and words[1].value == "container":
        words = (words[0], *words[2:])
    if len(words) < 3 or _base(words[0]) not in _CLIENTS or words[1].value not in _VERBS:
        return None
    place = words[0].place
    return None if place is None else _read(words[2:], place, command.environment)


@dataclass(slots=True)
class Options:
    """What stands between `run` and the image; `end` is where the image does."""

    environment: dict[str, Text] = field(default_factory=dict)
    entrypoint: tuple[Text, ...] = ()
    runtime: Text | None = None
    requests: list[Request] = field(default_factory=list)
    paths: list[Text] = field(default_factory=list)
    name: str = ""
    end: int = 0


def options_of(words: Sequence[Text], known: Environment) -> Options:
    """The options at the head of some words."""
    found = Options()
    while found.end < len(words) and _is_option(words[found.end]):
        option, value, found.end = _option(words, found.end)
        if value is None:
            continue
        if option == "--env":
            variable, text = _variable(value, known)
            found.environment[variable] = text
        elif option == "--gpus" and (request := gpus_option(value)) is not None:
            found.requests.append(request)
        elif option == "--device":
            found.paths.append(value)
        elif option == "--runtime":
            found.runtime = value
        elif option == "--entrypoint":
            found.entrypoint = words_of(value, {})
        elif option == "--name":
            found.name = value.value
    return found


def _read(words: Sequence[Text], place: Place, known: Environment) -> Run | None:
    options = options_of(words, known)
    if options.end >= len(words):
        return None
    image = words[options.end]
    known_image = not image.unresolved or programs.image(image.value) is not None
    container = Container(
        place=place,
        image=image if known_image else None,
        command=options.entrypoint,
        arguments=tuple(words[options.end + 1 :]),
        environment=options.environment,
        name=options.name,
    )
    given = devices(options.requests, options.paths, options.runtime, options.environment)
    return Run(container, given, options.name)


def _option(words: Sequence[Text], position: int) -> tuple[str, Text | None, int]:
    """One option by its long name, its value, and where the next word stands."""
    word = words[position]
    following = words[position + 1] if position + 1 < len(words) else None
    if word.unresolved and word.value.startswith("$"):
        return "", None, position + 1
    if word.value.startswith("--"):
        parts = word.partition("=")
        if parts is not None:
            return parts[0].value, parts[1], position + 1
        if word.value in _SWITCHES:
            return word.value, None, position + 1
        return word.value, following, position + 2
    letters = word.value[1:]
    rest = letters.lstrip(_SHORT_SWITCHES)
    if not rest:
        return word.value, None, position + 1
    option = _LONG.get(rest[0], f"-{rest[0]}")
    if len(rest) == 1:
        return option, following, position + 2
    attached = word[len(word.value) - len(rest) + 1 :]
    return option, attached[1:] if attached.value.startswith("=") else attached, position + 1


def _is_option(word: Text) -> bool:
    hidden = bool(word.unresolved) and word.value.startswith("$") and "/" not in word.value
    if hidden and "image" in word.value.lower():
        return False  # `$VLLM_IMAGE`, said elsewhere
    return word.value.startswith("-") or hidden


def _variable(value: Text, known: Environment) -> tuple[str, Text]:
    """`NAME=value`, or a name whose value is handed on."""
    parts = value.partition("=")
    if parts is not None:
        return parts[0].value, parts[1]
    return value.value, known.get(value.value, value.missing(value.value))


def _base(word: Text) -> str:
    return word.value.rpartition("/")[2]


def executed_by(command: Command) -> tuple[programs.Call, ...]:
    """The known programs that `docker exec` starts inside a container."""
    words = _after_wrappers(command.words)
    if len(words) < 4 or _base(words[0]) not in _CLIENTS or words[1].value != "exec":
        return ()
    position = 2
    while position < len(words) and _is_option(words[position]):
        position = _option(words, position)[2]
    return programs.calls(words[position + 1 :], command.environment)


def _after_wrappers(words: Sequence[Text]) -> Sequence[Text]:
    while words and (_base(words[0]) in _BEFORE or "=" in words[0].value.split("/")[0]):
        words = words[1:]
    return words
