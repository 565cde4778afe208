"""NVIDIA Dynamo: DynamoGraphDeployment, v1alpha1 (`services`) and v1beta1 (`components`).

Every worker is a deployment of its own; frontends, planners and routers serve no model. `gpu` means
NVIDIA's, `multinode.nodeCount` multiplies it. Source: Dynamo nvidia.com API reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, deployment
from capcheck.source.native.gpus import requested
from capcheck.source.native.mounted import configured
from capcheck.source.native.pod import (
    Served,
    container_of,
    containers_of,
    environment_of,
    facts_of,
    number,
    of_reading,
    resolved,
    served,
    times,
)
from capcheck.source.native.tree import Document, Files, at, entries, items, key_place, plain
from capcheck.source.nodes import Node

NAME = "DynamoGraphDeployment"

_BESIDE = frozenset(("frontend", "planner", "router", "epp", "processor", "default", "profiler"))
_ENGINES = {"vllm": "vllm", "sglang": "sglang", "trtllm": "trtllm"}


def recognises(document: Document) -> bool:
    """By API group and kind."""
    return document.group == "nvidia.com" and document.kind == "DynamoGraphDeployment"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each worker."""
    return [
        found
        for name, component in _components(document)
        if (found := _worker(document, files, name, component)) is not None
    ]


def _components(document: Document) -> Iterator[tuple[str, Node]]:
    spec = at(document.tree, "spec")
    yield from entries(at(spec, "services"))
    for component in items(at(spec, "components")):
        yield plain(at(component, "name")), component


def _worker(
    document: Document, files: Files, name: str, component: Node
) -> NativeDeployment | None:
    kind = plain(at(component, "componentType")) or plain(at(component, "type"))
    if kind.lower() in _BESIDE:
        return None
    serving = _served(document, files, component)
    if serving is None:
        return None
    nodes = number(at(component, "multinode"), "nodeCount")
    size = int(nodes.value) if isinstance(nodes, Stated) else 1
    settings = dict(serving.reading.settings)
    if isinstance(nodes, Stated):
        settings["nodes"] = nodes
    over: dict[str, Fact] = {
        "replicas": number(component, "replicas"),
        "gpu_count": times(serving.gpu_count, size),
    }
    services = at(document.tree, "spec", "services")
    place = key_place(services, name) or key_place(component, "name") or component.place
    return deployment(
        address=document.address(name),
        kind=document.kind,
        place=place,
        facts=facts_of(serving, over),
        role=name,
        settings=settings,
    )


def _served(document: Document, files: Files, component: Node) -> Served | None:
    framework = at(document.tree, "spec", "backendFramework")
    engine = _ENGINES.get(plain(framework), "")
    implied = (
        Stated(engine, framework.place, "field backendFramework") if framework and engine else None
    )
    template = at(component, "podTemplate", "spec")
    if template is not None:
        return served(template, files, document, implied=implied, plain_gpu=True)
    extra = at(component, "extraPodSpec")
    main = at(extra, "mainContainer")
    if main is None:
        main = next(iter(containers_of(extra)), None)
    if main is None:
        return None
    container = container_of(main, files, document)
    shared = {
        **environment_of(at(document.tree, "spec"), files, document, key="envs"),
        **environment_of(component, files, document, key="envs"),
    }
    if shared:
        environment = {**shared, **container.environment}
        container = replace(
            container,
            command=resolved(container.command, environment),
            arguments=resolved(container.arguments, environment),
            environment=environment,
        )
    reading = read_container(container, implied=implied)
    if reading is None:
        return None
    reading = configured(reading, main, extra, files)
    resources = at(component, "resources")
    if requested(resources, plain_gpu=True) is None:
        resources = at(main, "resources")
    return of_reading(container, reading, extra, resources, plain_gpu=True)
