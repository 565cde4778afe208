"""What the commands of a script or a unit serve, on the host and in containers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from capcheck.records import dataclass
from capcheck.source.native import container
from capcheck.source.native.command import programs
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.command.shell import commands
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    deployment,
    merged,
)
from capcheck.source.native.docker import accelerators
from capcheck.source.native.docker_run import Run, executed_by, run_of
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Document


@dataclass(frozen=True, slots=True)
class Started:
    """One server that commands start; `name` is its container's, empty on the host."""

    name: str
    facts: Mapping[str, Fact]
    settings: Mapping[str, Stated]


def base_name(document: Document) -> str:
    """A file's name without its folders: the locator of what has no name of its own."""
    return document.path.rpartition("/")[2]


def read(
    script: Text, environment: Environment, document: Document, *, kind: str
) -> list[NativeDeployment]:
    """One deployment for the host's engine and one for each container."""
    return of_started(started(script, environment), document, kind=kind)


def started(script: Text, environment: Environment) -> list[Started]:
    """Everything that the commands start."""
    found = []
    run = commands(script, environment)
    sheet = container.of_calls(programs.calls_of(run))
    if sheet is not None:
        facts = merged(sheet.facts, _visible(programs.calls_of(run)))
        found.append(Started("", facts, sheet.settings))
    by_name: dict[str, list[Started]] = {}
    pulled = container.pulled_model([call for one in run for call in executed_by(one)])
    model: dict[str, Fact] = {} if pulled is None else {"model": pulled}
    for command in run:
        ran = run_of(command)
        one = of_run(ran) if ran is not None else None
        if one is not None:
            facts = merged(one.facts, model if _is_ollama(one) else {})
            by_name.setdefault(one.name, []).append(Started(one.name, facts, one.settings))
    return found + [_agreed(group) for group in by_name.values()]


def pulled(script: Text, environment: Environment) -> Fact | None:
    """The model that the commands pull into an Ollama server that others start."""
    return container.pulled_model(programs.calls_of(commands(script, environment)))


_VISIBLE = tuple(f"{of}_VISIBLE_DEVICES" for of in ("CUDA", "HIP", "ROCR", "ASCEND_RT"))
_DEVICES = re.compile(r"(?:\d+|GPU-[\w-]+)(?:,(?:\d+|GPU-[\w-]+))*")


def _visible(calls: Sequence[programs.Call]) -> dict[str, Fact]:
    """How many accelerators the host's engine is shown; nothing where that differs."""
    shown: dict[int | None, Stated | None] = {}
    for call in (call for call in calls if call.role == "serve"):
        name = next((name for name in _VISIBLE if name in call.environment), "")
        value = call.environment[name].stripped() if name else None
        if value is None or value.place is None or value.unresolved:
            shown[None] = None
        elif _DEVICES.fullmatch(value.value):
            count = value.value.count(",") + 1
            shown[count] = Stated(count, value.place, f"env {name}")
    only = next(iter(shown.values()), None)
    return {"gpu_count": only} if only is not None and len(shown) == 1 else {}


def of_run(run: Run) -> Started | None:
    """What one container serves."""
    reading = container.read(run.container)
    if reading is None:
        return None
    given = accelerators(run.container, reading, run.devices)
    return Started(run.name, merged(given, reading.facts), reading.settings)


def of_started(
    found: Sequence[Started], document: Document, *, kind: str
) -> list[NativeDeployment]:
    """Deployments by the file's name; several are told apart by their containers' names."""
    deployments = []
    for position, one in enumerate(found):
        facts = dict(one.facts)
        with_quant_of_name(facts)
        role = one.name or str(position) if len(found) > 1 else ""
        address = base_name(document)
        backend = facts.get("backend")
        deployments.append(
            deployment(
                address=f"{address}#{role}" if role else address,
                kind=kind,
                place=backend.place if isinstance(backend, Stated) else document.place,
                facts=facts,
                role=role,
                settings=one.settings,
            )
        )
    return deployments


def _agreed(group: Sequence[Started]) -> Started:
    """Containers of one name: branches of a script that start it in one way or another."""
    facts = dict(group[0].facts)
    for other in group[1:]:
        container.agree(facts, other.facts)
    return Started(group[0].name, facts, group[0].settings)


def _is_ollama(one: Started) -> bool:
    backend = one.facts.get("backend")
    return isinstance(backend, Stated) and backend.value == "ollama"
