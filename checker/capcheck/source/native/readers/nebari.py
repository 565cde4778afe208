"""Nebari LLM serving pack: LLMModel, which is always vLLM.

Source: llm.nebari.dev/v1alpha1 API.
"""

from __future__ import annotations

from capcheck.source.native import gpus
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import model
from capcheck.source.native.pod import environment_of, name_place, number
from capcheck.source.native.tree import Document, Files, at, place_of, plain
from capcheck.source.nodes import Node

NAME = "Nebari LLMModel"

_VENDORS = {"amd": "AMD", "intel": "Intel"}


def recognises(document: Document) -> bool:
    """By API group and kind."""
    return document.group == "llm.nebari.dev" and document.kind == "LLMModel"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment."""
    spec = at(document.tree, "spec")
    serving, advanced = at(spec, "serving"), at(spec, "advanced", "vllm")
    own: dict[str, Fact] = {
        "backend": Stated("vllm", place_of(document.tree), "kind"),
        "model": model(files, spec, "model", "name"),
        "gpu": _gpu(spec, advanced),
        "gpu_count": number(at(spec, "resources", "gpu"), "count"),
        "replicas": number(serving, "replicas"),
    }
    words = (*files.texts(at(serving, "vllmArgs")), *files.texts(at(advanced, "extraArgs")))
    sheet = command_facts.of_arguments(words, "vllm")
    environment = environment_of(advanced, files, document, key="extraEnv")
    variables = command_facts.of_environment(environment, "vllm")
    sheet.facts.pop("model", None)
    fields: dict[str, Fact] = {"tp": number(serving, "tensorParallelism")}
    facts = merged(own, sheet.facts, fields, variables.facts)
    with_quant_of_name(facts)
    return [
        deployment(
            address=document.address(),
            kind=document.kind,
            place=name_place(document),
            facts=facts,
            settings={**variables.settings, **sheet.settings},
        )
    ]


def _gpu(spec: Node | None, advanced: Node | None) -> Fact:
    label = gpus.by_labels(advanced)
    if isinstance(label, Stated):
        return label
    kind = at(spec, "resources", "gpu", "type")
    named = gpus.named(plain(kind))
    type_ = named[0] if named else _VENDORS.get(plain(kind).lower(), "")
    return Stated(type_, kind.place, "field gpu.type") if kind is not None and type_ else Unknown()
