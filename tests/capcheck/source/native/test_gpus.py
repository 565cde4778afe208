"""Names of accelerators in labels, machine types and fields."""

from __future__ import annotations

import csv
from collections import Counter

import pytest
from capcheck.registry.matches import GpuMatch
from capcheck.registry.tables import load
from capcheck.source.native import gpus
from capcheck.source.native.command.flags import DATA


def rows_of(table: str) -> list[dict[str, str]]:
    with (DATA / table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A100-80GB", ("A100-80GB", 1)),
        ("nvidia-h100-80gb", ("H100-80GB", 1)),
        ("NVIDIA L40S", ("L40S", 1)),
        ("h200_sxm", ("H200", 1)),
        ("AMD-Instinct-MI300X-OAM", ("MI300X", 1)),
        ("RTX-PRO-6000", ("RTX PRO 6000", 1)),
        ("RTX4090", ("RTX 4090", 1)),
        ("rtx-4090", ("RTX 4090", 1)),
        ("tpu-v5litepod-8", ("TPU-v5e", 8)),
        ("Intel-GAUDI", ("Gaudi", 1)),
        ("A10g", ("A10G", 1)),
        ("gpu", None),
        ("", None),
    ],
)
def test_names(name: str, expected: tuple[str, int] | None) -> None:
    assert gpus.named(name) == expected


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB", "A100-80GB"),
        ("nvidia.com/gpu.product", "NVIDIA-L4-SHARED", "L4"),
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "MIG-1g.5gb"),
        ("nvidia.com/gpu.product", "Unheard-MIG-1g.5gb", None),
        ("karpenter.k8s.aws/instance-gpu-name", "a100", "A100"),
        ("k8s.amazonaws.com/accelerator", "nvidia-tesla-t4", "T4"),
        ("node.kubernetes.io/instance-type", "G6E.XLARGE", "L40S"),
        ("cloud.google.com/gke-accelerator", "nvidia-l4", "L4"),
        ("workload", "gpu", None),
    ],
)
def test_labels(label: str, value: str, expected: str | None) -> None:
    assert gpus.gpu_of_label(label, value) == expected


@pytest.mark.parametrize(
    ("label", "value", "product"),
    [
        ("cloud.google.com/gke-accelerator", "nvidia-h100-80gb", "H100 80GB SXM"),
        ("nvidia.com/gpu.product", "NVIDIA-A100-80GB-PCIe-SHARED", "A100 80GB PCIe"),
        ("beta.kubernetes.io/instance-type", "Standard_NC24ads_A100_v4", "A100 80GB PCIe"),
        ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", ""),
        ("gpu.nvidia.com/class", "H100", ""),
        ("cloud.google.com/gke-accelerator", "nvidia-l4", ""),
    ],
)
def test_products(label: str, value: str, product: str) -> None:
    assert gpus.product(label, value) == product


@pytest.mark.parametrize(
    ("label", "value", "provider"),
    [
        ("cloud.google.com/gke-accelerator", "nvidia-l4", "gcp"),
        ("karpenter.k8s.aws/instance-gpu-name", "l40s", "aws"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge", "aws"),
        ("node.kubernetes.io/instance-type", "Standard_NC24ads_A100_v4", "azure"),
        ("node.kubernetes.io/instance-type", "gpu-node", ""),
        ("nvidia.com/gpu.product", "NVIDIA-H200", ""),
    ],
)
def test_providers(label: str, value: str, provider: str) -> None:
    assert gpus.provider(label, value) == provider


def test_products_are_of_the_registry_and_of_their_type() -> None:
    registry = load()
    for row in rows_of("gpu_products.csv"):
        type_ = gpus.gpu_of_label(row["label"], row["value"])
        match = registry.gpu(str(type_))
        assert isinstance(match, GpuMatch)
        assert row["product"] in {spec.name for spec in match.variants}, row


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("gpu_labels.csv", ("label", "value")),
        ("gpu_skus.csv", ("sku",)),
        ("gpu_names.csv", ("name",)),
        ("gpu_products.csv", ("label", "value")),
        ("model_catalogues.csv", ("catalogue", "name")),
    ],
)
def test_tables_say_a_thing_once_and_where_from(table: str, keys: tuple[str, ...]) -> None:
    rows = rows_of(table)
    assert all(row["source"] and row["read_on"] for row in rows)
    counts = Counter(tuple(row[key].lower() for key in keys) for row in rows)
    assert [key for key, count in counts.items() if count > 1] == []
