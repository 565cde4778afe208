"""vLLM production-stack: the VLLMRuntime resource.

The fields of `model` and `vllmConfig` are vLLM's flags in camel case. Source: production-stack
production-stack.vllm.ai/v1alpha1 API.
"""

from __future__ import annotations

from capcheck.source.native import gpus
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command import programs
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import field, flags, model
from capcheck.source.native.pod import environment_of, name_place, number
from capcheck.source.native.tree import Document, Files, at, place_of, plain
from capcheck.source.nodes import Node

NAME = "production-stack VLLMRuntime"


def recognises(document: Document) -> bool:
    """By API group; routers, caches and adapters beside it serve no model."""
    return document.group == "production-stack.vllm.ai"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment."""
    spec = at(document.tree, "spec")
    if document.kind != "VLLMRuntime" or spec is None:
        return []
    described, config = at(spec, "model"), at(spec, "vllmConfig")
    hosted = at(spec, "deploymentConfig")
    environment = environment_of(config, files, document)
    sheet = command_facts.of_config(flags(files, described, config), "vllm")
    arguments = command_facts.of_arguments(files.texts(at(config, "extraArgs")), "vllm")
    variables = command_facts.of_environment(environment, "vllm")
    image = at(hosted, "image", "name")
    gpu, count = _accelerators(hosted, plain(image))
    own: dict[str, Fact] = {
        "backend": Stated("vllm", place_of(document.tree), "kind"),
        "model": model(files, described, "modelURL"),
        "gpu": gpu,
        "gpu_count": count,
        "replicas": number(hosted, "replicas"),
    }
    facts = merged(own, arguments.facts, sheet.facts, variables.facts)
    command_facts.with_quant_of_name(facts)
    settings = {**variables.settings, **sheet.settings, **arguments.settings}
    buffer = field(files, at(spec, "lmCacheConfig"), "cpuOffloadingBufferSize", type_="number")
    if isinstance(buffer, Stated):
        settings["kv_offload_cpu_gb"] = buffer
    return [
        deployment(
            address=document.address(),
            kind=document.kind,
            place=name_place(document),
            facts=facts,
            settings=settings,
        )
    ]


def _accelerators(hosted: Node | None, image: str) -> tuple[Fact, Fact]:
    """`resources.gpu` of the resource `gpuType`; node labels say which."""
    resources = at(hosted, "resources")
    count = number(resources, "gpu")
    for holder in (hosted, at(hosted, "nodeSelectorTerms")):
        label = gpus.by_labels(holder)
        if isinstance(label, Stated):
            return label, count
    kind = at(resources, "gpuType")
    row = gpus.resource(plain(kind))
    if kind is not None and row is not None and row["gpu"]:
        named = f"MIG-{plain(kind).rpartition('mig-')[2]}" if row["gpu"] == "MIG" else row["gpu"]
        return Stated(named, kind.place, "field gpuType"), count
    built = programs.image(image) if image else None
    if built is not None and built.device:
        place = place_of(at(hosted, "image", "name"))
        return Stated(built.device, place, "image"), count
    return Unknown(), count
