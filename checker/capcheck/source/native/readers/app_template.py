"""Flux HelmRelease of the bjw-s app-template chart, or its values alone.

`controllers.<name>` is a workload; its containers are maps with `image.repository` and `tag`, and
variables as a map. Source: app-template chart's values schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capcheck.source.native.charts import Values, charts, has_chart, is_off
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
    """By the keys: `controllers.<name>.containers` in values, or below a key of another chart's."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each controller that serves a model, or for each of its containers."""
    return [
        deployment
        for values in charts(document, files, _is_chart)
        for name, controller in entries(at(values.node, "controllers"))
        if not is_off(controller)
        for deployment in _controller(values, name, controller)
    ]


def _is_chart(node: Node) -> bool:
    controllers = entries(at(node, "controllers"))
    return any(at(controller, "containers") is not None for _, controller in controllers)


def _controller(values: Values, name: str, controller: Node) -> Iterator[NativeDeployment]:
    pod = at(controller, "pod")
    if at(pod, "nodeSelector") is None and at(pod, "affinity") is None:
        pod = at(values.node, "defaultPodOptions")
    serving = tuple(_served(controller, pod, values.files, values.document))
    for container, one in serving:
        role = f"controllers.{name}"
        if len(serving) > 1:
            role = f"{role}.containers.{container}"
        over: dict[str, Fact] = {"replicas": number(controller, "replicas")}
        yield deployment(
            address=values.address(role),
            kind=values.document.kind or NAME,
            place=key_place(at(values.node, "controllers"), name) or controller.place,
            facts=facts_of(one, over),
            settings=one.reading.settings,
        )


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
