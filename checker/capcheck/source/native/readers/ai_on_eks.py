"""Helm values of the ai-on-eks-inference-charts chart.

`modelParameters` are the engine's flags in camel case. With `lws-vllm` a replica is as many pods as
there are pipeline stages. Without resources of its own the chart's defaults decide on the GPUs.
Source: awslabs/ai-on-eks blueprints/inference/inference-charts.
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, has_chart
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown
from capcheck.source.native.fields import flags, of_sku
from capcheck.source.native.gpus import requested
from capcheck.source.native.pod import number, times
from capcheck.source.native.tree import Document, Files, at, place_of, plain
from capcheck.source.nodes import Mapping, Node, Scalar

NAME = "Helm values (ai-on-eks inference)"

_ENGINES = {
    "vllm": "vllm",
    "ray-vllm": "vllm",
    "aibrix": "vllm",
    "lws-vllm": "vllm",
    "triton-vllm": "vllm",
    "llama-cpp": "llama.cpp",
}


def recognises(document: Document) -> bool:
    """By the keys."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment of the chart."""
    return [_deployment(values) for values in charts(document, files, _is_chart)]


def _is_chart(node: Node) -> bool:
    named = isinstance(at(node, "model"), Scalar)
    served = isinstance(at(node, "inference", "modelServer"), Mapping)
    return named and served and _framework(node) in _ENGINES


def _framework(node: Node) -> str:
    return plain(at(node, "inference", "framework"))


def _deployment(values: Values) -> NativeDeployment:
    node = values.node
    framework = _framework(node)
    engine = _ENGINES[framework]
    place = place_of(at(node, "inference", "framework"))
    hosted = at(node, "inference", "modelServer", "deployment")
    passed = command_facts.of_config(flags(values.files, at(node, "modelParameters")), engine)
    name = values.text("model")
    facts: dict[str, Fact] = {
        "backend": Stated(engine, place, "field inference.framework"),
        "model": command_facts.model(name, "field model") if name is not None else Unknown(),
        "replicas": number(hosted, "replicas"),
    }
    settings = dict(passed.settings)
    if engine == "llama.cpp":
        # The chart runs it on Graviton and asks for no accelerator.
        facts["gpu"] = Stated("CPU", place, "chart")
        facts["gpu_count"] = Stated(0, place, "chart")
        return values.deployment(values.key or "inference", facts, passed.facts, settings=settings)
    kind = plain(at(node, "inference", "accelerator")) or "gpu"
    asked = requested(at(hosted, "resources", kind))
    facts["gpu"], _ = of_sku(at(hosted, "instanceType"), origin="field instanceType")
    if asked is not None:
        facts["gpu_count"] = asked.count
        if asked.type and isinstance(facts["gpu"], Unknown):
            facts["gpu"] = Stated(asked.type, asked.place, f"resource {asked.resource}")
    stages = passed.facts.get("pp")
    if framework == "lws-vllm" and isinstance(stages, Stated):
        settings["nodes"] = stages
        if asked is not None:
            facts["gpu_count"] = times(asked.count, int(stages.value))
    return values.deployment(
        values.key or "inference", facts, passed.facts, settings=settings, partial=asked is None
    )
