"""Helm values of the charts vllm-kserve and llm-d-kserve, which write KServe's objects with vLLM.

An `oci://` model by itself is such a chart's too: KServe alone mounts a model's container. Without
resources of its own the chart's defaults decide on the GPUs. Source: redhat-ai-services/helm-charts
charts/vllm-kserve and charts/llm-d-kserve.
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, has_chart
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.command.facts import of_arguments
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown
from capcheck.source.native.gpus import by_labels, requested
from capcheck.source.native.pod import number, times
from capcheck.source.native.tree import Document, Files, at, place_of, plain
from capcheck.source.nodes import Node

NAME = "Helm values (KServe vllm)"

_KEYS = ("deploymentMode", "servingTopology", "servingRuntime", "inferenceService", "multiNode")


def recognises(document: Document) -> bool:
    """By the keys."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment of the chart."""
    return [_deployment(values) for values in charts(document, files, _is_chart)]


def _is_chart(node: Node) -> bool:
    uri = at(node, "model", "uri")
    known = any(at(node, key) is not None for key in _KEYS)
    return uri is not None and (known or plain(uri).startswith("oci://"))


def _deployment(values: Values) -> NativeDeployment:
    node = values.node
    uri = values.text("model", "uri")
    listed = (at(node, "model", "args"), at(node, "args"), at(node, "vllm", "additionalArguments"))
    arguments = next((texts for one in listed if (texts := values.files.texts(one))), ())
    passed = of_arguments(arguments, "vllm")
    asked = requested(at(node, "resources")) or requested(at(node, "vllm", "resources"))
    replicas = number(at(node, "scaling"), "minReplicas")
    facts: dict[str, Fact] = {
        "backend": Stated("vllm", place_of(at(node, "model")), "chart"),
        "model": model_fact(uri, "field model.uri") if uri is not None else Unknown(),
        "gpu": by_labels(node),
        "replicas": replicas
        if isinstance(replicas, Stated)
        else number(at(node, "vllm"), "replicaCount"),
    }
    if asked is not None:
        facts["gpu_count"] = asked.count
        if asked.type and isinstance(facts["gpu"], Unknown):
            facts["gpu"] = Stated(asked.type, asked.place, f"resource {asked.resource}")
    settings = dict(passed.settings)
    several = at(node, "multiNode")
    for name, key in (("tp", "tensorParallelSize"), ("pp", "pipelineParallelSize")):
        stated = number(several, key)
        if isinstance(stated, Stated):
            facts[name] = stated
    nodes = facts.get("pp")
    if asked is not None and isinstance(nodes, Stated):
        facts["gpu_count"] = times(asked.count, int(nodes.value))
        settings["nodes"] = nodes
    return values.deployment(
        values.key or ("vllm-kserve" if at(node, "vllm") is None else "llm-d-kserve"),
        facts,
        passed.facts,
        settings=settings,
        partial=asked is None,
    )
