"""Containers that serve a model beside another one in the same pod: a deployment each.

Readers take the first container that serves. The others are found by reading the object once more
for each, as if the pod had no container but that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from capcheck.source.native.deployment import CONTAINER, OTHER_CONTAINERS, NativeDeployment
from capcheck.source.native.tree import Document, at, items, plain
from capcheck.source.nodes import Mapping, Node
from capcheck.source.nodes import Sequence as SequenceNode

QUERY = "?container="


def with_others(
    found: Sequence[NativeDeployment],
    document: Document,
    read: Callable[[Document], Sequence[NativeDeployment]],
) -> Iterator[NativeDeployment]:
    """The deployments of a document; several of one pod have the container in their addresses."""
    for one in found:
        others = one.settings.get(OTHER_CONTAINERS)
        if others is None:
            yield one
            continue
        yield _addressed(one)
        for name in str(others.value).split(","):
            alone = replace(document, tree=_only(document.tree, name))
            yield from (_addressed(other) for other in read(alone) if other.address == one.address)


def _addressed(one: NativeDeployment) -> NativeDeployment:
    name = one.settings.get(CONTAINER)
    settings = {key: value for key, value in one.settings.items() if key != OTHER_CONTAINERS}
    address = f"{one.address}{QUERY}{name.value}" if name else one.address
    return replace(one, address=address, settings=settings)


def _only(node: Node | None, name: str) -> Node | None:
    """The tree, in which every pod that has a container of this name has no other."""
    if isinstance(node, SequenceNode):
        return replace(node, items=tuple(_only(item, name) or item for item in node.items))
    if not isinstance(node, Mapping):
        return node
    entries = {
        key: replace(entry, value=_only(entry.value, name) or entry.value)
        for key, entry in node.entries.items()
    }
    held = entries.get("containers")
    chosen = tuple(one for one in items(held.value if held else None) if _name(one) == name)
    if held is not None and isinstance(held.value, SequenceNode) and chosen:
        entries["containers"] = replace(held, value=replace(held.value, items=chosen))
    return replace(node, entries=entries)


def _name(container: Node) -> str:
    return plain(at(container, "name"))
