"""Kubernetes objects of roles, each a group of pods with a leader.

RoleBasedGroup and RoleBasedGroupSet (SGLang's operator) and DisaggregatedSet (LeaderWorkerSet's).
A role's pods are patched in the way of Kubernetes: maps merge, lists of named items by name.
"""

from __future__ import annotations

from capcheck.source.native.deployment import Fact, NativeDeployment, Stated
from capcheck.source.native.pod import number, times
from capcheck.source.native.readers.workloads import of_group
from capcheck.source.native.tree import Document, Files, at, items, plain
from capcheck.source.nodes import Entry, Mapping, Node, Sequence

NAME = "Kubernetes role group"

_KINDS = frozenset(("RoleBasedGroup", "RoleBasedGroupSet", "DisaggregatedSet"))
_DEEPEST = 12
_MOST_ROLES = 50


def recognises(document: Document) -> bool:
    """Whether it is one of these kinds; their API groups have changed over time."""
    return document.kind in _KINDS and "/" in plain(at(document.tree, "apiVersion"))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """A deployment for each role that serves."""
    spec = at(document.tree, "spec")
    if document.kind == "DisaggregatedSet":
        group, sets = spec, number(spec, "slices")
    elif document.kind == "RoleBasedGroupSet":
        template = at(spec, "groupTemplate") or at(spec, "template")
        group, sets = at(template, "spec") or template, number(spec, "replicas")
    else:
        group, sets = spec, None
    of_role = _of_leader_worker_set if document.kind == "DisaggregatedSet" else _of_role_based_group
    roles = items(at(group, "roles"))[:_MOST_ROLES]
    return [one for role in roles for one in of_role(document, files, role, sets)]


def _of_leader_worker_set(
    document: Document, files: Files, role: Node, slices: Fact | None
) -> list[NativeDeployment]:
    """Source: DisaggregatedSet API; v1 has a LeaderWorkerSet's spec, v1alpha1 its fields."""
    own = at(role, "spec") or role
    template = at(own, "leaderWorkerTemplate")
    worker = at(template, "workerTemplate", "spec")
    leader = at(template, "leaderTemplate", "spec") or worker
    replicas = _over(number(own, "replicas"), slices)
    size = number(template, "size")
    return of_group(document, files, leader, worker, size, replicas, plain(at(role, "name")))


def _of_role_based_group(
    document: Document, files: Files, role: Node, sets: Fact | None
) -> list[NativeDeployment]:
    """Source: RoleBasedGroup API v1alpha2 (patterns) and v1alpha1 (`leaderWorkerSet`)."""
    group = at(role, "leaderWorkerPattern") or at(role, "standalonePattern")
    patches = ("leaderTemplatePatch", "workerTemplatePatch")
    pod = _pod_of(document, group or role)
    if group is None:
        group = at(role, "leaderWorkerSet")
        patches = ("patchLeaderTemplate", "patchWorkerTemplate")
    leader, worker = (_patched(pod, at(group, patch, "spec")) for patch in patches)
    replicas = _over(number(role, "replicas"), sets)
    size = number(group, "size")
    return of_group(document, files, leader, worker, size, replicas, plain(at(role, "name")))


def _pod_of(document: Document, pattern: Node | None) -> Node | None:
    """A pattern's own pod, or that of the template that it names, with its patch."""
    reference = at(pattern, "templateRef")
    if reference is None:
        return at(pattern, "template", "spec")
    spec = at(document.tree, "spec")
    group = at(spec, "groupTemplate", "spec") or spec
    name = plain(at(reference, "name"))
    for template in items(at(group, "roleTemplates")):
        if name and plain(at(template, "name")) == name:
            return _patched(at(template, "template", "spec"), at(reference, "patch", "spec"))
    return at(reference, "patch", "spec")


def _over(replicas: Fact, sets: Fact | None) -> Fact:
    """The replicas of a role that is made once for each set."""
    return times(replicas, int(sets.value)) if isinstance(sets, Stated) else replicas


def _patched(node: Node | None, patch: Node | None, depth: int = 0) -> Node | None:
    """A node under a strategic merge patch. Source: Kubernetes API conventions."""
    if node is None or patch is None:
        return patch if node is None else node
    if depth > _DEEPEST:
        return patch
    if isinstance(node, Mapping) and isinstance(patch, Mapping):
        merged = dict(node.entries)
        for key, entry in patch.entries.items():
            below = merged[key].value if key in merged else None
            value = _patched(below, entry.value, depth + 1) or entry.value
            merged[key] = Entry(entry.key, value)
        return Mapping(merged, node.place)
    if isinstance(node, Sequence) and isinstance(patch, Sequence) and _are_named(patch):
        return _patched_list(node, patch, depth)
    return patch


def _patched_list(node: Sequence, patch: Sequence, depth: int) -> Sequence:
    by_name = {plain(at(item, "name")): item for item in patch.items}
    merged = [
        _patched(item, by_name.pop(plain(at(item, "name")), None), depth + 1) or item
        for item in node.items
    ]
    return Sequence((*merged, *by_name.values()), node.place)


def _are_named(patch: Sequence) -> bool:
    return all(plain(at(item, "name")) for item in patch.items)
