"""systemd services and Podman's quadlets (`.container`).

A service whose command is not a known engine deploys nothing that can be read; where its name tells
that it should, that is said. Sources: systemd.service(5), podman-systemd.unit(5).
"""

from __future__ import annotations

import re

from capcheck.source.native import command_line, unit_file
from capcheck.source.native.container import Container, words_of
from capcheck.source.native.deployment import NativeDeployment, Remark, deployment
from capcheck.source.native.docker import Request, devices
from capcheck.source.native.docker_run import Run, options_of
from capcheck.source.native.text import Text, joined
from capcheck.source.native.tree import Document, Files

NAME = "systemd unit"

_SUFFIXES = (".service", ".container")
_COMMANDS = ("ExecStartPre", "ExecStart", "ExecStartPost")
_ENGINES = re.compile(r"vllm|sglang|ollama|llama|text-generation|trtllm|tabby")


def recognises(document: Document) -> bool:
    """By its name: `x.service`, `x.container`, or a drop-in of one."""
    return unit_file.is_unit(document, _SUFFIXES)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """What the unit starts."""
    if unit_file.unit_of_drop_in(document, files) is not None:
        return []
    known = unit_file.settings(document, files)
    if known.get(("Container", "Image")):
        return _quadlet(known, document, files)
    environment = unit_file.environment("Service", known, document, files)
    lines = [
        unit_file.command(line) for key in _COMMANDS for line in known.get(("Service", key), [])
    ]
    script = joined(part for line in lines for part in (line, line.standing_at("\n")))
    found = command_line.read(script, environment, document, kind=NAME)
    return found or _unread(known, document)


def _unread(known: unit_file.Settings, document: Document) -> list[NativeDeployment]:
    """A service that starts something whose name is an engine's, but which is no known program."""
    line = next(iter(known.get(("Service", "ExecStart"), [])), None)
    place = line.place if line is not None else document.place
    named = f"{command_line.base_name(document)} {line or ''}"
    is_service = any(section == "Service" for section, _ in known)
    if place is None or not is_service or not _ENGINES.search(named.lower()):
        return []
    program = line.value.split()[0] if line is not None else "the unit"
    message = f"what {program} starts is not said here"
    return [
        deployment(
            address=command_line.base_name(document),
            kind=NAME,
            place=place,
            facts={},
            expect="none",
            remarks=(Remark(place, message),),
        )
    ]


def _quadlet(known: unit_file.Settings, document: Document, files: Files) -> list[NativeDeployment]:
    def last(key: str) -> Text | None:
        return next(iter(reversed(known.get(("Container", key), []))), None)

    image, run = last("Image"), last("Exec")
    if image is None or image.place is None:
        return []
    environment = unit_file.environment("Container", known, document, files)
    entrypoint = last("Entrypoint")
    container = Container(
        place=image.place,
        image=image,
        command=words_of(entrypoint, {}) if entrypoint is not None else (),
        arguments=words_of(unit_file.expanded(run), {}) if run is not None else (),
        environment=environment,
        name=command_line.base_name(document),
    )
    requests: list[Request] = []
    paths = list(known.get(("Container", "AddDevice"), []))
    for line in known.get(("Container", "PodmanArgs"), []):
        found = options_of(words_of(line, {}), {})
        requests += found.requests
        paths += found.paths
    given = devices(requests, paths, None, environment)
    started = command_line.of_run(Run(container, given, ""))
    return command_line.of_started([started] if started else [], document, kind=NAME)
