"""Flux HelmRelease of the bjw-s app-template chart, or its values alone.

`controllers.<name>` is a workload; its containers are maps with `image.repository` and `tag`, and
variables as a map. Source: app-template chart's values schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capcheck.source.native.charts import is_off, values_of
from capcheck.source.native.container import read as read_container
from capcheck.source.native.container import words_of
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, deployment
from capcheck.source.native.pod import (
    Served,
    container_of,
    facts_of,
    number,
    of_reading,
)
from capcheck.source.native.tree import Document, Files, at, entries, key_place
from capcheck.source.nodes import Node, Scalar

NAME = "app-template"


def recognises(document: Document) -> bool:
    """By the keys: `controllers.<name>.containers`, in a HelmRelease's values or by themselves."""
    controllers = at(values_of(document), "controllers")
    return any(at(controller, "containers") is not None for _, controller in entries(controllers))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each controller that serves a model, or for each of its containers."""
    values = values_of(document)
    controllers = at(values, "controllers")
    found = []
    for name, controller in entries(controllers):
        role = f"controllers.{name}"
        pod = at(controller, "pod")
        if at(pod, "nodeSelector") is None and at(pod, "affinity") is None:
            pod = at(values, "defaultPodOptions")
        serving = () if is_off(controller) else tuple(_served(controller, pod, files, document))
        for container, one in serving:
            place = f"{role}.containers.{container}" if len(serving) > 1 else role
            over: dict[str, Fact] = {"replicas": number(controller, "replicas")}
            found.append(
                deployment(
                    address=document.address(place) if document.kind else place,
                    kind=document.kind or NAME,
                    place=key_place(controllers, name) or controller.place,
                    facts=facts_of(one, over),
                    settings=one.reading.settings,
                )
            )
    return found


def _served(
    controller: Node, pod: Node | None, files: Files, document: Document
) -> Iterator[tuple[str, Served]]:
    """What the containers serve; a second one counts if it names its model."""
    first = True
    for name, node in entries(at(controller, "containers")):
        container = container_of(node, files, document)
        if isinstance(at(node, "args"), Scalar):
            line = container.arguments[0]
            container = replace(container, arguments=words_of(line, container.environment))
        reading = read_container(container)
        if reading is not None and (first or isinstance(reading.facts.get("model"), Stated)):
            first = False
            yield name, of_reading(container, reading, pod, at(node, "resources"), files=files)
