"""Findings of the support matrix: one per cause, on the line that has to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from capcheck.manifest.deployment import Deployment
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.rules import support

Build = Callable[[Mapping[str, Any]], Deployment]
Values = dict[str, Any]

VLLM: Values = {"/model": "llama3.1-8b", "/backend": "vllm", "/gpu": "L4"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (VLLM, []),
        (VLLM | {"/quant": "fp8"}, []),
        (VLLM | {"/quant": "Q4_K_M"}, [("quant-not-loadable", "error", "fail", "/quant")]),
        # The name of the model fixes the quant, so that is the line.
        (
            VLLM | {"/model": "llama3.1:8b-instruct-q4_K_M"},
            [("quant-not-loadable", "error", "fail", "/model")],
        ),
        (
            VLLM | {"/quant": "awq", "/gpu": "MI300X"},
            [("quant-not-loadable", "error", "fail", "/quant")],
        ),
        (
            VLLM | {"/quant": "fp8", "/gpu": "A10G"},
            [("quant-without-speedup", "warning", "pass", "/quant")],
        ),
        (VLLM | {"/gpu": "T4"}, [("quant-converted", "note", "pass", "/model")]),
        (
            VLLM | {"/gpu": "T4", "/quant": "bf16"},
            [("quant-converted", "warning", "pass", "/quant")],
        ),
        (
            VLLM | {"/quant": "fp8", "/gpu": "MI250X"},
            [("quant-support-unknown", "warning", "pass", "/quant")],
        ),
        (
            VLLM | {"/serving/kv_cache_dtype": "fp8", "/gpu": "RTX 3090"},
            [("kv-cache-dtype-unsupported", "error", "fail", "/serving/kv_cache_dtype")],
        ),
        (VLLM | {"/serving/kv_cache_dtype": "fp8_e5m2", "/gpu": "RTX 3090"}, []),
        (
            VLLM | {"/serving/kv_cache_dtype": "q8_0"},
            [("kv-cache-dtype-unsupported", "error", "fail", "/serving/kv_cache_dtype")],
        ),
        (
            VLLM | {"/backend": "sglang", "/serving/kv_cache_dtype": "fp8", "/gpu": "RTX 3090"},
            [("kv-cache-dtype-unverified", "warning", "pass", "/serving/kv_cache_dtype")],
        ),
        # The engine does not run there: neither weights nor cache matter any more.
        (
            VLLM | {"/backend": "tensorrt-llm", "/gpu": "MI300X", "/serving/kv_cache_dtype": "fp8"},
            [("backend-unsupported-on-gpu", "error", "fail", "/backend")],
        ),
        (
            VLLM | {"/gpu": "Apple M3 Max 40c", "/vram_gib": 48, "/quant": "Q4_K_M"},
            [("backend-unsupported-on-gpu", "error", "fail", "/backend")],
        ),
        # Two causes, two findings.
        (
            VLLM | {"/quant": "Q4_K_M", "/gpu": "RTX 3090", "/serving/kv_cache_dtype": "fp8"},
            [
                ("quant-not-loadable", "error", "fail", "/quant"),
                ("kv-cache-dtype-unsupported", "error", "fail", "/serving/kv_cache_dtype"),
            ],
        ),
        # What is not known has been said elsewhere.
        (VLLM | {"/gpu": "nonsense", "/quant": "Q4_K_M"}, []),
        (VLLM | {"/backend": "nonsense", "/quant": "Q4_K_M"}, []),
        (VLLM | {"/quant": "nonsense"}, []),
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
        for found in support.check(resolved)
    ] == expected


@pytest.mark.parametrize(
    ("values", "message", "fix"),
    [
        (
            VLLM | {"/quant": "Q4_K_M"},
            "vllm does not load Q4_K_M on L4 24GB (compute capability 8.9): GGUF left vLLM's core "
            "in 0.24 and needs vllm-gguf-plugin",
            "use backend: ollama or llama.cpp, or an AWQ, GPTQ or FP8 checkpoint",
        ),
        (
            VLLM | {"/quant": "fp8", "/gpu": "A10G"},
            "FP8 loads but speeds nothing up on A10G 24GB (compute capability 8.6): no FP8 "
            "arithmetic before compute capability 8.9: weight-only (Marlin W8A16)",
            "use quant: INT8 or AWQ",
        ),
        (
            VLLM | {"/serving/kv_cache_dtype": "fp8", "/gpu": "RTX 3090"},
            "vllm has no fp8 KV cache on RTX 3090 24GB (compute capability 8.6): fp8 is e4m3 and "
            "the attention kernels have that type from compute capability 8.9",
            "use kv_cache_dtype: fp8_e5m2, or auto",
        ),
        (
            VLLM | {"/backend": "tensorrt-llm", "/gpu": "MI300X"},
            "tensorrt-llm does not run on MI300X 192GB: TensorRT-LLM runs on NVIDIA GPUs only",
            "use backend: vllm",
        ),
    ],
)
def test_messages(stated: Build, registry: Registry, values: Values, message: str, fix: str):
    resolved, _ = resolve(stated(values), registry)
    assert [(found.message, found.fix) for found in support.check(resolved)] == [(message, fix)]
