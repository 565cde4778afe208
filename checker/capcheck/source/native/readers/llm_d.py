"""Helm values of llm-d's modelservice chart: `modelArtifacts` with `decode` and `prefill`.

The ModelService object, the chart's forerunner, has the same in its `spec` over a base that stands
in another object. `modelCommand: vllmServe` makes the chart write `vllm serve` with the model; the
container's `args` follow. Sources: llm-d-incubation/llm-d-modelservice values.schema.json and
templates; llm-d.ai/v1alpha1 ModelService API.
"""

from __future__ import annotations

from dataclasses import replace

from capcheck.source.native.charts import Values, charts, has_chart
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown
from capcheck.source.native.gpus import gpu_of
from capcheck.source.native.pod import number, served, times
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Node, Scalar

NAME = "Helm values (llm-d modelservice)"

_ROLES = ("decode", "prefill")
_PARALLEL = {"tp": ("tensor", "tensorParallelism"), "pp": ("pipeline", "pipelineParallelism")}
_ACCELERATORS = {
    "amd": "AMD",
    "intel": "Intel",
    "intel-i915": "Intel",
    "intel-xe": "Intel",
    "gaudi": "Gaudi",
    "intel-gaudi": "Gaudi",
    "google": "TPU",
    "cpu": "CPU",
}


def recognises(document: Document) -> bool:
    """By the keys, or by API group and kind."""
    return _is_object(document) or has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each role that is created."""
    spec = at(document.tree, "spec")
    object_ = (Values(document, files, spec),) if _is_object(document) and spec else ()
    found = (
        _role(values, role)
        for values in (*object_, *charts(document, files, _is_chart))
        for role in _ROLES
    )
    return [deployment for deployment in found if deployment is not None]


def _is_object(document: Document) -> bool:
    return document.group == "llm-d.ai" and document.kind == "ModelService"


def _is_chart(node: Node) -> bool:
    artifacts = at(node, "modelArtifacts")
    return artifacts is not None and any(at(node, role) is not None for role in _ROLES)


def _role(values: Values, role: str) -> NativeDeployment | None:
    node = at(values.node, role)
    create = at(node, "create")
    if node is None or (isinstance(create, Scalar) and create.value is False):
        return None
    implied = Stated("vllm", place_of(at(values.node, "modelArtifacts")), "chart")
    serving = served(node, values.files, values.document, implied=implied)
    if serving is None:
        return None
    over: dict[str, Fact] = {"replicas": number(node, "replicas"), "model": _model(values)}
    for name, keys in _PARALLEL.items():
        for key in keys:
            stated = number(at(node, "parallelism"), key, origin=f"field parallelism.{key}")
            if isinstance(stated, Stated):
                over[name] = stated
    gpu = serving.gpu
    if isinstance(gpu, Unknown) or gpu.origin == "image":
        said = _gpu(values, node)
        gpu = said if isinstance(said, Stated) else gpu
    count = times(serving.gpu_count, _nodes(values, node))
    accelerators: dict[str, Fact] = {"gpu": gpu, "gpu_count": count}
    return values.deployment(
        role,
        over,
        accelerators,
        serving.reading.facts,
        settings=serving.reading.settings,
        place=node.place,
        partial=_is_object(values.document),
    )


def _nodes(values: Values, node: Node) -> int:
    """Of a role over several nodes: its workers, else all ranks over those of one node."""
    several = at(values.node, "multinode")
    if not isinstance(several, Scalar) or several.value is not True:
        return 1
    parallelism = at(node, "parallelism")
    workers = number(parallelism, "workers")
    if isinstance(workers, Stated):
        return max(1, int(workers.value))
    data, local = number(parallelism, "data"), number(parallelism, "dataLocal")
    if isinstance(data, Stated) and isinstance(local, Stated) and int(local.value):
        return max(1, int(data.value) // int(local.value))
    return 1


def _model(values: Values) -> Fact:
    """`hf://` names the model; of a volume only `modelArtifacts.name` says what is in it."""
    uri, name = values.text("modelArtifacts", "uri"), values.text("modelArtifacts", "name")
    if uri is None:
        return model_fact(name, "field modelArtifacts.name") if name is not None else Unknown()
    if uri.value.startswith("pvc") and name is not None and "/" in name.value:
        return model_fact(name, "field modelArtifacts.name")
    fact = model_fact(uri, "field modelArtifacts.uri")
    if isinstance(fact, Stated):
        return replace(fact, value=str(fact.value).replace('"', ""))
    return fact


def _gpu(values: Values, node: Node) -> Fact:
    for types in (at(node, "acceleratorTypes"), at(values.node, "acceleratorTypes")):
        label = plain(at(types, "labelKey"))
        found = {
            gpu: value
            for value in (*items(at(types, "labelValues")), at(types, "labelValue"))
            if (gpu := gpu_of(label, value)) is not None
        }
        if found:
            place = place_of(next(iter(found.values())))
            return Stated("|".join(found), place, f"label {label}")
    for where in (node, values.node):
        named = at(where, "accelerator", "type")
        if vendor := _ACCELERATORS.get(plain(named)):
            return Stated(vendor, place_of(named), "field accelerator.type")
    return Unknown()
