"""The answer key, where it is at hand: shares that must not fall."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[4]
CORPUS = ROOT.parent / "shared" / "corpus"
# Kinds that a reader exists for, and the least share of their stated facts that it gets right.
FLOORS = {
    "k8s Deployment": 0.97,
    "kustomize": 0.97,
    "LeaderWorkerSet": 0.97,
    "AIBrix RayClusterFleet": 0.97,
    "KServe": 0.97,
    "OpenShift Template": 0.97,
    "OME ClusterServingRuntime": 0.97,
    "Flux HelmRelease": 0.97,
    "DynamoGraphDeployment": 0.95,
    **dict.fromkeys(("KubeAI Model", "KAITO", "NIM Operator", "production-stack", "LLMKube"), 0.97),
    **dict.fromkeys(("llmaz", "Nebari", "KubeRay RayService", "SkyPilot", "dstack"), 0.97),
    **dict.fromkeys(("OCI AI Blueprint", "BentoML", "Terraform", "Helm template"), 0.97),
}


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("native", ROOT / "benchmarks" / "native.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["native"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def counts(benchmark: ModuleType) -> dict[str, Counter[str]]:
    if not CORPUS.is_dir():
        pytest.skip(f"the answer key is not at {CORPUS}")
    found: dict[str, Counter[str]] = {}
    for cell in benchmark.outcomes(CORPUS):
        name = "expect " if cell.field == "expect" else ""
        found.setdefault(cell.kind, Counter())[name + cell.result] += 1
    return found


@pytest.mark.parametrize("kind", FLOORS)
def test_facts_of_a_kind(counts: dict[str, Counter[str]], kind: str) -> None:
    total = sum((counter for name, counter in counts.items() if name.startswith(kind)), Counter())
    stated = total["right"] + total["missing"] + total["wrong"]
    assert total["right"] >= FLOORS[kind] * stated
    assert total["wrong"] <= 0.005 * stated
    asked = total["expect right"] + total["expect missing"] + total["expect wrong"]
    assert total["expect right"] >= 0.9 * asked


def test_wrong_facts_of_all_kinds_are_rare(counts: dict[str, Counter[str]]) -> None:
    total = sum(counts.values(), Counter())
    assert total["wrong"] <= 0.005 * (total["right"] + total["missing"] + total["wrong"])


@pytest.mark.parametrize(
    ("name", "expected", "found", "same"),
    [
        ("model", "a", "a", True),
        ("model", "a", "A", False),
        ("gpu_memory_utilization", "0.9", "0.90", True),
        ("gpu_count", "all", "1", False),
        ("gpu", "L4:1|A100:1", "A100:1|L4:1", True),
        ("gpu", "H100-80GB", "H100", False),
    ],
)
def test_how_values_are_compared(
    benchmark: ModuleType, name: str, expected: str, found: str, same: bool
) -> None:
    assert benchmark.same(name, expected, found) is same
