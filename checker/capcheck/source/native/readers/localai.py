"""LocalAI's model files, and entries of its gallery (`config_file` holds the same as a string).

Source: LocalAI "Model configuration": `backend`, `parameters.model`, `context_size`, and the keys
that its vLLM backend takes.
"""

from __future__ import annotations

from capcheck.source.native import command_line
from capcheck.source.native.charts import Values, fields
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.tree import Document, Files, at, plain
from capcheck.source.nodes import Mapping, Node, Scalar

NAME = "LocalAI model"

_ENGINES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "llama": "llama.cpp",
    "llama-cpp": "llama.cpp",
    "llama.cpp": "llama.cpp",
}
_FIELDS = {
    "context_size": ("max_model_len", "integer"),
    "max_model_len": ("max_model_len", "integer"),
    "tensor_parallel_size": ("tp", "integer"),
    "gpu_memory_utilization": ("gpu_memory_utilization", "number"),
    "quantization": ("quant", "text"),
    "cache_type_k": ("kv_cache_dtype", "text"),
    "gpu_layers": ("gpu_layers", "text"),
    "dtype": ("dtype", "text"),
}
_TELLING = ("context_size", "template", "stopwords", "known_usecases", "f16", "mmap", "function")


def recognises(document: Document) -> bool:
    """By the keys of a model file, or a gallery's `config_file`."""
    tree = document.tree
    if document.kind or not isinstance(tree, Mapping):
        return False
    if isinstance(at(tree, "config_file"), Scalar):
        return "parameters:" in plain(at(tree, "config_file"))
    telling = any(at(tree, key) is not None for key in _TELLING)
    return telling and isinstance(at(tree, "parameters"), Mapping) and bool(plain(at(tree, "name")))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one model; none where it neither has a known engine nor a model file."""
    tree = document.tree
    inner = files.embedded(at(tree, "config_file")) if at(tree, "config_file") else tree
    if inner is None:
        return []
    values = Values(document, files, inner)
    sheet = fields(values, inner, _FIELDS)
    own = fields(values, at(inner, "parameters"), {"model": ("model", "text")})
    facts = merged(own.facts, {"backend": _backend(inner, own.facts.get("model"))}, sheet.facts)
    with_quant_of_name(facts)
    if not isinstance(facts["backend"], Stated) and "model" not in facts:
        return []
    return [
        deployment(
            address=plain(at(tree, "name")) or command_line.base_name(document),
            kind=NAME,
            place=document.place,
            facts=facts,
            settings=sheet.settings,
        )
    ]


def _backend(inner: Node, model: Fact | None) -> Fact:
    backend = at(inner, "backend")
    if backend is None and isinstance(model, Stated) and str(model.value).endswith(".gguf"):
        return Stated("llama.cpp", model.place, "file of the model")
    if backend is None:
        return Unknown("LocalAI chooses the backend by the model's file")
    engine = _ENGINES.get(plain(backend).lower())
    if engine is None:
        return Unknown(f"the backend {plain(backend)[:40]!r} is not known", backend.place)
    return Stated(engine, backend.place, "field backend")
