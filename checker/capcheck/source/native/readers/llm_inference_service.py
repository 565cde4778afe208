"""KServe LLMInferenceService and LLMInferenceServiceConfig.

The kind implies vLLM. `spec.prefill` is a second role beside the decoding one, `spec.worker` the
template of further nodes. The engine's template appends the variable VLLM_ADDITIONAL_ARGS to its
command. Source: KServe serving.kserve.io/v1alpha1 and v1alpha2 LLMInferenceService API.
"""

from __future__ import annotations

from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.command.facts import of_arguments, with_quant_of_name
from capcheck.source.native.container import Reading, words_of
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    deployment,
    merged,
)
from capcheck.source.native.gpus import by_labels
from capcheck.source.native.pod import (
    Served,
    containers_of,
    name_place,
    number,
    served,
    times,
)
from capcheck.source.native.tree import Document, Files, at, key_place, place_of
from capcheck.source.nodes import Node

NAME = "KServe LLMInferenceService"

_KINDS = ("LLMInferenceService", "LLMInferenceServiceConfig")
_EXTRA_ARGUMENTS = "VLLM_ADDITIONAL_ARGS"


def recognises(document: Document) -> bool:
    """By API group and kind."""
    return document.group == "serving.kserve.io" and document.kind in _KINDS


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment, or one for each role where prefill is apart."""
    spec = at(document.tree, "spec")
    prefill = at(spec, "prefill")
    roles = [("", spec)] if prefill is None else [("decode", spec), ("prefill", prefill)]
    found = (_role(document, files, part, role) for role, part in roles)
    return [deployment for deployment in found if deployment is not None]


def _role(
    document: Document, files: Files, spec: Node | None, role: str
) -> NativeDeployment | None:
    pod = at(spec, "template")
    serving = _served(pod, files, document)
    if serving is None and containers_of(pod):
        return None
    facts = dict(serving.reading.facts) if serving else {}
    settings = dict(serving.reading.settings) if serving else {}
    over: dict[str, Fact] = {"replicas": _replicas(spec)}
    highest = number(at(spec, "scaling"), "maxReplicas")
    if isinstance(highest, Stated):
        settings["max_replicas"] = highest
    for name, key in (("tp", "tensor"), ("pp", "pipeline")):
        stated = number(at(spec, "parallelism"), key, origin=f"field parallelism.{key}")
        if isinstance(stated, Stated):
            over[name] = stated
    if (model := _model(document, files)) is not None:
        over["model"] = model
    nodes = _nodes(spec)
    if nodes > 1:
        settings["nodes"] = Stated(nodes, place_of(at(spec, "parallelism")), "field parallelism")
    if serving is not None:
        over["gpu"] = serving.gpu
        over["gpu_count"] = times(serving.gpu_count, nodes)
    elif isinstance(gpu := by_labels(pod), Stated):
        over["gpu"] = gpu
    place = key_place(document.tree, "kind") or place_of(document.tree)
    implied: dict[str, Fact] = {"backend": Stated("vllm", place, "kind")}
    complete = merged(over, facts, implied)
    with_quant_of_name(complete)
    return deployment(
        address=document.address(role),
        kind=document.kind,
        place=name_place(document),
        facts=complete,
        expect="runtime" if document.kind.endswith("Config") else None,
        role=role,
        settings=settings,
    )


def _served(pod: Node | None, files: Files, document: Document) -> Served | None:
    """What the pod's own container says; KServe has the command where it has none."""
    implied = Stated("vllm", place_of(document.tree), "kind")
    serving = served(pod, files, document, implied=implied)
    return None if serving is None else _with_extra_arguments(serving)


def _with_extra_arguments(serving: Served) -> Served:
    environment = serving.container.environment
    extra = environment.get(_EXTRA_ARGUMENTS)
    if extra is None:
        return serving
    sheet = of_arguments(words_of(extra, environment), "vllm")
    sheet.facts.pop("model", None)
    reading = Reading(
        merged(sheet.facts, serving.reading.facts),
        {**serving.reading.settings, **sheet.settings},
        serving.reading.device,
    )
    return Served(serving.container, reading, serving.gpu, serving.gpu_count)


def _model(document: Document, files: Files) -> Fact | None:
    """`hf://` names the model; of a volume or bucket only `model.name` says what is in it."""
    model = at(document.tree, "spec", "model")
    uri, name = files.text(at(model, "uri")), files.text(at(model, "name"))
    if uri is None:
        return None
    if uri.value.startswith("pvc://") and name is not None and "/" in name.value:
        return model_fact(name, "field model.name")
    return model_fact(uri, "field model.uri")


def _replicas(spec: Node | None) -> Fact:
    """`scaling` says from how many on, in place of `replicas`."""
    lowest = number(at(spec, "scaling"), "minReplicas")
    return lowest if isinstance(lowest, Stated) else number(spec, "replicas")


def _nodes(spec: Node | None) -> int:
    """Data-parallel ranks over those of one node; without `worker` there is one node."""
    if at(spec, "worker") is None:
        return 1
    parallelism = at(spec, "parallelism")
    data, local = number(parallelism, "data"), number(parallelism, "dataLocal")
    if isinstance(data, Stated) and isinstance(local, Stated) and int(local.value):
        return max(1, int(data.value) // int(local.value))
    pipeline = number(parallelism, "pipeline")
    return int(pipeline.value) if isinstance(pipeline, Stated) else 1
