"""Helm values of the ollama chart: `ollama.gpu` and `ollama.models`.

`models.pull` are fetched, `models.run` loaded as well; where several are, which one answers is not
said. Source: otwld/ollama-helm values.yaml.
"""

from __future__ import annotations

from capcheck.source.native.charts import Values, charts, has_chart, is_off, is_on, replicas
from capcheck.source.native.command.facts import of_environment, typed
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown, merged
from capcheck.source.native.gpus import by_labels
from capcheck.source.native.pod import environment_of, number
from capcheck.source.native.tree import Document, Files, at, entries, place_of, plain
from capcheck.source.nodes import Mapping, Node, Sequence

NAME = "Helm values (ollama)"


def recognises(document: Document) -> bool:
    """By the keys."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one server of the chart."""
    return [_deployment(values) for values in charts(document, files, _is_chart)]


def _is_chart(node: Node) -> bool:
    models = at(node, "ollama", "models")
    listed = isinstance(models, Sequence) or any(
        at(models, key) is not None for key in ("pull", "run", "create")
    )
    return listed or isinstance(at(node, "ollama", "gpu"), Mapping)


def _deployment(values: Values) -> NativeDeployment:
    node = values.node
    environment = environment_of(node, values.files, values.document, key="extraEnv")
    sheet = of_environment(environment, "ollama")
    facts: dict[str, Fact] = {
        "backend": Stated("ollama", place_of(at(node, "ollama")), "chart"),
        "replicas": replicas(node),
        "model": _model(values),
    }
    labelled: dict[str, Fact] = {"gpu": by_labels(node)}
    return values.deployment(
        values.key or "ollama",
        facts,
        sheet.facts,
        merged(labelled, _accelerators(at(node, "ollama", "gpu"))),
        settings=sheet.settings,
    )


def _model(values: Values) -> Fact:
    models = at(values.node, "ollama", "models")
    listed = [models] if isinstance(models, Sequence) else [at(models, "run"), at(models, "pull")]
    texts = [text for node in listed if node is not None for text in values.files.texts(node)]
    names = {text.value for text in texts}
    if len(names) > 1:
        return Unknown("several models are pulled", texts[0].place)
    return typed(texts[0], "text", "field ollama.models") if texts else Unknown()


def _accelerators(gpu: Node | None) -> dict[str, Fact]:
    if is_off(gpu):
        place = place_of(at(gpu, "enabled"))
        origin = "field ollama.gpu.enabled"
        return {"gpu": Stated("CPU", place, origin), "gpu_count": Stated(0, place, origin)}
    if not is_on(gpu):
        return {}
    for profile, count in entries(at(gpu, "mig", "devices") if is_on(at(gpu, "mig")) else None):
        name = f"MIG-{profile}"
        return {
            "gpu": Stated(name, count.place, "field mig.devices"),
            "gpu_count": number(at(gpu, "mig", "devices"), profile),
        }
    facts: dict[str, Fact] = {"gpu_count": number(gpu, "number")}
    if plain(at(gpu, "type")) == "amd":
        facts["gpu"] = Stated("AMD", place_of(at(gpu, "type")), "field ollama.gpu.type")
    return facts
