"""Helm values of NVIDIA's nim-llm chart: the image is the model.

Also below a key of another chart's values, as blueprints have it. Source: NIM for LLMs "Deploy with
Helm" (`image.repository`, `resources`, `env`, `replicaCount`, `autoscaling`, `multiNode`).
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, has_chart, is_on, replicas
from capcheck.source.native.command import programs
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated
from capcheck.source.native.pod import environment_of, image_of, number, of_reading, times
from capcheck.source.native.tree import Document, Files, at, place_of, plain
from capcheck.source.nodes import Node

NAME = "Helm values (NIM)"


def recognises(document: Document) -> bool:
    """By an image of the NIM catalogue with the keys of the chart."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each language model."""
    found = (_deployment(values) for values in charts(document, files, _is_chart))
    return [deployment for deployment in found if deployment is not None]


def _is_chart(node: Node) -> bool:
    repository = plain(at(node, "image", "repository"))
    found = programs.image(repository)
    if repository:
        return found is not None and found.engine == "nim"
    return any(at(node, "model", key) is not None for key in ("ngcAPISecret", "ngcAPIKey"))


def _deployment(values: Values) -> NativeDeployment | None:
    node = values.node
    environment = {
        **environment_of(node, values.files, values.document),
        **environment_of(node, values.files, values.document, key="envVars"),
    }
    container = Container(
        place=place_of(node),
        image=image_of(at(node, "image"), values.files),
        environment=environment,
    )
    implied = Stated("nim", container.place, "chart")
    reading = read_container(container, implied=None if container.image else implied)
    if reading is None:
        return None
    serving = of_reading(container, reading, node, at(node, "resources"))
    over: dict[str, Fact] = {
        "replicas": replicas(node),
        "gpu": serving.gpu,
        "gpu_count": serving.gpu_count,
    }
    name = values.text("model", "name")
    if container.image is None and name is not None:
        over["model"] = model_fact(name, "field model.name")
    nodes = number(at(node, "multiNode"), "workers")
    if is_on(at(node, "multiNode")) and isinstance(nodes, Stated):
        each = number(at(node, "multiNode"), "gpusPerNode")
        count = each if isinstance(each, Stated) else serving.gpu_count
        over["gpu_count"] = times(count, int(nodes.value))
    return values.deployment(
        values.key or "nim-llm", over, reading.facts, settings=reading.settings
    )
