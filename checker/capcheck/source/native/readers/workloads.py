"""Kubernetes objects with a pod template: Deployment, StatefulSet, LeaderWorkerSet and others.

Any kind with a nested pod spec is read, those of KINDS with what their fields mean; the kinds that
other readers know are left to them. An object whose engine container has no image is a patch of
another one and `partial`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
)
from capcheck.source.native.gpus import requested
from capcheck.source.native.pod import (
    Served,
    containers_of,
    every_served,
    facts_of,
    name_place,
    number,
    served,
    times,
    total,
)
from capcheck.source.native.tree import Document, Files, at, entries, items, plain
from capcheck.source.nodes import Mapping, Node, Sequence

Path = tuple[str | int, ...]

NAME = "Kubernetes workload"

# Objects that have a pod template for something that answers no requests.
_NOT_SERVING = frozenset(("CronJob", "PodTemplate", "Workflow", "PipelineRun"))
_LOWEST_SCALE = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")
# Objects whose roles are made once for each of their own replicas. Source: AIBrix StormService API.
_SETS_OF_ROLES = frozenset(("StormService",))


def recognises(document: Document) -> bool:
    """Whether it is a Kubernetes object with a pod spec somewhere in its `spec`."""
    if not document.kind or not plain(at(document.tree, "apiVersion")):
        return False
    return any(True for _ in _pods(at(document.tree, "spec"), ()))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The deployments of one object: one, or one for each role that serves."""
    if document.kind in _NOT_SERVING or (document.kind == "Job" and not _answers(document)):
        return []
    if document.kind == "LeaderWorkerSet":
        return _leader_worker_set(document, files)
    if document.kind in ("RayClusterFleet", "RayClusterReplicaSet", "RayCluster"):
        return _ray_cluster(document, files)
    spec = at(document.tree, "spec")
    found: list[tuple[Path, str, Served]] = []
    for path, pod in _pods(spec, ()):
        several = every_served(pod, files, document)
        found += [(path, name if len(several) > 1 else "", serving) for name, serving in several]
    if len(found) == 1 and not _in_roles(found[0][0]):
        return [_workload(document, found[0][2])]
    alone = len({path for path, _, _ in found}) == 1 and not _in_roles(found[0][0])
    return [
        _of_role(document, path, serving, name if alone else ".".join(filter(None, (role, name))))
        for path, name, serving in found
        for role in (_role(spec, path),)
    ]


def _workload(document: Document, serving: Served) -> NativeDeployment:
    """The only engine of an object.

    A StatefulSet whose engine runs over as many nodes as it has pods is one replica.
    """
    replicas = number(at(document.tree, "spec"), "replicas")
    if document.group == "serving.knative.dev":
        replicas = _lowest_scale(document)
    nodes = serving.reading.settings.get("nodes")
    size = nodes.value if nodes is not None and isinstance(nodes.value, int) else 1
    if document.kind != "StatefulSet" or size < 2 or not isinstance(replicas, Stated):
        return _deployment(document, serving, replicas)
    pods = int(replicas.value)
    if pods == 0 or pods % size:
        return _deployment(document, serving, replicas)
    whole = replace(replicas, value=pods // size)
    return _deployment(document, serving, whole, count=times(serving.gpu_count, size), nodes=size)


def _lowest_scale(document: Document) -> Fact:
    """The replicas that Knative always keeps. Source: Knative, "Configuring scale bounds"."""
    notes = at(document.tree, "spec", "template", "metadata", "annotations")
    found = (number(notes, key, origin=f"annotation {key}") for key in _LOWEST_SCALE)
    return next((fact for fact in found if isinstance(fact, Stated)), Unknown())


def _of_role(document: Document, path: Path, serving: Served, role: str) -> NativeDeployment:
    spec = at(document.tree, "spec")
    group = number(_role_node(spec, path), "podGroupSize")
    nodes = int(group.value) if isinstance(group, Stated) else 1
    replicas = _role_replicas(spec, path)
    if document.kind in _SETS_OF_ROLES and isinstance(replicas, Stated):
        sets = number(spec, "replicas")
        replicas = times(replicas, int(sets.value) if isinstance(sets, Stated) else 1)
    count = times(serving.gpu_count, nodes)
    return _deployment(document, serving, replicas, role=role, count=count, nodes=nodes)


def _answers(document: Document) -> bool:
    """Whether a container of a Job has a port: one that computes something has none."""
    return any(
        items(at(container, "ports"))
        for _, pod in _pods(at(document.tree, "spec"), ())
        for container in containers_of(pod)
    )


def _deployment(
    document: Document,
    serving: Served,
    replicas: Fact,
    *,
    role: str = "",
    count: Fact | None = None,
    nodes: int = 1,
    settings: dict[str, Stated] | None = None,
) -> NativeDeployment:
    over: dict[str, Fact] = {"replicas": replicas}
    if count is not None:
        over["gpu_count"] = count
    facts = facts_of(serving, over)
    patch = serving.container.image is None
    all_settings = {**serving.reading.settings, **(settings or {})}
    if nodes > 1:
        all_settings["nodes"] = Stated(nodes, name_place(document), "pods of a replica")
    return deployment(
        address=document.address(role),
        kind=document.kind,
        place=name_place(document),
        facts=facts,
        expect="partial" if patch else None,
        role=role,
        settings=all_settings,
    )


def _leader_worker_set(document: Document, files: Files) -> list[NativeDeployment]:
    """One replica is a leader and `size - 1` workers; the leader has the engine's command.

    Source: LeaderWorkerSet API (`leaderWorkerTemplate.size` counts the leader, default 1).
    """
    spec = at(document.tree, "spec")
    template = at(spec, "leaderWorkerTemplate")
    worker = at(template, "workerTemplate", "spec")
    leader = at(template, "leaderTemplate", "spec") or worker
    return of_group(
        document, files, leader, worker, number(template, "size"), number(spec, "replicas")
    )


def of_group(
    document: Document,
    files: Files,
    leader: Node | None,
    worker: Node | None,
    size: Fact,
    replicas: Fact,
    role: str = "",
) -> list[NativeDeployment]:
    """The deployment whose replicas are `size` pods each, of which the leader has the command."""
    serving = served(leader, files, document)
    if serving is None:
        return []
    pods = int(size.value) if isinstance(size, Stated) else 1
    followers = _resources_of(worker, serving, files, document)
    count = total((serving.gpu_count, times(followers, pods - 1)))
    if isinstance(size, Unknown) and size.place:
        count = size
    return [_deployment(document, serving, replicas, role=role, count=count, nodes=pods)]


def _ray_cluster(document: Document, files: Files) -> list[NativeDeployment]:
    """A head that starts the engine, and worker groups beside it.

    Source: KubeRay RayCluster API (`headGroupSpec`, `workerGroupSpecs[].replicas`, default 1);
    AIBrix wraps it in a template with replicas of its own.
    """
    spec = at(document.tree, "spec")
    cluster = at(spec, "template", "spec") or spec
    serving = served(at(cluster, "headGroupSpec", "template", "spec"), files, document)
    if serving is None:
        return []
    counts = [serving.gpu_count]
    nodes = 1
    for group in items(at(cluster, "workerGroupSpecs")):
        replicas = number(group, "replicas")
        size = int(replicas.value) if isinstance(replicas, Stated) else 1
        worker = at(group, "template", "spec")
        counts.append(times(_resources_of(worker, serving, files, document), size))
        nodes += size
    replicas = number(spec, "replicas") if cluster is not spec else Unknown()
    return [_deployment(document, serving, replicas, count=total(counts), nodes=nodes)]


def _resources_of(pod: Node | None, like: Served, files: Files, document: Document) -> Fact:
    """The accelerators of a pod that helps the engine without a command of its own."""
    for node in containers_of(pod):
        asked = requested(at(node, "resources"))
        if asked is not None:
            return asked.count
    if isinstance(like.gpu_count, Stated) and like.gpu_count.value == 0:
        return like.gpu_count
    return Unknown()


def _pods(node: Node | None, path: Path) -> Iterator[tuple[Path, Node]]:
    """Every pod spec below a node: a map with a list `containers`, or an OME `runner`."""
    if isinstance(node, Mapping):
        if any(isinstance(at(item, "name"), object) for item in items(at(node, "containers"))):
            yield path, node
            return
        if at(node, "runner", "image") is not None:
            yield path, node
            return
        for key, value in entries(node):
            yield from _pods(value, (*path, key))
    elif isinstance(node, Sequence):
        for position, value in enumerate(node.items):
            yield from _pods(value, (*path, position))


def _in_roles(path: Path) -> bool:
    return any(isinstance(step, int) for step in path)


def _role(spec: Node | None, path: Path) -> str:
    """The name of the list item or map key that a pod spec belongs to."""
    node = spec
    name = ""
    for step in path:
        node = at(node, step)
        if isinstance(step, int):
            name = plain(at(node, "name")) or str(step)
    return name or str(path[0] if path else "")


def _role_node(spec: Node | None, path: Path) -> Node | None:
    """The list item that a pod spec belongs to, else nothing."""
    last = max((place for place, step in enumerate(path) if isinstance(step, int)), default=-1)
    node = spec
    for step in path[: last + 1]:
        node = at(node, step)
    return node if last >= 0 else None


def _role_replicas(spec: Node | None, path: Path) -> Fact:
    """The replicas that stand nearest above a pod spec."""
    node = spec
    found = number(node, "replicas")
    for step in path:
        node = at(node, step)
        nearer = number(node, "replicas")
        found = nearer if isinstance(nearer, Stated) else found
    return found
