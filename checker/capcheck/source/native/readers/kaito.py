"""KAITO: Workspace, InferenceSet and MultiRoleInference.

The model is a preset, the GPU that of an Azure machine type or a MIG profile, the engine's flags
stand in a ConfigMap under `inference_config.yaml: | vllm:`. A Workspace that tunes serves nothing.
Source: KAITO kaito.sh v1alpha1 and v1beta1 API.
"""

from __future__ import annotations

from capcheck.source.native import catalogue
from capcheck.source.native.command.facts import Sheet, of_config, with_quant_of_name
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import field, flags, missing, model, of_sku
from capcheck.source.native.gpus import gpu_of
from capcheck.source.native.pod import facts_of, name_place, number, served, times
from capcheck.source.native.tree import Document, Files, at, entries, items, place_of, plain
from capcheck.source.nodes import Node

NAME = "KAITO"

_KINDS = ("Workspace", "InferenceSet", "MultiRoleInference")
_RUNTIME = "kaito.sh/runtime"
# What the ConfigMap of a preset may set.
_TUNED = ("tp", "pp", "max_model_len", "gpu_memory_utilization", "max_num_seqs", "kv_cache_dtype")


def recognises(document: Document) -> bool:
    """By API group and kind."""
    return document.group == "kaito.sh" and document.kind in _KINDS


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment, or one for each role."""
    tree = document.tree
    if document.kind == "MultiRoleInference":
        return [
            _preset(
                document,
                files,
                at(tree, "spec"),
                part,
                at(part, "replicas"),
                plain(at(part, "type")),
            )
            for part in items(at(tree, "spec", "roles"))
        ]
    if document.kind == "InferenceSet":
        template = at(tree, "spec", "template")
        replicas = at(tree, "spec", "replicas")
    else:
        own_spec = at(tree, "inference") is None
        template, replicas = (at(tree, "spec") if own_spec else tree), None
    inference, resource = at(template, "inference"), at(template, "resource")
    if at(inference, "preset") is not None:
        return [_preset(document, files, inference, resource, replicas, "")]
    pod = at(inference, "template", "spec")
    serving = served(pod, files, document)
    if serving is None:
        return []
    gpu, _ = of_sku(at(resource, "instanceType"), origin="field instanceType")
    own: dict[str, Fact] = {"replicas": _replicas(replicas)}
    if isinstance(serving.gpu, Unknown):
        own["gpu"] = gpu
    return [_deployment(document, facts_of(serving, own), dict(serving.reading.settings), "")]


def _preset(
    document: Document,
    files: Files,
    inference: Node | None,
    resource: Node | None,
    replicas: Node | None,
    role: str,
) -> NativeDeployment:
    named = at(inference, "preset") or at(inference, "model")
    sheet, backend = _tuned(document, files, at(inference, "config") or at(resource, "config"))
    gpu, count = _accelerators(resource)
    own: dict[str, Fact] = {
        "backend": backend or _runtime(document, named),
        "model": model(files, named, "name"),
        "gpu": gpu,
        "gpu_count": count,
        "replicas": _replicas(replicas),
    }
    facts = merged(own, sheet.facts)
    with_quant_of_name(facts)
    settings = {**sheet.settings, **catalogue.weights("kaito", facts["model"])}
    runtime = field(files, document.tree, "metadata", "annotations", _RUNTIME)
    if isinstance(runtime, Stated):
        settings["runtime"] = runtime
    nodes = number(resource, "count")
    if isinstance(nodes, Stated) and int(nodes.value) > 1:
        settings["nodes"] = nodes
    return _deployment(document, facts, settings, role)


def _deployment(
    document: Document, facts: dict[str, Fact], settings: dict[str, Stated], role: str
) -> NativeDeployment:
    return deployment(
        address=document.address(role),
        kind=document.kind,
        place=name_place(document),
        facts=facts,
        role=role,
        settings=settings,
    )


def _tuned(document: Document, files: Files, reference: Node | None) -> tuple[Sheet, Stated | None]:
    """What the ConfigMap of `inference.config` sets; a section `vllm` says that vLLM reads it."""
    if reference is None:
        return Sheet(), None
    found = files.find("ConfigMap", plain(reference))
    if found is None:
        return Sheet({name: missing(reference, "ConfigMap") for name in _TUNED}), None
    held = at(found.tree, "data", "inference_config.yaml")
    section = at(files.embedded(held), "vllm")
    if section is None:
        return Sheet(), None
    sheet = of_config(flags(files, section), "vllm")
    sheet.facts.pop("model", None)
    return sheet, Stated("vllm", place_of(held), "section vllm of inference_config.yaml")


def _runtime(document: Document, named: Node | None) -> Stated:
    """vLLM where the annotation asks for it, else whatever the preset starts."""
    chosen = at(document.tree, "metadata", "annotations", _RUNTIME)
    if chosen is not None and plain(chosen) == "vllm":
        return Stated("vllm", chosen.place, f"annotation {_RUNTIME}")
    return Stated("kaito-preset", place_of(named or document.tree), "field preset")


def _accelerators(resource: Node | None) -> tuple[Fact, Fact]:
    gpu, count = of_sku(at(resource, "instanceType"), origin="field instanceType")
    for key in ("partition", "mig"):
        profile, slices = at(resource, key, "profile"), number(at(resource, key), "count")
        if profile is not None and plain(profile):
            origin = f"field {key}.profile"
            return Stated(f"MIG-{plain(profile)[:20]}", profile.place, origin), slices
        if isinstance(slices, Stated):
            count = slices
    if isinstance(gpu, Unknown):
        for label, value in entries(at(resource, "labelSelector", "matchLabels")):
            if labelled := gpu_of(label, value):
                return Stated(labelled, value.place, f"label {label}"), count
        return gpu, count
    nodes = number(resource, "count")
    return gpu, times(count, int(nodes.value)) if isinstance(nodes, Stated) else count


def _replicas(node: Node | None) -> Fact:
    text = plain(node)
    if node is None or not text.isascii() or not text.isdigit():
        return Unknown()
    return Stated(int(text[:6]), node.place, "field replicas")
