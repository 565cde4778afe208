"""What the values of node labels mean where an organisation says so.

A tree is marked before it is read: whoever finds a label's value then finds its meaning with it.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import replace

from capcheck.records import dataclass
from capcheck.source.nodes import Entry, Mapping, Node, Scalar, Sequence

# The GPU by label and value in lower case.
GpuLabels = MappingOf[tuple[str, str], str]

# The label whose values are machine types, and the fields of other forms that name one.
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
_MACHINES = frozenset(("instanceType", "instance_type", "recipe_node_shape"))
# Keys whose neighbours hold values of the label that they name: node affinity, and llm-d's chart.
_NAMES = (("key", "values"), ("labelKey", "labelValues"), ("labelKey", "labelValue"))


@dataclass(frozen=True, slots=True)
class Labelled(Scalar):
    """A label's value with the GPU that it means."""

    gpu: str = ""


def marked(node: Node, labels: GpuLabels) -> Node:
    """The tree in which every value of a known label says which GPU it means.

    A label is a key with its value, or an expression such as `key` with `values`.
    """
    if isinstance(node, Sequence):
        return replace(node, items=tuple(marked(item, labels) for item in node.items))
    if not isinstance(node, Mapping):
        return node
    entries = {
        key: replace(
            entry, value=_of_label(key, entry.value, labels) or marked(entry.value, labels)
        )
        for key, entry in node.entries.items()
    }
    for name, beside in _NAMES:
        label = entries[name].value if name in entries and beside in entries else None
        if isinstance(label, Scalar):
            entries[beside] = _values(label.text, entries[beside], labels)
    return replace(node, entries=entries)


def _values(label: str, entry: Entry, labels: GpuLabels) -> Entry:
    values = entry.value
    if not isinstance(values, Sequence):
        return replace(entry, value=_of_label(label, values, labels) or values)
    items = tuple(_of_label(label, item, labels) or item for item in values.items)
    return replace(entry, value=replace(values, items=items))


def _of_label(label: str, value: Node, labels: GpuLabels) -> Labelled | None:
    if not isinstance(value, Scalar):
        return None
    known = INSTANCE_TYPE if label in _MACHINES else label
    gpu = labels.get((known, value.text.lower()))
    return Labelled(value.value, value.text, value.place, value.broken, gpu) if gpu else None
