"""Helm values of the vLLM production stack: `servingEngineSpec.modelSpec`.

Every entry is a Deployment of vLLM. `vllmConfig.extraArgs` stand behind the chart's own flags, and
the later of two wins. Source: vllm-project/production-stack helm/values.yaml and templates.
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, fields, has_chart, is_off, is_on
from capcheck.source.native.command import programs
from capcheck.source.native.command.facts import of_arguments
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
)
from capcheck.source.native.gpus import by_terms, resource
from capcheck.source.native.pod import number, times, total
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Node, Scalar, Sequence

NAME = "Helm values (vllm production-stack)"

_CONFIG = {
    "tensorParallelSize": ("tp", "integer"),
    "pipelineParallelSize": ("pp", "integer"),
    "maxModelLen": ("max_model_len", "length"),
    "gpuMemoryUtilization": ("gpu_memory_utilization", "number"),
    "maxNumSeqs": ("max_num_seqs", "integer"),
    "maxNumBatchedTokens": ("max_num_batched_tokens", "integer"),
    "kvCacheDtype": ("kv_cache_dtype", "text"),
    "quantization": ("quant", "text"),
    "dtype": ("dtype", "text"),
    "maxLoras": ("max_loras", "integer"),
}


def recognises(document: Document) -> bool:
    """By the keys."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each entry of `modelSpec` that is not switched off."""
    return [
        _deployment(values, entry)
        for values in charts(document, files, _is_chart)
        if not _is_disabled(at(values.node, "servingEngineSpec", "enableEngine"))
        for entry in items(at(values.node, "servingEngineSpec", "modelSpec"))
        if not is_off(entry)
    ]


def _is_chart(node: Node) -> bool:
    return isinstance(at(node, "servingEngineSpec", "modelSpec"), Sequence)


def _is_disabled(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is False


def _deployment(values: Values, entry: Node) -> NativeDeployment:
    config = at(entry, "vllmConfig")
    extra = of_arguments(values.files.texts(at(config, "extraArgs")), "vllm")
    sheet = fields(values, config, _CONFIG)
    own = fields(values, entry, {"modelURL": ("model", "text")})
    facts: dict[str, Fact] = {
        "backend": Stated("vllm", place_of(entry), "chart"),
        "replicas": _replicas(entry),
        "gpu": _gpu(values, entry),
        "gpu_count": number(entry, "requestGPU"),
    }
    if is_on(at(entry, "raySpec")):
        facts.update(_ray_cluster(entry))
    return values.deployment(
        f"modelSpec[{plain(at(entry, 'name'))}]",
        own.facts,
        extra.facts,
        sheet.facts,
        facts,
        settings={**sheet.settings, **extra.settings},
        place=place_of(at(entry, "name") or entry),
    )


def _ray_cluster(entry: Node) -> dict[str, Fact]:
    """One Ray cluster serves: a head with GPUs of its own, and `replicaCount` workers."""
    head = number(at(entry, "raySpec", "headNode"), "requestGPU")
    worker, workers = number(entry, "requestGPU"), number(entry, "replicaCount")
    ray = at(entry, "raySpec")
    count: Fact = Unknown()
    if isinstance(workers, Stated):
        count = total((head, times(worker, int(workers.value))))
    if isinstance(count, Unknown):
        count = Unknown("head and workers of a Ray cluster have GPUs of their own", place_of(ray))
    return {"gpu_count": count, "replicas": Stated(1, place_of(ray), "field raySpec")}


def _replicas(entry: Node) -> Fact:
    keda = at(entry, "keda")
    return number(keda, "minReplicaCount") if is_on(keda) else number(entry, "replicaCount")


def _gpu(values: Values, entry: Node) -> Fact:
    for where in (entry, at(values.node, "servingEngineSpec")):
        labelled = by_terms(at(where, "nodeSelectorTerms"))
        if isinstance(labelled, Stated):
            return labelled
    requested = at(entry, "requestGPUType")
    row = resource(plain(requested))
    image = at(entry, "repository")
    built = programs.image(plain(image)) if image is not None else None
    if requested is None and image is not None and built is not None and built.device:
        return Stated(built.device, image.place, "image")
    if requested is None or row is None or not row["gpu"]:
        return Unknown()
    name = plain(requested)
    gpu = f"MIG-{name.rpartition('mig-')[2]}" if row["gpu"] == "MIG" else row["gpu"]
    return Stated(gpu, requested.place, "field requestGPUType")
