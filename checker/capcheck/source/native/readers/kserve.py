"""KServe InferenceService, and ServingRuntime (KServe's and OME's): an engine without model.

An InferenceService names its model by `storageUri`, its engine by `modelFormat` or by the runtime
that it refers to; that one is joined when it stands in the same files. Sources: KServe
serving.kserve.io/v1beta1 and v1alpha1 API; OME ome.io/v1beta1 ClusterServingRuntime.
"""

from __future__ import annotations

from dataclasses import replace

from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
)
from capcheck.source.native.gpus import by_labels, requested
from capcheck.source.native.pod import (
    NONE_ASKED_FOR,
    Served,
    container_of,
    containers_of,
    environment_of,
    facts_of,
    name_place,
    number,
    of_reading,
    resolved,
    served,
    times,
)
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Node

NAME = "KServe InferenceService"

_GROUPS = ("serving.kserve.io", "ome.io")
_RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
_MOUNTED = "/mnt/models"
_FORMATS = {"huggingface": "huggingfaceserver", "vllm": "vllm", "sglang": "sglang"}


def recognises(document: Document) -> bool:
    """By API group and kind: other groups have an InferenceService too."""
    if document.group == "serving.kserve.io" and document.kind == "InferenceService":
        return True
    return document.group in _GROUPS and document.kind in _RUNTIMES


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment of an InferenceService, or the engine of a runtime."""
    if document.kind in _RUNTIMES:
        return _runtime(document, files)
    predictor = at(document.tree, "spec", "predictor")
    if containers_of(predictor):
        serving = served(predictor, files, document)
        return (
            [] if serving is None else [_service(document, predictor, serving, _fetched(serving))]
        )
    node = at(predictor, "model")
    if node is None:
        return []
    over: dict[str, Fact] = {}
    uri = files.text(at(node, "storageUri"))
    storage = at(node, "storage", "path")
    if uri is not None:
        over["model"] = model_fact(uri, "field storageUri")
    elif storage is not None:
        over["model"] = Unknown("the model stands in a storage secret", storage.place)
    serving = _of_model(node, predictor, document, files)
    return [] if serving is None else [_service(document, predictor, serving, over)]


def _fetched(serving: Served) -> dict[str, Fact]:
    """The model that KServe puts where a container of one's own finds it.

    Source: KServe, "Custom predictor": the storage that STORAGE_URI names stands at /mnt/models.
    """
    uri = serving.container.environment.get("STORAGE_URI")
    told = serving.reading.facts.get("model")
    elsewhere = isinstance(told, Stated) and str(told.value).rstrip("/") != _MOUNTED
    return {} if uri is None or elsewhere else {"model": model_fact(uri, "env STORAGE_URI")}


def _of_model(
    node: Node, predictor: Node | None, document: Document, files: Files
) -> Served | None:
    """The engine that `predictor.model` asks for, by the runtime where that is known."""
    own = container_of(node, files, document)
    runtime = _named_runtime(node, files)
    format_node = at(node, "modelFormat", "name")
    engine = _FORMATS.get(plain(format_node).lower(), "")
    implied = Stated(engine, place_of(format_node), "field modelFormat") if engine else None
    resources = at(node, "resources")
    container = own
    pod = predictor
    if runtime is not None:
        base_node = next(iter(containers_of(at(runtime.tree, "spec"))), None)
        base = container_of(base_node, files, runtime)
        environment = {**base.environment, **environment_of(node, files, document)}
        container = replace(
            base,
            image=own.image or base.image,
            arguments=resolved((*base.arguments, *own.arguments), environment),
            environment=environment,
        )
        if requested(resources) is None:
            resources = at(base_node, "resources") or resources
        if isinstance(by_labels(pod), Unknown):
            pod = at(runtime.tree, "spec")
    reading = read_container(_named(container, node), implied=implied)
    return None if reading is None else of_reading(container, reading, pod, resources)


def _named(container: Container, node: Node) -> Container:
    return replace(container, name=plain(at(node, "runtime")))


def _named_runtime(node: Node, files: Files) -> Document | None:
    name = plain(at(node, "runtime"))
    found = (files.find(kind, name) for kind in _RUNTIMES) if name else ()
    return next((document for document in found if document is not None), None)


def _service(
    document: Document, predictor: Node | None, serving: Served, over: dict[str, Fact]
) -> NativeDeployment:
    facts = {**over, "replicas": number(predictor, "minReplicas")}
    settings = dict(serving.reading.settings)
    _with_workers(facts, settings, predictor, serving)
    highest = number(predictor, "maxReplicas")
    if isinstance(highest, Stated):
        settings["max_replicas"] = highest
    return deployment(
        address=document.address(),
        kind=document.kind,
        place=name_place(document),
        facts=facts_of(serving, facts),
        settings=settings,
    )


def _runtime(document: Document, files: Files) -> list[NativeDeployment]:
    """The engine of a runtime; OME's has a decoder beside it where prefill is apart."""
    spec = at(document.tree, "spec")
    parts = {"engine": at(spec, "engineConfig"), "decoder": at(spec, "decoderConfig")}
    if parts["engine"] is None or parts["decoder"] is None:
        parts = {"": parts["engine"] or spec}
    found = (_part(document, files, part, role) for role, part in parts.items())
    return [deployment for deployment in found if deployment is not None]


def _part(
    document: Document, files: Files, part: Node | None, role: str
) -> NativeDeployment | None:
    spec = at(document.tree, "spec")
    leader = at(part, "leader")
    serving = served(leader or part, files, document)
    if serving is None:
        return None
    over: dict[str, Fact] = {}
    if isinstance(serving.gpu, Stated) and serving.gpu.origin == NONE_ASKED_FOR:
        # The InferenceService that names the runtime may ask for some.
        serving = replace(serving, gpu=Unknown(), gpu_count=Unknown())
    settings = dict(serving.reading.settings)
    _with_workers(over, settings, spec, serving)
    if leader is not None:
        size = number(at(part, "worker"), "size")
        nodes = 1 + (int(size.value) if isinstance(size, Stated) else 0)
        over["gpu_count"] = times(serving.gpu_count, nodes)
        settings["nodes"] = Stated(nodes, place_of(part), "field engineConfig")
    for supported in items(at(spec, "supportedModelFormats")):
        quantization = at(supported, "quantization")
        if quantization is not None and "quant" not in serving.reading.facts:
            over["quant"] = Stated(
                plain(quantization).lower(), quantization.place, "field quantization"
            )
    return deployment(
        address=document.address(role),
        kind=document.kind,
        place=name_place(document),
        facts=facts_of(serving, over),
        expect="runtime",
        role=role,
        settings=settings,
    )


def _with_workers(
    facts: dict[str, Fact], settings: dict[str, Stated], spec: Node | None, serving: Served
) -> None:
    """`workerSpec`: the nodes beside the head, which KServe hands to the command as variables.

    Source: KServe multi-node inference: PIPELINE_PARALLEL_SIZE nodes in all, TENSOR_PARALLEL_SIZE
    GPUs on each.
    """
    workers = at(spec, "workerSpec")
    if workers is None:
        return
    for name, key in (("tp", "tensorParallelSize"), ("pp", "pipelineParallelSize")):
        stated = number(workers, key)
        if isinstance(stated, Stated):
            facts[name] = stated
    pipeline = facts.get("pp")
    if isinstance(pipeline, Stated):
        settings["nodes"] = Stated(pipeline.value, pipeline.place, pipeline.origin)
        facts["gpu_count"] = times(serving.gpu_count, int(pipeline.value))
