"""KubeAI: the Model resource.

`spec.url` names the model, `engine` and `args` how it is served, `resourceProfile: <name>:<count>`
on what. A profile is defined in the values of KubeAI's chart; those win where they are among the
files, else the name tells. Source: KubeAI kubeai.org/v1 Model API.
"""

from __future__ import annotations

from capcheck.source.native import gpus
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
    only_stated,
)
from capcheck.source.native.pod import environment_of, name_place, number, times
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Document, Files, at, items, plain

NAME = "KubeAI Model"

_ENGINES = {"vllm": "vllm", "ollama": "ollama", "sglang": "sglang", "llamacpp": "llama.cpp"}


def recognises(document: Document) -> bool:
    """By API group and kind."""
    return document.group == "kubeai.org" and document.kind == "Model"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment; none where it transcribes speech or embeds text."""
    spec = at(document.tree, "spec")
    features = [plain(feature) for feature in items(at(spec, "features"))]
    engine_node = at(spec, "engine")
    engine = _ENGINES.get(plain(engine_node).lower(), "")
    if engine_node is None or not engine or (features and "TextGeneration" not in features):
        return []
    environment = environment_of(spec, files, document)
    arguments = command_facts.of_arguments(files.texts(at(spec, "args")), engine)
    variables = command_facts.of_environment(environment, engine)
    gpu, count = _profile(document, files)
    highest = number(spec, "maxReplicas")
    scaling = {"max_replicas": highest, "target_requests": number(spec, "targetRequests")}
    settings = {**variables.settings, **arguments.settings, **only_stated(scaling)}
    own: dict[str, Fact] = {
        "backend": Stated(engine, engine_node.place, "field engine"),
        "model": _model(files.text(at(spec, "url"))),
        "gpu": gpu,
        "gpu_count": count,
    }
    for key in ("minReplicas", "replicas"):
        own = merged(own, {"replicas": number(spec, key)})
    facts = merged(own, arguments.facts, variables.facts)
    command_facts.with_quant_of_name(facts)
    return [
        deployment(
            address=document.address(),
            kind=document.kind,
            place=name_place(document),
            facts=facts,
            settings=settings,
        )
    ]


def _model(url: Text | None) -> Fact:
    """`ollama://` is followed by a tag, `hf://` by a repository; the rest are places."""
    if url is None:
        return Unknown()
    if url.value.startswith("ollama://"):
        return command_facts.model(url[len("ollama://") :], "field url")
    return command_facts.model(url, "field url")


def _profile(document: Document, files: Files) -> tuple[Fact, Fact]:
    node = at(document.tree, "spec", "resourceProfile")
    name, _, times_ = plain(node).rpartition(":")
    if node is None or not name or not times_.isascii() or not times_.isdigit():
        return Unknown(), Unknown()
    origin = "field resourceProfile"
    if name == "cpu":
        return Stated("CPU", node.place, origin), Stated(0, node.place, origin)
    size = int(times_[:6])
    holders = files.with_key("resourceProfiles")
    profiles = (at(other.tree, "resourceProfiles", name) for other in holders)
    for profile in profiles:
        asked = gpus.requested(profile)
        label = gpus.by_labels(profile)
        if asked is not None and isinstance(label, Stated):
            return label, times(asked.count, size)
    known = gpus.named(name)
    if known is None:
        reason = f"the chart's values say what the resource profile {name[:60]!r} means"
        return Unknown(reason), Stated(size, node.place, origin)
    return Stated(known[0], node.place, origin), Stated(known[1] * size, node.place, origin)
