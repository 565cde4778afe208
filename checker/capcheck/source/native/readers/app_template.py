"""Flux HelmRelease of the bjw-s app-template chart, or its values alone.

`controllers.<name>` is a workload; its containers are maps with `image.repository` and `tag`, and
variables as a map. Source: app-template chart's values schema.
"""

from __future__ import annotations

from dataclasses import replace

from capcheck.source.native.charts import is_off, values_of
from capcheck.source.native.container import read as read_container
from capcheck.source.native.container import words_of
from capcheck.source.native.deployment import Fact, NativeDeployment, deployment
from capcheck.source.native.pod import (
    container_of,
    facts_of,
    number,
    of_reading,
)
from capcheck.source.native.tree import Document, Files, at, entries, key_place
from capcheck.source.nodes import Scalar

NAME = "app-template"


def recognises(document: Document) -> bool:
    """By the keys: `controllers.<name>.containers`, in a HelmRelease's values or by themselves."""
    controllers = at(values_of(document), "controllers")
    return any(at(controller, "containers") is not None for _, controller in entries(controllers))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each controller that serves a model."""
    values = values_of(document)
    controllers = at(values, "controllers")
    found = []
    for name, controller in entries(controllers):
        role = f"controllers.{name}"
        pod = at(controller, "pod")
        if at(pod, "nodeSelector") is None and at(pod, "affinity") is None:
            pod = at(values, "defaultPodOptions")
        for _, node in entries(at(controller, "containers")):
            container = container_of(node, files, document)
            if isinstance(at(node, "args"), Scalar):
                line = container.arguments[0]
                container = replace(container, arguments=words_of(line, container.environment))
            reading = read_container(container)
            if reading is None or is_off(controller):
                continue
            serving = of_reading(container, reading, pod, at(node, "resources"))
            over: dict[str, Fact] = {"replicas": number(controller, "replicas")}
            found.append(
                deployment(
                    address=document.address(role) if document.kind else role,
                    kind=document.kind or NAME,
                    place=key_place(controllers, name) or controller.place,
                    facts=facts_of(serving, over),
                    settings=reading.settings,
                )
            )
            break
    return found
