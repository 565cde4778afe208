"""Ray Serve LLM: a Serve configuration, inside a RayService or an Anyscale service, or by itself.

An application of `ray.serve.llm` names its models by `args.llm_configs`; any other application is
somebody's program, of which only the variables that it is given are known. GPUs of a replica are
tensor times pipeline parallel size. Sources: Ray documentation, "Serving LLMs" and
`ray.serve.llm.LLMConfig`; KubeRay ray.io/v1 RayService API.
"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.source.native import gpus
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import of_sku
from capcheck.source.native.gpus import Requested, by_labels, requested
from capcheck.source.native.pod import containers_of
from capcheck.source.native.ray_llm import BY_SIZES, of_config, of_program
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Node, Scalar

NAME = "Ray Serve"

# Source: AWS Neuron device plugin; `aws.amazon.com/neuroncore` counts the cores.
_DEVICES_OF_CORES = frozenset(("aws.amazon.com/neuron", "aws.amazon.com/neurondevice"))
_ROLES = (("prefill_config", "prefill"), ("decode_config", "decode"))


def recognises(document: Document) -> bool:
    """By API group and kind, or by `applications` that have an `import_path`."""
    if document.kind:
        return document.group == "ray.io" and document.kind == "RayService"
    applications = items(at(document.tree, "applications"))
    return any(at(application, "import_path") is not None for application in applications)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each model of each application."""
    configuration = document.tree
    workers: tuple[Node, ...] = ()
    if document.kind:
        written = at(document.tree, "spec", "serveConfigV2")
        configuration = files.embedded(written) if isinstance(written, Scalar) else written
        workers = tuple(_workers(document.tree))
    return [
        found
        for application in items(at(configuration, "applications"))
        for found in _application(document, files, application, workers)
    ]


def _application(
    document: Document, files: Files, application: Node, workers: tuple[Node, ...]
) -> Iterator[NativeDeployment]:
    arguments = at(application, "args")
    single = at(arguments, "llm_config")
    configs = items(at(arguments, "llm_configs")) or ((single,) if single is not None else ())
    for config in configs:
        yield _model(document, files, config, workers, "")
    roles = [(at(arguments, key), role) for key, role in _ROLES]
    for part, role in roles:
        if part is not None:
            yield _model(document, files, part, workers, role)
    if configs or any(part is not None for part, _ in roles):
        return
    program = of_program(application, files, service=None if document.kind else document.tree)
    if program is not None:
        name = plain(at(application, "name")) or plain(at(application, "import_path"))
        facts, settings = program
        yield _deployment(document, application, facts, settings, workers, name, "")


def _model(
    document: Document, files: Files, config: Node, workers: tuple[Node, ...], role: str
) -> NativeDeployment:
    facts, settings = of_config(config, files)
    identity = plain(at(config, "model_loading_config", "model_id")) or plain(config)
    shown = role or f"llm_configs[{identity}]"
    return _deployment(document, config, facts, settings, workers, shown, role)


def _deployment(
    document: Document,
    node: Node,
    facts: dict[str, Fact],
    settings: dict[str, Stated],
    workers: tuple[Node, ...],
    shown: str,
    role: str,
) -> NativeDeployment:
    wanted = facts.get("gpu", Unknown())
    if isinstance(wanted, Unknown):
        wanted = _anyscale_gpu(document.tree)
    found = {
        **facts,
        "gpu": _gpu(wanted, workers),
        "gpu_count": _count(facts.get("gpu_count", Unknown()), workers),
    }
    address = document.address(shown) if document.kind else shown
    return deployment(
        address=address,
        kind=document.kind or NAME,
        place=place_of(node),
        facts=merged(found),
        role=role,
        settings=settings,
    )


def _workers(tree: Node | None) -> Iterator[Node]:
    """The pod specs of the worker groups that have accelerators."""
    cluster = at(tree, "spec", "rayClusterConfig")
    for group in items(at(cluster, "workerGroupSpecs")):
        pod = at(group, "template", "spec")
        if pod is not None and _asked(pod) is not None:
            yield pod


def _anyscale_gpu(tree: Node | None) -> Fact:
    """The GPU of the worker nodes of an Anyscale service, where all have the same."""
    found: list[Fact] = []
    for worker in items(at(tree, "compute_config", "worker_nodes")):
        found.append(of_sku(at(worker, "instance_type"), origin="field instance_type")[0])
        wanted = at(worker, "required_labels", "ray.io/accelerator-type")
        known = gpus.named(plain(wanted)) if wanted is not None else None
        if wanted is not None and known is not None:
            found.append(Stated(known[0], wanted.place, "label ray.io/accelerator-type"))
    stated = [gpu for gpu in found if isinstance(gpu, Stated)]
    return stated[0] if stated and len({gpu.value for gpu in stated}) == 1 else Unknown()


def _asked(pod: Node) -> Requested | None:
    found = (requested(at(container, "resources")) for container in containers_of(pod))
    return next((asked for asked in found if asked is not None), None)


def _kind(workers: tuple[Node, ...]) -> Fact:
    """The accelerator that a resource's name says, where all workers ask for that resource."""
    asked = [one for pod in workers if (one := _asked(pod)) is not None]
    same = len({one.type for one in asked}) == 1 and asked[0].type
    return (
        Stated(asked[0].type, asked[0].place, f"resource {asked[0].resource}")
        if same
        else Unknown()
    )


def _gpu(wanted: Fact, workers: tuple[Node, ...]) -> Fact:
    """`accelerator_type`, or what the workers' node labels say where they all say one thing.

    The labels also tell the memory of an `A100`.
    """
    labels = [label for pod in workers if isinstance(label := by_labels(pod), Stated)]
    same = len(labels) == len(workers) and len({label.value for label in labels}) == 1
    if not labels or not same:
        return wanted if isinstance(wanted, Stated) or labels else _kind(workers)
    if isinstance(wanted, Stated):
        finer = str(labels[0].value).startswith(f"{wanted.value}-")
        return labels[0] if finer else wanted
    return labels[0]


def _count(known: Fact, workers: tuple[Node, ...]) -> Fact:
    """One GPU where no worker has more; which of several a replica takes, only sizes tell.

    Sizes count the cores of Neuron devices, of which a device has several, but pods ask for those.
    """
    asked = [one for pod in workers if (one := _asked(pod)) is not None]
    of_cores = any(one.resource in _DEVICES_OF_CORES for one in asked)
    if isinstance(known, Stated) and not (of_cores and known.origin == BY_SIZES):
        return known
    if isinstance(known, Unknown) and known.place:
        return known
    if asked and all(isinstance(one.count, Stated) and one.count.value == 1 for one in asked):
        return asked[0].count
    return Unknown() if of_cores else known
