"""What counts as drift: the same thing under two names does not."""

from __future__ import annotations

import pytest
from capcheck.manifest.deployment import Deployment, Displaced, Native, Replicas, Serving
from capcheck.place import Place
from capcheck.registry import tables
from capcheck.resolution.native import drift

HERE, THERE = Place("capcheck.yaml", 3, 5, 9), Place("k8s/chat.yaml", 7, 1, 2)


@pytest.mark.parametrize(
    ("field", "written", "native", "drifts"),
    [
        ("model", "llama3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", False),
        ("model", "llama3.1-8b", "Qwen/Qwen3-8B", True),
        ("model", "qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct-AWQ", True),
        ("model", "llama3.1-8b", "acme/tuned-llama", True),
        ("model", "acme/tuned-llama", "acme/tuned_llama", False),
        ("gpu", "A100 80GB SXM", "A100-80GB", False),
        ("gpu", "A100 80GB SXM", "A100-40GB", True),
        ("gpu", "L4 24GB", "A100|L4", False),
        ("gpu", "H100", "A100|L4", True),
        ("gpu", "MI300X", "AMD", False),
        ("gpu", "L4", "AMD", True),
        ("gpu", "L4", "L4:4|A100:1", False),
        ("quant", "AWQ", "awq_marlin", False),
        ("quant", "AWQ", "gptq", True),
        ("backend", "trtllm", "tensorrt-llm", False),
        ("backend", "sglang", "vllm", True),
        ("backend_version", "0.11", "0.11.2", False),
        ("backend_version", "0.10.1", "0.11.2", True),
        ("backend_version", "0.11.2", "latest", False),
        ("gpus_per_replica", 2, 2, False),
        ("gpus_per_replica", 2, 4, True),
    ],
)
def test_names(field: str, written: object, native: str | int, drifts: bool):
    displaced = {f"/{field}": Displaced(native, THERE)}
    deployment = Deployment(
        "chat",
        "capcheck.yaml",
        HERE,
        native=Native(displaced=displaced),
        places={f"/{field}": HERE},
        **{field: written},  # type: ignore[arg-type]
    )
    found = list(drift(deployment, tables.load()))
    assert [(one.rule, one.verdict, one.place, one.related) for one in found] == [
        ("drift", "fail", HERE, THERE)
    ] * drifts


@pytest.mark.parametrize(
    ("written", "native", "drifts"),
    [
        (Replicas(2, 2), 2, False),
        (Replicas(2, 2), 3, True),
        (Replicas(1, 4), 3, False),
        (Replicas(2, 4), 1, True),
        (Replicas(1, 1), 0, False),
    ],
)
def test_replicas(written: Replicas, native: int, drifts: bool):
    displaced = {"/replicas": Displaced(native, THERE)}
    deployment = Deployment(
        "chat", "capcheck.yaml", HERE, replicas=written, native=Native(displaced=displaced)
    )
    assert bool(list(drift(deployment, tables.load()))) == drifts


def test_a_setting_is_told_with_both_values():
    displaced = {"/serving/max_model_len": Displaced(4096, THERE)}
    deployment = Deployment(
        "chat",
        "capcheck.yaml",
        HERE,
        serving=Serving(max_model_len=8192),
        native=Native(displaced=displaced),
    )
    (found,) = drift(deployment, tables.load())
    assert found.message == "max_model_len is 8192 here, and 4096 in k8s/chat.yaml:7"
