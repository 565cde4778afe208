"""NVIDIA Dynamo: DynamoGraphDeploymentRequest, v1alpha1 and v1beta1.

It names a model and what is expected of it; a profiler then plans the deployment, so `expect` is
always `partial`. SLA and workload become settings (`ttft_ms`, `itl_ms`, `isl` ...), neither with a
percentile. Source: Dynamo documentation, "DynamoGraphDeploymentRequest Reference".
"""

from __future__ import annotations

from capcheck.source.native import gpus
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Remark,
    Stated,
    Unknown,
    deployment,
)
from capcheck.source.native.fields import field, model
from capcheck.source.native.pod import name_place
from capcheck.source.native.tree import Document, Files, at, plain
from capcheck.source.nodes import Node

NAME = "DynamoGraphDeploymentRequest"

_ENGINES = ("vllm", "sglang", "trtllm")
# Setting, and where v1beta1 and v1alpha1 have it (below `profilingConfig.config`).
_SETTINGS = (
    ("ttft_ms", ("sla", "ttft"), "number"),
    ("itl_ms", ("sla", "itl"), "number"),
    ("e2e_latency_ms", ("sla", "e2eLatency"), "number"),
    ("isl", ("workload", "isl"), "integer"),
    ("osl", ("workload", "osl"), "integer"),
    ("isl", ("sla", "isl"), "integer"),
    ("osl", ("sla", "osl"), "integer"),
    ("request_rate", ("workload", "requestRate"), "number"),
    ("concurrency", ("workload", "concurrency"), "number"),
    ("total_gpus", ("hardware", "totalGpus"), "integer"),
    ("gpus_per_node", ("hardware", "numGpusPerNode"), "integer"),
    ("gpus_per_node", ("hardware", "num_gpus_per_node"), "integer"),
    ("search_strategy", ("searchStrategy",), "text"),
    ("model_pvc", ("modelCache", "pvcName"), "text"),
    ("model_pvc_path", ("modelCache", "pvcModelPath"), "text"),
)
_GPU = (("hardware", "gpuSku"), ("sweep", "aic_system"), ("sweep", "aicSystem"))


def recognises(document: Document) -> bool:
    """By API group and kind."""
    return document.group == "nvidia.com" and document.kind == "DynamoGraphDeploymentRequest"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment that it asks for."""
    spec = at(document.tree, "spec")
    parts = (spec, at(spec, "profilingConfig", "config"))
    facts: dict[str, Fact] = {"gpu": _gpu(parts), "model": _model(files, spec)}
    engine = at(spec, "backend")
    if engine is not None and plain(engine) in _ENGINES:
        facts["backend"] = Stated(plain(engine), engine.place, "field backend")
    settings: dict[str, Stated] = {}
    for part in parts:
        for name, path, type_ in _SETTINGS:
            fact = field(files, part, *path, type_=type_)
            if isinstance(fact, Stated):
                settings.setdefault(name, fact)
    with_quant_of_name(facts)
    place = name_place(document)
    return [
        deployment(
            address=document.address(),
            kind=document.kind,
            place=place,
            facts=facts,
            expect="partial",
            settings=settings,
            remarks=(Remark(place, "Dynamo's profiler plans it: check what it generates"),),
        )
    ]


def _model(files: Files, spec: Node | None) -> Fact:
    """`model`; early versions named it `modelName`."""
    found = model(files, spec, "model")
    return found if found != Unknown() else model(files, spec, "modelName")


def _gpu(parts: tuple[Node | None, ...]) -> Fact:
    for part in parts:
        for path in _GPU:
            node = at(part, *path)
            known = gpus.named(plain(node)) if node is not None else None
            if node is not None and known is not None:
                return Stated(known[0], node.place, f"field {'.'.join(path)}")
    return Unknown()
