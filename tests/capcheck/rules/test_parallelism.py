"""GPUs against parallelism against the model's shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.place import Place
from capcheck.registry.tables import Registry, load
from capcheck.resolution.resolve import resolve
from capcheck.rules import parallelism
from hypothesis import given
from hypothesis import strategies as st

Build = Callable[[Mapping[str, Any]], Deployment]
Values = dict[str, Any]

TP, PP, DP = (f"/serving/{name}_parallel_size" for name in ("tensor", "pipeline", "data"))
VLLM: Values = {"/model": "llama3.1-8b", "/backend": "vllm", "/gpu": "H100 SXM"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (VLLM, []),
        (VLLM | {TP: 4}, []),
        (VLLM | {TP: 4, "/gpus_per_replica": 1}, [("gpus-below-parallelism", "error", "fail", TP)]),
        (
            VLLM | {TP: 2, PP: 2, "/gpus_per_replica": 2},
            [("gpus-below-parallelism", "error", "fail", TP)],
        ),
        (VLLM | {DP: 4, "/gpus_per_replica": 2}, [("gpus-below-parallelism", "error", "fail", DP)]),
        (
            VLLM | {TP: 4, "/gpus_per_replica": 8},
            [("gpus-unused", "warning", "pass", "/gpus_per_replica")],
        ),
        (
            VLLM | {"/gpus_per_replica": 2},
            [("gpus-unused", "warning", "pass", "/gpus_per_replica")],
        ),
        (VLLM | {"/gpu": "2x H100 SXM"}, [("gpus-unused", "warning", "pass", "/gpu")]),
        (
            VLLM | {TP: 3},
            [("tensor-parallel-does-not-divide-heads", "error", "fail", TP)],
        ),
        # 28 heads over 7 ranks is even, 4 KV heads over 7 ranks is not.
        (
            VLLM | {"/model": "qwen2.5-7b", TP: 7},
            [("tensor-parallel-does-not-divide-heads", "error", "fail", TP)],
        ),
        (VLLM | {TP: 16}, [("kv-heads-replicated", "note", "pass", TP)]),
        (
            VLLM | {"/model": "deepseek-v2-lite", TP: 2},
            [("kv-heads-replicated", "note", "pass", TP)],
        ),
        (VLLM | {TP: 2, "/gpu": "L4"}, [("tensor-parallel-over-pcie", "note", "pass", TP)]),
        (VLLM | {TP: 2, "/gpu": "RTX A6000"}, []),  # NVLink bridges exist
        (
            VLLM | {"/model": "Qwen/Qwen2.5-72B-Instruct-AWQ", TP: 8},
            [("tensor-parallel-splits-quant-group", "error", "fail", TP)],
        ),
        (VLLM | {"/model": "qwen2.5-72b", TP: 8}, []),
        (
            VLLM | {"/model": "qwen3-30b-a3b", "/quant": "FP8-block", TP: 4},
            [("tensor-parallel-splits-quant-group", "error", "fail", TP)],
        ),
        (VLLM | {"/model": "qwen3-30b-a3b", "/quant": "FP8-block", TP: 2}, []),
        (
            VLLM | {PP: 64},
            [("pipeline-parallel-above-layers", "error", "fail", PP)],
        ),
        # Engines without tensor parallelism split layers over their GPUs: none is idle.
        (VLLM | {"/backend": "ollama", "/gpus_per_replica": 2}, []),
        (VLLM | {"/backend": "ollama", TP: 3}, []),
        # Certain without a GPU, or with an unknown one.
        (
            VLLM | {"/gpu": "nonsense", TP: 3},
            [("tensor-parallel-does-not-divide-heads", "error", "fail", TP)],
        ),
        (VLLM | {"/model": "nonsense", TP: 3}, []),
    ],
)
def test_findings(
    stated: Build, registry: Registry, values: Values, expected: list[tuple[str, str, str, str]]
):
    deployment = stated(values)
    resolved, _ = resolve(deployment, registry)
    pointers = {place: pointer for pointer, place in deployment.places.items()}
    assert [
        (found.rule, found.severity, found.verdict, pointers[found.place])
        for found in parallelism.check(resolved)
    ] == expected


@pytest.mark.parametrize(
    ("values", "message", "fix"),
    [
        (
            VLLM | {TP: 4, "/gpus_per_replica": 1},
            "tensor 4 x pipeline 1 x data parallel 1 needs 4 GPUs; a replica has 1",
            "set gpus_per_replica: 4, or lower tensor_parallel_size",
        ),
        (
            VLLM | {TP: 4, "/gpus_per_replica": 8},
            "a replica has 8 GPUs; tensor 4 x pipeline 1 x data parallel 1 uses 4: "
            "4 are paid for and idle",
            "set gpus_per_replica: 4, or tensor_parallel_size: 8",
        ),
        (
            VLLM | {TP: 6},
            "tensor_parallel_size 6 does not divide the 32 attention heads of llama3.1-8b",
            "set tensor_parallel_size: 4",
        ),
        (
            VLLM | {"/model": "qwen2.5-7b", TP: 7},
            "tensor_parallel_size 7 does not divide the 4 KV heads of qwen2.5-7b",
            "set tensor_parallel_size: 4",
        ),
        (
            VLLM | {TP: 16},
            "16 ranks share 8 KV heads of llama3.1-8b: the replica's KV cache takes 2 times its "
            "size",
            "use data_parallel_size or pipeline_parallel_size for the other GPUs",
        ),
        (
            VLLM | {"/model": "Qwen/Qwen2.5-72B-Instruct-AWQ", TP: 8},
            "tensor_parallel_size 8 leaves 3696 of qwen2.5-72b's 29568 feed-forward columns to a "
            "rank, which AWQ's groups of 128 do not fit",
            "lower tensor_parallel_size, or split the replica with pipeline_parallel_size",
        ),
    ],
)
def test_messages(stated: Build, registry: Registry, values: Values, message: str, fix: str):
    resolved, _ = resolve(stated(values), registry)
    found = list(parallelism.check(resolved))
    assert [(it.message, it.fix) for it in found] == [(message, fix)]


PLACE = Place("capcheck.yaml", 2, 3, 7)
MODELS = [model.name for model in load().models if model.n_heads]


@given(name=st.sampled_from(MODELS), ranks=st.integers(2, 64))
def test_the_suggested_size_divides_the_heads(name: str, ranks: int):
    """What the fix says would itself pass, whatever the model and the size."""
    registry = load()

    def refused(size: int) -> list[str]:
        deployment = Deployment(
            name="chat",
            path="capcheck.yaml",
            place=PLACE,
            model=name,
            backend="vllm",
            gpu="H100 SXM",
            quant="FP16",
            serving=Serving(tensor_parallel_size=size, max_model_len=128),
        )
        resolved, _ = resolve(deployment, registry)
        return [
            found.fix or ""
            for found in parallelism.check(resolved)
            if found.rule == "tensor-parallel-does-not-divide-heads"
        ]

    for fix in refused(ranks):
        suggested = int(fix.removeprefix("set tensor_parallel_size: "))
        assert suggested < ranks
        assert refused(suggested) == []
