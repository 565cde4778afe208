"""Helm values of KubeAI's models chart: a catalogue whose entries are Models when `enabled`.

Source: KubeAI charts/models values.yaml; an entry has the fields of a Model.
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, has_chart, is_on
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.command.facts import of_arguments, of_environment
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.gpus import by_labels, requested
from capcheck.source.native.pod import environment_of, number, times
from capcheck.source.native.tree import Document, Files, at, entries, items, key_place, plain
from capcheck.source.nodes import Mapping, Node

NAME = "Helm values (KubeAI models)"

_ENGINES = {"vllm": "vllm", "ollama": "ollama"}


def recognises(document: Document) -> bool:
    """By the keys: `catalog.<name>.url` beside `engine`."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each entry that is enabled; without one, that nothing is deployed."""
    found: list[NativeDeployment] = []
    for values in charts(document, files, _is_chart):
        whole = is_on(at(values.node, "all"))
        for name, entry in entries(at(values.node, "catalog")):
            deployed = _entry(values, name, entry) if whole or is_on(entry) else None
            found += [deployed] if deployed is not None else []
    if found:
        return found
    return [
        deployment(
            address="catalog.*",
            kind=document.kind or "Helm values",
            place=document.place,
            facts={},
            expect="none",
        )
    ]


def _is_chart(node: Node) -> bool:
    catalogue = at(node, "catalog")
    return isinstance(catalogue, Mapping) and any(
        at(entry, "url") is not None and at(entry, "engine") is not None
        for _, entry in entries(catalogue)
    )


def _entry(values: Values, name: str, entry: Node) -> NativeDeployment | None:
    engine = at(entry, "engine")
    backend = _ENGINES.get(plain(engine).lower())
    features = {plain(feature) for feature in items(at(entry, "features"))}
    if engine is None or backend is None or (features and "TextGeneration" not in features):
        return None
    passed = of_arguments(values.files.texts(at(entry, "args")), backend)
    variables = of_environment(environment_of(entry, values.files, values.document), backend)
    url = values.files.text(at(entry, "url"))
    facts: dict[str, Fact] = {
        "backend": Stated(backend, engine.place, "field engine"),
        "replicas": number(entry, "minReplicas"),
    }
    if url is not None:
        tag = url[len("ollama://") :] if url.value.startswith("ollama://") else url
        facts["model"] = model_fact(tag, "field url")
    return values.deployment(
        f"catalog.{name}",
        merged(facts, _accelerators(values, entry)),
        passed.facts,
        variables.facts,
        settings={**variables.settings, **passed.settings},
        place=key_place(at(values.node, "catalog"), name) or entry.place,
    )


def _accelerators(values: Values, entry: Node) -> dict[str, Fact]:
    """`resourceProfile: <name>:<count>`; what a profile is stands in the operator's own values."""
    node = at(entry, "resourceProfile")
    name, _, count = plain(node).rpartition(":")
    if node is None or not (count.isascii() and count.isdigit() and len(count) < 6):
        return {}
    origin = "field resourceProfile"
    if name == "cpu":
        return {
            "gpu": Stated("CPU", node.place, origin),
            "gpu_count": Stated(0, node.place, origin),
        }
    for document in values.files.documents:
        profile = at(document.tree, "resourceProfiles", name)
        asked, label = requested(profile), by_labels(profile)
        if asked is not None:
            return {"gpu": label, "gpu_count": times(asked.count, int(count))}
    reason = f"the chart's values say what the resource profile {name[:60]!r} means"
    return {"gpu": Unknown(reason), "gpu_count": Stated(int(count), node.place, origin)}
