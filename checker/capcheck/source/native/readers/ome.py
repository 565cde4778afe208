"""OME InferenceService: an engine, and a decoder where prefill is apart.

Model and runtime are objects of the cluster; what they say is joined when they stand in the same
files. Source: OME ome.io/v1beta1 API (`engine` prefills where there is a `decoder`).
"""

from __future__ import annotations

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
from capcheck.source.native.pod import (
    Served,
    containers_of,
    facts_of,
    name_place,
    number,
    served,
    times,
)
from capcheck.source.native.tree import Document, Files, at
from capcheck.source.nodes import Node, Scalar

NAME = "OME InferenceService"

_MODELS = ("ClusterBaseModel", "BaseModel")
_RUNTIMES = ("ClusterServingRuntime", "ServingRuntime")


def recognises(document: Document) -> bool:
    """By API group and kind; the runtimes are read beside KServe's."""
    return document.group == "ome.io" and document.kind == "InferenceService"


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment, or one for each role where there is a decoder."""
    spec = at(document.tree, "spec")
    predictor = at(spec, "predictor")
    if predictor is not None:
        return [_role(document, files, predictor, "engineConfig", "")]
    parts = [("engine", "engineConfig"), ("decoder", "decoderConfig")]
    present = [(name, config) for name, config in parts if at(spec, name) is not None]
    return [
        _role(document, files, at(spec, name), config, name if len(present) > 1 else "")
        for name, config in present
    ]


def _role(
    document: Document, files: Files, part: Node | None, config: str, role: str
) -> NativeDeployment:
    spec = at(document.tree, "spec")
    runtime = _object(files, at(spec, "runtime", "name") or at(spec, "runtime"), _RUNTIMES)
    base = at(runtime.tree, "spec", config) if runtime else None
    serving, nodes = _serving(document, files, part)
    if serving is None and runtime is not None:
        serving, nodes = _serving(runtime, files, base or at(runtime.tree, "spec"))
    over: dict[str, Fact] = {
        "model": _model(files, spec),
        "replicas": number(part, "minReplicas"),
    }
    settings: dict[str, Stated] = {}
    facts = dict(over)
    if serving is not None:
        settings.update(serving.reading.settings)
        over["gpu_count"] = times(serving.gpu_count, nodes)
        facts = facts_of(serving, over)
    else:
        reference = at(spec, "runtime", "name")
        if reference is not None:
            facts = merged(facts, {"backend": missing(reference, "ServingRuntime")})
        with_quant_of_name(facts)
    return deployment(
        address=document.address(role),
        kind=document.kind,
        place=name_place(document),
        facts=facts,
        role=role,
        settings=settings,
    )


def _serving(document: Document, files: Files, part: Node | None) -> tuple[Served | None, int]:
    """The pod that serves, and how many of them: a leader has `worker.size` beside it."""
    leader = at(part, "leader")
    pod = leader if leader is not None else part
    if not containers_of(pod):
        return None, 1
    size = number(at(part, "worker"), "size") if leader is not None else Unknown()
    return served(pod, files, document), 1 + (int(size.value) if isinstance(size, Stated) else 0)


def _model(files: Files, spec: Node | None) -> Fact:
    """The storage of the base model that is named."""
    reference = at(spec, "model", "name") or at(spec, "predictor", "model", "baseModel")
    if reference is None:
        return Unknown()
    held = _object(files, reference, _MODELS)
    if held is None:
        return missing(reference, "BaseModel")
    return model(files, at(held.tree, "spec"), "storage", "storageUri")


def _object(files: Files, reference: Node | None, kinds: tuple[str, ...]) -> Document | None:
    if not isinstance(reference, Scalar):
        return None
    found = (files.find(kind, reference.text, group="ome.io") for kind in kinds)
    return next((document for document in found if document is not None), None)
