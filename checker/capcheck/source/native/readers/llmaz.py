"""llmaz: Playground and Service, with the OpenModel that they claim.

The model's flavours are accelerators in order of preference; without `backendRuntimeConfig` it is
vLLM. Source: llmaz inference.llmaz.io/v1alpha1 and llmaz.io/v1alpha1 API.
"""

from __future__ import annotations

from dataclasses import replace

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
from capcheck.source.native.fields import missing, model
from capcheck.source.native.pod import environment_of, name_place, number, served, times
from capcheck.source.native.tree import Document, Files, at, entries, items, place_of, plain
from capcheck.source.nodes import Node, Scalar

NAME = "llmaz"

_ENGINES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llama.cpp",
    "tgi": "tgi",
    "ollama": "ollama",
    "tensorrt-llm": "trtllm",
}


def recognises(document: Document) -> bool:
    """By API group."""
    return document.group in ("inference.llmaz.io", "llmaz.io")


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment; none for a model or a runtime alone."""
    if document.kind not in ("Playground", "Service"):
        return []
    spec = at(document.tree, "spec")
    claim = at(spec, "modelClaim")
    reference = at(claim, "modelName")
    for item in items(at(spec, "modelClaims", "models")):
        claim = at(spec, "modelClaims")
        if reference is None or plain(at(item, "role")) == "main":
            reference = at(item, "name")
    held = files.find("OpenModel", plain(reference)) if reference else None
    described = at(held.tree, "spec") if held else None
    wanted = [plain(name) for name in items(at(claim, "inferenceFlavors"))]
    own, settings = _flavours(described, wanted)
    own["model"] = _model(files, described)
    lowest = number(at(spec, "elasticConfig"), "minReplicas")
    own["replicas"] = lowest if isinstance(lowest, Stated) else number(spec, "replicas")
    told = _told(document, files, spec)
    if told is None:
        return []
    command = told[0].pop("model", None)
    if held is None and reference is not None:
        # A Service's own pods name what they load; whether it is what is claimed is not known.
        own["model"] = command if isinstance(command, Stated) else missing(reference, "OpenModel")
    facts = merged(own, told[0])
    with_quant_of_name(facts)
    return [
        deployment(
            address=document.address(),
            kind=document.kind,
            place=name_place(document),
            facts=facts,
            settings={**settings, **told[1]},
        )
    ]


def _told(
    document: Document, files: Files, spec: Node | None
) -> tuple[dict[str, Fact], dict[str, Stated]] | None:
    """What the backend is told: by a Service's own pods, or by a Playground's arguments."""
    workload = at(spec, "workloadTemplate")
    template = at(workload, "leaderWorkerTemplate") or workload
    if document.kind == "Service":
        pod = at(template, "leaderTemplate", "spec") or at(template, "workerTemplate", "spec")
        serving = served(pod, files, document)
        if serving is None:
            return None
        size = number(template, "size")
        nodes = int(size.value) if isinstance(size, Stated) else 1
        facts = {
            **serving.reading.facts,
            "gpu": serving.gpu,
            "gpu_count": times(serving.gpu_count, nodes),
        }
        return facts, dict(serving.reading.settings)
    config = at(spec, "backendRuntimeConfig")
    named = at(config, "backendName")
    engine = _ENGINES.get(plain(named) or "vllm", "")
    sheet = command_facts.of_arguments(files.texts(at(config, "args")), engine or "vllm")
    variables = command_facts.of_environment(
        environment_of(config, files, document, key="envs"), engine
    )
    facts = merged(sheet.facts, variables.facts)
    facts.pop("model", None)
    if engine:
        place = place_of(named or document.tree)
        facts["backend"] = Stated(engine, place, "field backendName" if named else "kind")
    return facts, {**variables.settings, **sheet.settings}


def _model(files: Files, described: Node | None) -> Fact:
    hub = at(described, "source", "modelHub")
    uri = files.text(at(described, "source", "uri"))
    if uri is not None:
        local = uri[len("ollama://") :] if uri.value.startswith("ollama://") else uri
        return command_facts.model(local, "field source.uri")
    repository = model(files, hub, "modelID")
    file = plain(at(hub, "filename"))
    if isinstance(repository, Stated) and file:
        return replace(repository, value=f"{repository.value}/{file}")
    return repository


def _flavours(
    described: Node | None, wanted: list[str]
) -> tuple[dict[str, Fact], dict[str, Stated]]:
    found: list[tuple[str, int, Scalar]] = []
    counts: list[Fact] = []
    for flavour in items(at(described, "inferenceConfig", "flavors")):
        name = at(flavour, "name")
        if wanted and plain(name) not in wanted:
            continue
        count = _count(flavour)
        counts.append(count)
        label = gpus.by_labels(flavour)
        known = gpus.named(plain(name))
        type_ = str(label.value) if isinstance(label, Stated) else known[0] if known else ""
        if not type_ or not isinstance(count, Stated) or not isinstance(name, Scalar):
            same = len(counts) == 1
            return {"gpu_count": counts[0] if same else Unknown()}, {}
        found.append((type_, int(count.value), name))
    if not found:
        return {}, {}
    place = found[0][2].place
    origin = "field flavors"
    same = len({count for _, count, _ in found}) == 1
    types = found[0][0] if len(found) == 1 else "|".join(f"{gpu}:{n}" for gpu, n, _ in found)
    facts: dict[str, Fact] = {"gpu": Stated(types, place, origin)}
    facts["gpu_count"] = Stated(found[0][1], place, origin) if same else Unknown()
    return facts, {}


def _count(flavour: Node) -> Fact:
    """`limits`, which early versions called `requests`."""
    for section in ("limits", "requests"):
        for key, _ in entries(at(flavour, section)):
            if gpus.resource(key) is not None:
                return number(at(flavour, section), key)
    return Unknown()
