"""Docker Compose: every service that serves a model, and Compose's own `models`.

Services of different profiles need not run together; a service that only pulls a model into an
Ollama server names that server's model where the two share a profile. Source: the Compose
specification.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field

from capcheck.records import dataclass
from capcheck.source.native.command import quant
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.command.facts import typed, with_quant_of_name
from capcheck.source.native.command.programs import Call
from capcheck.source.native.compose import (
    Project,
    Service,
    base_of,
    container,
    devices_of,
    profiles,
    project_of,
    services,
)
from capcheck.source.native.container import Container, calls, pulled_model
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.docker import accelerators
from capcheck.source.native.tree import Document, Files, at, entries, key_place
from capcheck.source.nodes import Mapping, Node

NAME = "docker-compose"

_SERVICE_KEYS = ("image", "build", "command", "entrypoint", "deploy", "extends", "environment")
_ENGINES = re.compile(r"vllm|sglang|ollama|llama|tgi|nim\b|trtllm|llm")


def recognises(document: Document) -> bool:
    """By the keys: `services` with something to run, and no Kubernetes kind."""
    if document.kind or not isinstance(document.tree, Mapping):
        return False
    found = entries(at(document.tree, "services"))
    return any(at(node, key) is not None for _, node in found for key in _SERVICE_KEYS)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each service that serves, and for each of Compose's own models."""
    if base_of(document, files) is not None:
        return []
    project = project_of(document, files)
    known = services(project)
    running = {name: container(project, service) for name, service in known.items()}
    pulled = _Pulled(tuple(_pulls(project, known, running)))
    found: list[NativeDeployment | None] = [
        _service(project, service, running[name], pulled) for name, service in known.items()
    ]
    found += [_model(project, name, node) for name, node in entries(at(document.tree, "models"))]
    return [deployment for deployment in found if deployment is not None]


def _service(
    project: Project, service: Service, running: Container, pulled: _Pulled
) -> NativeDeployment | None:
    reading = read_container(running)
    if reading is None:
        return _override(project, service, running)
    given = devices_of(project, service, running.environment)
    facts = dict(reading.facts)
    if reading.engine == "ollama" and "model" not in facts:
        facts = merged(facts, pulled.of(profiles(project, service)))
    over = merged(_replicas(project, service), accelerators(running, reading, given))
    complete = merged(over, facts)
    with_quant_of_name(complete)
    settings = dict(reading.settings)
    if given.ids and isinstance(given.count, Stated):
        settings["device_ids"] = Stated(",".join(given.ids), given.count.place, "device ids")
    return _deployment(project, service, complete, settings)


def _deployment(
    project: Project, service: Service, facts: dict[str, Fact], settings: dict[str, Stated]
) -> NativeDeployment:
    named = profiles(project, service)
    listed = service.get("profiles")
    if named and listed is not None:
        settings["profiles"] = Stated(",".join(sorted(named)), listed.place, "field profiles")
    place = key_place(at(project.document.tree, "services"), service.name)
    return deployment(
        address=f"services.{service.name}",
        kind=NAME,
        place=place or service.node.place,
        facts=facts,
        settings=settings,
    )


@dataclass(frozen=True, slots=True)
class _Pull:
    """A service that fetches a model for an Ollama server, and the profiles that it runs in."""

    profiles: frozenset[str]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class _Pulled:
    """What is pulled in every combination of profiles that was asked for."""

    pulls: tuple[_Pull, ...]
    known: dict[frozenset[str], dict[str, Fact]] = field(default_factory=dict)

    def of(self, mine: frozenset[str]) -> dict[str, Fact]:
        """The model that a server with these profiles has."""
        if mine not in self.known:
            self.known[mine] = _pulled(mine, self.pulls)
        return self.known[mine]


# More services that pull models are not looked through for every server.
_MOST_PULLS = 16


def _pulls(
    project: Project, known: dict[str, Service], running: dict[str, Container]
) -> list[_Pull]:
    found: list[_Pull] = []
    for service in known.values():
        if len(found) >= _MOST_PULLS:
            break
        started = calls(running[service.name])
        fetched = tuple(call for call in started if call.engine == "ollama")
        if fetched:
            found.append(_Pull(profiles(project, service), fetched))
    return found


def _pulled(mine: frozenset[str], pulls: Sequence[_Pull]) -> dict[str, Fact]:
    """The model that services running together with an Ollama server pull into it."""
    together = [pull for pull in pulls if not mine or not pull.profiles or mine & pull.profiles]
    model = pulled_model([call for pull in together for call in pull.calls])
    return {} if model is None else {"model": model}


def _replicas(project: Project, service: Service) -> dict[str, Fact]:
    for keys in (("deploy", "replicas"), ("scale",)):
        text = project.text(service.get(*keys))
        if text is not None:
            return {"replicas": typed(text, "integer", f"field {'.'.join(keys)}")}
    return {}


def _override(project: Project, service: Service, running: Container) -> NativeDeployment | None:
    """A service without image or build is a part of one that another file describes."""
    whole = any(service.get(key) is not None for key in ("image", "build", "extends"))
    if whole or running.command or not _ENGINES.search(running.name.lower()):
        return None
    given = devices_of(project, service, running.environment)
    stated = merged(_replicas(project, service), {"gpu": given.gpu, "gpu_count": given.count})
    if not any(isinstance(fact, Stated) for fact in stated.values()):
        return None
    return _deployment(project, service, stated, {})


def _model(project: Project, name: str, node: Node) -> NativeDeployment | None:
    """An entry of `models`, which Docker's model runner serves with the engine that fits it."""
    text = project.text(at(node, "model"))
    if text is None:
        return None
    model = model_fact(text, "field model")
    facts: dict[str, Fact] = {
        "model": model,
        "backend": Unknown("Docker's model runner chooses the engine", text.place),
    }
    if isinstance(model, Stated) and (found := quant.of_name(str(model.value), "ollama")):
        facts["quant"] = Stated(found, model.place, "name of the model")
    context = project.text(at(node, "context_size"))
    if context is not None:
        facts["max_model_len"] = typed(context, "integer", "field context_size")
    place = key_place(at(project.document.tree, "models"), name) or node.place
    return deployment(address=f"models.{name}", kind=NAME, place=place, facts=facts)
