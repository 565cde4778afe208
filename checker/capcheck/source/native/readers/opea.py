"""Helm values of OPEA's vllm and tgi charts, alone or as dependencies of an application's chart.

Variables are keys of the chart (`LLM_MODEL_ID`, `MAX_TOTAL_TOKENS`), flags stand in `extraCmdArgs`.
Source: opea-project/GenAIInfra helm-charts/common/{vllm,tgi}.
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, has_chart, replicas, scalars
from capcheck.source.native.command import programs
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown
from capcheck.source.native.pod import image_of, of_reading
from capcheck.source.native.tree import Document, Files, at, place_of, plain
from capcheck.source.nodes import Node

NAME = "Helm values (OPEA)"

_ENGINES = ("vllm", "tgi")
_DEVICES = {"gaudi": "Gaudi", "rocm": "AMD", "cpu": "CPU"}


def recognises(document: Document) -> bool:
    """By the keys."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each engine that is not switched off."""
    found = (_deployment(values) for values in charts(document, files, _is_chart))
    return [deployment for deployment in found if deployment is not None]


def _is_chart(node: Node) -> bool:
    keys = ("accelDevice", "LLM_MODEL_ID", "extraCmdArgs")
    found = programs.image(plain(at(node, "image", "repository")))
    return (
        found is not None
        and found.engine in _ENGINES
        and any(at(node, key) is not None for key in keys)
    )


def _deployment(values: Values) -> NativeDeployment | None:
    node = values.node
    container = Container(
        place=place_of(node),
        image=image_of(at(node, "image"), values.files),
        arguments=values.files.texts(at(node, "extraCmdArgs")),
        environment=scalars(values, node),
    )
    reading = read_container(container)
    if reading is None:
        return None
    serving = of_reading(container, reading, node, at(node, "resources"))
    over: dict[str, Fact] = {"replicas": replicas(node), "gpu_count": serving.gpu_count}
    over["gpu"] = serving.gpu
    device = at(node, "accelDevice")
    if isinstance(serving.gpu, Unknown) and (name := _DEVICES.get(plain(device))):
        over["gpu"] = Stated(name, place_of(device), "field accelDevice")
    model = values.text("LLM_MODEL_ID")
    if model is not None and model.value:
        over["model"] = model_fact(model, "field LLM_MODEL_ID")
    return values.deployment(
        values.key or reading.engine, over, reading.facts, settings=reading.settings
    )
