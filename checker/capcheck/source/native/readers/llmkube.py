"""LLMKube: InferenceService and the Model that it refers to.

The fields are those of the engine that `runtime` names (llama.cpp unless told otherwise);
`extraArgs` come last on the command line. Source: LLMKube inference.llmkube.dev/v1alpha1 API.
"""

from __future__ import annotations

from dataclasses import replace

from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command.facts import Sheet, of_config, with_quant_of_name
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import field, flags, missing, model, quantization
from capcheck.source.native.gpus import by_labels
from capcheck.source.native.pod import environment_of, name_place, number
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Node, Scalar

NAME = "LLMKube InferenceService"

_GROUP = "inference.llmkube.dev"
_ENGINES = {"": "llama.cpp", "llamacpp": "llama.cpp", "vllm": "vllm", "tgi": "tgi"}
_VENDORS = {"amd": "AMD", "rocm": "AMD", "intel": "Intel"}
# A field of llama.cpp's, and the flag that it becomes.
_LLAMA = (
    ("contextSize", "ctx-size"),
    ("parallelSlots", "parallel"),
    ("cacheTypeK", "cache-type-k"),
    ("cacheTypeV", "cache-type-v"),
    ("batchSize", "batch-size"),
    ("uBatchSize", "ubatch-size"),
    ("flashAttention", "flash-attn"),
)


def recognises(document: Document) -> bool:
    """By API group: other groups have an InferenceService too."""
    return document.group == _GROUP


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment; none for a model, router or quota alone."""
    spec = at(document.tree, "spec")
    engine = _ENGINES.get(plain(at(spec, "runtime")), "")
    if document.kind != "InferenceService" or spec is None or not engine:
        return []
    place = place_of(at(spec, "runtime") or document.tree)
    reference = at(spec, "modelRef")
    held = files.find("Model", plain(reference), group=_GROUP) if reference else None
    described = at(held.tree, "spec") if held else None
    sheet = _configured(files, spec, engine)
    extra = command_facts.of_arguments(files.texts(at(spec, "extraArgs")), engine)
    extra.facts.pop("model", None)
    variables = command_facts.of_environment(environment_of(spec, files, document), engine)
    gpu, count = _accelerators(spec, described)
    own: dict[str, Fact] = {
        "backend": Stated(engine, place, "field runtime" if at(spec, "runtime") else "kind"),
        "gpu": gpu,
        "gpu_count": count,
        "replicas": number(spec, "replicas"),
        "model": _model(files, described, engine),
    }
    if held is None and reference is not None:
        own["model"] = missing(reference, "Model")
    facts = merged(own, extra.facts, sheet.facts, variables.facts)
    facts = merged(facts, {"quant": _quantization(files, described)})
    with_quant_of_name(facts)
    return [
        deployment(
            address=document.address(),
            kind=document.kind,
            place=name_place(document),
            facts=facts,
            settings={**variables.settings, **sheet.settings, **extra.settings},
        )
    ]


def _configured(files: Files, spec: Node, engine: str) -> Sheet:
    if engine == "llama.cpp":
        texts = ((flag, files.text(at(spec, key))) for key, flag in _LLAMA)
        return of_config(((flag, text) for flag, text in texts if text is not None), engine)
    sheet = of_config(flags(files, at(spec, f"{engine}Config")), engine)
    sheet.facts.pop("model", None)
    return sheet


def _model(files: Files, described: Node | None, engine: str) -> Fact:
    """`source`, with the file that is taken from a repository of several."""
    source = model(files, described, "source")
    named = [plain(file) for file in items(at(described, "files"))]
    weights = [file for file in named if file and "mmproj" not in file.lower()]
    if not isinstance(source, Stated) or engine != "llama.cpp" or not weights:
        return source
    whole = str(source.value).endswith(".gguf")
    return source if whole else replace(source, value=f"{source.value}/{weights[0]}")


def _quantization(files: Files, described: Node | None) -> Fact:
    stated = field(files, described, "quantization")
    if plain(at(described, "format")).lower() == "gguf" and isinstance(stated, Stated):
        return replace(stated, value=f"gguf:{stated.value}")
    return quantization(files, described, "quantization")


def _accelerators(spec: Node, described: Node | None) -> tuple[Fact, Fact]:
    hardware = at(described, "hardware")
    count = number(at(spec, "resources"), "gpu")
    if isinstance(count, Unknown) and count.place is None:
        count = number(at(hardware, "gpu"), "count")
    kind = at(hardware, "accelerator")
    if plain(kind) == "cpu" and kind is not None:
        return Stated("CPU", kind.place, "field accelerator"), Stated(0, kind.place, "accelerator")
    label = by_labels(spec)
    if isinstance(label, Stated):
        return label, count
    for node in (at(hardware, "gpu", "vendor"), kind):
        if isinstance(node, Scalar) and node.text in _VENDORS:
            return Stated(_VENDORS[node.text], node.place, "field hardware"), count
    return Unknown(), count
