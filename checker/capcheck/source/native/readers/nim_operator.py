"""NIM Operator: NIMService, and the NIMServices of a NIMPipeline.

A NIM is an image for one model, or an image for any model that its cache or a variable names.
Source: NIM Operator apps.nvidia.com/v1alpha1 API (`multiNode.parallelism`: `tensor` GPUs on each of
`pipeline` nodes).
"""

from __future__ import annotations

from dataclasses import replace

from capcheck.source.native import catalogue
from capcheck.source.native.claims import created
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
    only_stated,
)
from capcheck.source.native.fields import field, missing, quantization
from capcheck.source.native.pod import (
    container_of,
    facts_of,
    name_place,
    number,
    of_reading,
    times,
)
from capcheck.source.native.tree import Document, Files, at, items, plain
from capcheck.source.nodes import Node, Scalar

NAME = "NIM Operator"

_FORMATS = ("fp8", "nvfp4", "fp4", "int4", "int8", "awq", "mxfp4")


def recognises(document: Document) -> bool:
    """By API group; its caches and its other services are no deployments."""
    return document.group == "apps.nvidia.com"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment, or one for each service of a pipeline that is not switched off."""
    spec = at(document.tree, "spec")
    if document.kind == "NIMService":
        found = [_service(document, files, spec, "")]
    elif document.kind == "NIMPipeline":
        found = [
            _service(document, files, at(service, "spec"), plain(at(service, "name")))
            for service in items(at(spec, "services"))
            if not _is_off(at(service, "enabled"))
        ]
    else:
        found = []
    return [service for service in found if service is not None]


def _service(
    document: Document, files: Files, spec: Node | None, role: str
) -> NativeDeployment | None:
    if spec is None:
        return None
    container = container_of(spec, files, document)
    reading = read_container(container)
    if reading is None or reading.engine != "nim":
        return None
    serving = of_reading(container, reading, spec, at(spec, "resources"))
    asked = created(spec, files)
    if asked is not None and isinstance(serving.gpu_count, Unknown):
        gpu = Stated(asked.type, asked.place, "draResources") if asked.type else serving.gpu
        serving = replace(serving, gpu=gpu, gpu_count=asked.count)
    cache_name = at(spec, "storage", "nimCache", "name")
    cache = files.find("NIMCache", plain(cache_name)) if cache_name else None
    source = at(cache.tree, "spec", "source") if cache else None
    over: dict[str, Fact] = {"replicas": _replicas(spec)}
    named = reading.facts.get("model", Unknown())
    of_image = isinstance(named, Stated) and named.origin == "image"
    if isinstance(named, Stated) and of_image and catalogue.serves_any("nim", str(named.value)):
        over["model"] = _cached(files, source, cache_name)
    settings = {**reading.settings, **catalogue.weights("nim", named)}
    parallelism = at(spec, "multiNode", "parallelism")
    tuned = at(source, "ngc", "model")
    for name, key in (("tp", "tensor"), ("pp", "pipeline")):
        over[name] = number(parallelism, key)
    precision = quantization(files, tuned, "precision")
    if isinstance(precision, Stated) and precision.value in _FORMATS:
        over["quant"] = precision
    nodes = number(parallelism, "pipeline")
    if isinstance(nodes, Unknown):
        nodes = number(at(spec, "multiNode"), "size")
    if isinstance(nodes, Stated):
        settings["nodes"] = nodes
        over["gpu_count"] = times(serving.gpu_count, int(nodes.value))
    described = {
        "profile": field(files, spec, "storage", "nimCache", "profile"),
        "engine": field(files, tuned, "engine"),
        "max_replicas": number(at(spec, "scale", "hpa"), "maxReplicas"),
    }
    settings.update(only_stated(described))
    facts = merged(facts_of(serving, over), {"tp": number(tuned, "tensorParallelism")})
    with_quant_of_name(facts)
    return deployment(
        address=document.address(role),
        kind=document.kind,
        place=name_place(document),
        facts=facts,
        role=role,
        settings=settings,
    )


def _cached(files: Files, source: Node | None, reference: Node | None) -> Fact:
    """The model that an image for any model takes from its cache."""
    for store in ("hf", "dataStore"):
        held = at(source, store)
        space, name = field(files, held, "namespace"), field(files, held, "modelName")
        if isinstance(space, Stated) and isinstance(name, Stated):
            whole = f"{space.value}/{name.value}"
            return Stated(whole, name.place, f"field source.{store}.modelName")
    puller = field(files, source, "ngc", "modelEndpoint")
    if isinstance(puller, Stated):
        return puller
    return missing(reference, "NIMCache") if reference is not None else Unknown()


def _replicas(spec: Node) -> Fact:
    """The least number where it is scaled automatically."""
    scale = at(spec, "scale")
    enabled = at(scale, "enabled")
    if isinstance(enabled, Scalar) and enabled.value is True:
        lowest = number(at(scale, "hpa"), "minReplicas")
        if isinstance(lowest, Stated):
            return lowest
    return number(spec, "replicas")


def _is_off(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is False
