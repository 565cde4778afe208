"""Accelerators of a pod: how many by its resources, which by its node labels.

Labels, instance types, resource names and the names that formats have for accelerators are rows of
data/gpu_labels.csv, gpu_skus.csv, gpu_resources.csv and gpu_names.csv. A resource says how many and
whose; only a label, an instance type or a name says which. What of them tells the form factor too
has a row in gpu_products.csv.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.registry.rows import Row, read
from capcheck.source.native.command.flags import DATA
from capcheck.source.native.deployment import Fact, Stated, Unknown
from capcheck.source.native.labels import INSTANCE_TYPE, Labelled
from capcheck.source.native.tree import at, entries, items, plain
from capcheck.source.nodes import Node, Scalar

_INSTANCE_TYPES = (INSTANCE_TYPE, "beta.kubernetes.io/instance-type")
# Their values are names such as `a100` or `nvidia-l4`. Sources: EKS user guide, "Target AI/ML
# workloads to specific nodes with labels"; SkyPilot documentation, "Kubernetes cluster setup";
# CoreWeave documentation, "Node labels".
_NAMES = (
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "k8s.amazonaws.com/accelerator",
    "skypilot.co/accelerator",
    "gpu.nvidia.com/class",
    "gpu.nvidia.com/model",
)
# Labels of a cluster's own whose values are names by what the label is called: `gpu-type`.
_NAMING = re.compile(
    r"(?:^|[/.\-_])(?:gpu|accelerator)(?:[-_.]?(?:type|model|name|product(?:[-_.]name)?|class))?$"
)
_LISTS = frozenset(("In",))
# Clouds by the domain of the labels that they alone set.
_CLOUDS = {
    "cloud.google.com": "gcp",
    "karpenter.k8s.aws": "aws",
    "eks.amazonaws.com": "aws",
    "kubernetes.azure.com": "azure",
}


@dataclass(frozen=True, slots=True)
class Requested:
    """What a container asks for: whose accelerators (empty: NVIDIA's), and how many."""

    type: str
    count: Fact
    resource: str
    place: Place


def requested(resources: Node | None, *, plain_gpu: bool = False) -> Requested | None:
    """The accelerators among a container's limits and requests.

    `plain_gpu` accepts the key `gpu` as well, which means NVIDIA's to Dynamo.
    """
    for section in ("limits", "requests"):
        for key, value in entries(at(resources, section)):
            row = resource(key)
            if row is None and not (plain_gpu and key == "gpu"):
                continue
            count = _count(value, f"{section} {key}")
            if isinstance(count, Stated) and count.value == 0:
                continue
            type_ = row["gpu"] if row else ""
            if type_ == "MIG":
                type_ = f"MIG-{key.rpartition('mig-')[2]}"
            return Requested(type_, count, key, value.place)
    return None


def by_labels(pod: Node | None) -> Stated | Unknown:
    """The GPU that a pod spec's node selector or node affinity fixes.

    Several values that mean different GPUs are alternatives, joined by `|`.
    """
    return _of_labels(_labels(pod))


def by_terms(terms: Node | None) -> Stated | Unknown:
    """The GPU that a list of `nodeSelectorTerms` fixes."""
    return _of_labels(_expressions(terms))


def _of_labels(labels: Iterator[tuple[str, tuple[Scalar, ...]]]) -> Stated | Unknown:
    for label, values in labels:
        found: dict[str, Scalar] = {}
        for value in values:
            gpu = gpu_of(label, value)
            if gpu is None:
                found = {}
                break
            found.setdefault(gpu, value)
        if found:
            place = next(iter(found.values())).place
            return Stated(
                "|".join(found),
                place,
                f"label {label}",
                product=_only(_shipped(product, label, value) for value in values),
                provider=_only(_shipped(provider, label, value) for value in values),
                machine=_only(_shipped(_machine, label, value) for value in values),
            )
    return Unknown()


def _shipped(of: Callable[[str, str], str], label: str, value: Scalar) -> str:
    """What the shipped tables say of a label's value; nothing of an organisation's own."""
    return "" if isinstance(value, Labelled) else of(label, plain(value))


def _machine(label: str, value: str) -> str:
    return value if label in _INSTANCE_TYPES else ""


def _only(names: Iterator[str]) -> str:
    several = set(names)
    return several.pop() if len(several) == 1 else ""


def product(label: str, value: str) -> str:
    """The product that a label's value or, under its label, a machine type means; empty: unsaid."""
    label = INSTANCE_TYPE if label in _INSTANCE_TYPES else label
    return _product_table().get((label, value.removesuffix("-SHARED").lower()), "")


def gpu_of(label: str, value: Node | None) -> str | None:
    """The GPU that the value of a node label names, first by the organisation's own meanings."""
    return value.gpu if isinstance(value, Labelled) else gpu_of_label(label, plain(value))


def gpu_of_label(label: str, value: str) -> str | None:
    """The GPU that a node label's value names.

    GPU feature discovery adds `-SHARED` to a product that is time-sliced and `-MIG-<profile>` to
    one that is partitioned into equal slices.
    """
    if label in _INSTANCE_TYPES:
        sku = of_sku(value)
        return sku[0] if sku else None
    if label in _NAMES:
        known = named(value)
        return known[0] if known else None
    product, mig, profile = value.partition("-MIG-")
    product = product.removesuffix("-SHARED")
    known_product = _label_table().get((label, product.lower()))
    if known_product is None and _NAMING.search(label.lower()) and (known := named(product)):
        known_product = known[0]
    return f"MIG-{profile}" if mig and known_product else known_product


def provider(label: str, value: str) -> str:
    """The cloud whose label or, under its label, machine type that is; empty: anybody's."""
    if label in _INSTANCE_TYPES:
        row = _sku(value)
        return row["provider"] if row else ""
    return _CLOUDS.get(label.partition("/")[0], "")


def of_sku(name: str) -> tuple[str, int] | None:
    """The GPU and the number of them that a cloud's machine type has."""
    row = _sku(name)
    return (row["gpu"], int(row["count"])) if row else None


def named(name: str) -> tuple[str, int] | None:
    """The accelerator that a name such as `nvidia-h100-80gb` or `A100-80GB` means, and how many.

    Only names of slices (`tpu-v6e-8`) mean more than one.
    """
    plain_name = re.sub(r"[\s_]", "-", name.strip().lower().rstrip("!"))
    plain_name = _TI.sub("ti", _MAKER.sub("", plain_name).replace("rtx-", "rtx"))
    return _name_table().get(plain_name)


_MAKER = re.compile(
    r"^(?:nvidia-gpu-|nvidia-|amd-gpu-|amd-instinct-|amd-|intel-|google-|tesla-|geforce-)+"
)


_TI = re.compile(r"(?<=\d)-ti$")
# Anyscale names the accelerators behind the type: `a2-highgpu-4g-nvidia-a100-40gb-4`.
_ATTACHED = re.compile(r"-nvidia-.*$")


def _labels(pod: Node | None) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    for label, value in entries(at(pod, "nodeSelector")):
        if isinstance(value, Scalar):
            yield label, (value,)
    required = at(
        pod,
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    )
    yield from _expressions(required)


def _expressions(terms: Node | None) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    for term in items(terms):
        for expression in items(at(term, "matchExpressions")):
            if plain(at(expression, "operator")) in _LISTS:
                values = items(at(expression, "values"))
                scalars = tuple(value for value in values if isinstance(value, Scalar))
                yield plain(at(expression, "key")), scalars


def _count(value: Node, origin: str) -> Fact:
    if not isinstance(value, Scalar):
        return Unknown()
    if value.text.isascii() and value.text.isdigit() and len(value.text) < 6:
        return Stated(int(value.text), value.place, origin)
    return Unknown(f"the number of accelerators is {value.text[:40]!r}", value.place)


def resource(key: str) -> dict[str, str] | None:
    """The row of a resource name such as `nvidia.com/gpu`."""
    for row in _resource_table():
        if fnmatchcase(key, row["resource"]):
            return row
    return None


@cache
def _resource_table() -> tuple[dict[str, str], ...]:
    return tuple(dict(row) for row in read(DATA / "gpu_resources.csv"))


@cache
def _label_table() -> dict[tuple[str, str], str]:
    rows = read(DATA / "gpu_labels.csv")
    return {(row["label"], row["value"].lower()): row["gpu"] for row in rows}


@cache
def _product_table() -> dict[tuple[str, str], str]:
    rows = read(DATA / "gpu_products.csv")
    return {(row["label"], row["value"].lower()): row["product"] for row in rows}


@cache
def _name_table() -> dict[str, tuple[str, int]]:
    rows = read(DATA / "gpu_names.csv")
    return {row["name"]: (row["gpu"], int(row["count"] or 1)) for row in rows}


def _sku(name: str) -> Row | None:
    return _sku_table().get(_ATTACHED.sub("", name.lower()))


@cache
def _sku_table() -> dict[str, Row]:
    return {row["sku"].lower(): row for row in read(DATA / "gpu_skus.csv")}
