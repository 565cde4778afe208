"""The support matrix: the rows that matter by name, and an answer for every combination."""

from __future__ import annotations

import pytest
from capcheck.registry import support
from capcheck.registry.matches import BackendMatch, GpuMatch, QuantMatch
from capcheck.registry.rows import read
from capcheck.registry.specs import BackendSpec, GpuSpec, QuantSpec
from capcheck.registry.tables import Registry
from capcheck.registry.versions import parse

LEVELS = {"loads", "loads-without-gain", "loads-converted", "does-not-load", "unknown"}


def backend_of(registry: Registry, text: str) -> BackendSpec:
    match = registry.backend(text)
    assert isinstance(match, BackendMatch)
    return match.spec


def gpu_of(registry: Registry, text: str) -> GpuSpec:
    match = registry.gpu(text)
    assert isinstance(match, GpuMatch)
    return match.spec


def quant_of(registry: Registry, text: str, backend: str) -> QuantSpec:
    match = registry.quant(text, backend=backend)
    assert isinstance(match, QuantMatch)
    return match.spec


@pytest.mark.parametrize(
    ("quant", "backend", "version", "gpu", "level"),
    [
        ("FP16", "vllm", None, "L4", "loads"),
        ("BF16", "vllm", None, "L4", "loads"),
        ("BF16", "vllm", None, "T4", "loads-converted"),
        ("BF16", "vllm", "0.8.5", "T4", "does-not-load"),
        ("FP16", "vllm", None, "T4", "loads"),
        ("FP16", "vllm", None, "V100 16GB SXM2", "does-not-load"),
        ("FP16", "vllm", "0.11.0", "V100 16GB SXM2", "loads"),
        ("FP16", "vllm", None, "MI300X", "loads"),
        ("FP16", "vllm", None, "Apple M3 Max", "does-not-load"),
        ("Q4_K_M", "vllm", None, "RTX 4090", "does-not-load"),
        ("Q4_K_M", "vllm", "0.23.0", "RTX 4090", "loads"),
        ("FP8", "vllm", None, "L4", "loads"),
        ("FP8", "vllm", None, "A10G", "loads-without-gain"),
        ("FP8", "vllm", None, "A100 80GB SXM", "loads-without-gain"),
        ("FP8", "vllm", None, "T4", "loads-without-gain"),
        ("FP8", "vllm", None, "MI300X", "loads"),
        ("FP8", "vllm", None, "MI250X", "unknown"),
        ("FP8", "vllm", None, "RX 9070 XT", "loads"),
        ("AWQ", "vllm", None, "A10G", "loads"),
        ("AWQ", "vllm", None, "MI300X", "does-not-load"),
        ("AWQ", "sglang", None, "MI300X", "loads"),
        ("GPTQ", "sglang", None, "T4", "does-not-load"),
        ("W8A8", "vllm", None, "A100 80GB SXM", "loads"),
        ("W8A8", "vllm", None, "RTX 5090 32GB", "does-not-load"),
        ("NF4", "vllm", None, "L4", "does-not-load"),
        ("NF4", "vllm", "0.27.0", "L4", "loads"),
        ("NF4", "transformers", None, "L4", "loads"),
        ("NVFP4", "vllm", None, "B200", "loads"),
        ("NVFP4", "vllm", None, "RTX 5090 32GB", "loads"),
        ("NVFP4", "vllm", None, "H100 SXM", "loads-without-gain"),
        ("NVFP4", "tensorrt-llm", None, "H100 SXM", "does-not-load"),
        ("MXFP4", "vllm", None, "H100 SXM", "loads-without-gain"),
        ("MXFP4", "vllm", None, "T4", "does-not-load"),
        ("Q4_K_M", "tensorrt-llm", None, "H100 SXM", "does-not-load"),
        ("FP8", "tensorrt-llm", None, "A100 80GB SXM", "does-not-load"),
        ("FP16", "tensorrt-llm", None, "MI300X", "does-not-load"),
        ("Q4_K_M", "sglang", None, "L4", "loads"),
        ("Q4_K_M", "sglang", None, "MI300X", "does-not-load"),
        ("EXL2-4.0bpw", "tgi", None, "RTX 4090", "loads"),
        ("EXL2-4.0bpw", "vllm", None, "RTX 4090", "does-not-load"),
        ("Q4_K_M", "tgi", None, "RTX 4090", "does-not-load"),
        ("Q4_K_M", "ollama", None, "RTX 4060 8GB", "loads"),
        ("Q4_K_M", "ollama", None, "Apple M3 Max", "loads"),
        ("Q4_K_M", "llamafile", None, "RX 7900 XTX", "loads"),
        ("FP16", "ollama", None, "RTX 4060 8GB", "loads"),  # GGUF F16
        ("AWQ", "ollama", None, "RTX 4060 8GB", "does-not-load"),
        ("Q4_K_M", "transformers", None, "RTX 4090", "does-not-load"),
    ],
)
def test_weights(
    registry: Registry, quant: str, backend: str, version: str | None, gpu: str, level: str
):
    answer = support.weights(
        quant=quant_of(registry, quant, backend),
        backend=backend_of(registry, backend),
        gpu=gpu_of(registry, gpu),
        version=parse(version),
    )
    assert answer.level == level
    assert answer.reason


@pytest.mark.parametrize(
    ("backend", "gpu", "about_engine"),
    [
        ("vllm", "Apple M3 Max", True),
        ("vllm", "V100 16GB SXM2", True),
        ("tensorrt-llm", "MI300X", True),
        ("tgi", "Apple M3 Max", True),
    ],
)
def test_an_engine_that_does_not_run_there(
    registry: Registry, backend: str, gpu: str, about_engine: bool
):
    answer = support.weights(
        quant=quant_of(registry, "FP16", backend),
        backend=backend_of(registry, backend),
        gpu=gpu_of(registry, gpu),
    )
    assert (answer.level, answer.about_engine) == ("does-not-load", about_engine)


def test_a_format_that_the_engine_has_no_loader_for_is_about_the_format(registry: Registry):
    answer = support.weights(
        quant=quant_of(registry, "AWQ", "ollama"),
        backend=backend_of(registry, "ollama"),
        gpu=gpu_of(registry, "L4"),
    )
    assert (answer.level, answer.about_engine) == ("does-not-load", False)


@pytest.mark.parametrize(
    ("dtype", "backend", "gpu", "level"),
    [
        ("auto", "vllm", "T4", "loads"),
        ("fp8", "vllm", "L4", "loads"),
        ("fp8", "vllm", "A10G", "does-not-load"),
        ("fp8", "vllm", "A100 80GB SXM", "does-not-load"),
        ("fp8_e5m2", "vllm", "A10G", "loads"),
        ("fp8", "vllm", "MI300X", "loads"),
        ("fp8_e5m2", "vllm", "MI300X", "does-not-load"),
        ("bfloat16", "vllm", "T4", "does-not-load"),
        ("nvfp4", "vllm", "B200", "loads"),
        ("nvfp4", "vllm", "RTX 5090 32GB", "does-not-load"),
        ("nvfp4", "vllm", "H100 SXM", "does-not-load"),
        ("q8_0", "vllm", "L4", "does-not-load"),
        ("q8_0", "ollama", "T4", "loads"),
        ("fp8", "ollama", "L4", "does-not-load"),
        ("fp8_e4m3", "sglang", "A10G", "unknown"),
        ("fp8", "tensorrt-llm", "A100 80GB SXM", "does-not-load"),
        ("fp8_e4m3fn", "tgi", "MI300X", "does-not-load"),
    ],
)
def test_kv_cache(registry: Registry, dtype: str, backend: str, gpu: str, level: str):
    answer = support.kv_cache(
        dtype=dtype, backend=backend_of(registry, backend), gpu=gpu_of(registry, gpu)
    )
    assert answer.level == level


def test_a_type_that_the_engine_lacks_names_those_that_it_has(registry: Registry):
    answer = support.kv_cache(
        dtype="fp8", backend=backend_of(registry, "ollama"), gpu=gpu_of(registry, "L4")
    )
    assert answer.fix == "use one of f16, q8_0, q4_0"


def test_every_combination_has_an_answer(registry: Registry):
    for backend in registry.backends:
        for quant in registry.quants:
            for gpu in registry.gpus:
                answer = support.weights(quant=quant, backend=backend, gpu=gpu)
                assert answer.level in LEVELS
                assert answer.reason
                assert bool(answer.source) is (answer.level != "unknown")


def test_every_cache_type_has_an_answer_on_every_gpu(registry: Registry):
    backends = {backend.name: backend for backend in registry.backends}
    for dtype in registry.kv_cache_dtypes:
        for gpu in registry.gpus:
            answer = support.kv_cache(dtype=dtype.dtype, backend=backends[dtype.backend], gpu=gpu)
            assert answer.level in LEVELS
            assert answer.reason != "it has no such type"


def test_rows_name_things_that_exist(registry: Registry):
    """A misspelt name in a table would be a row that never matches."""
    backends = {backend.name for backend in registry.backends}
    families = {quant.family for quant in registry.quants} | {"exl2", "exl3", support.ANY}
    vendors = {gpu.vendor for gpu in registry.gpus} | {support.ANY}
    architectures = {gpu.architecture for gpu in registry.gpus}
    for name in ("support.csv", "kv_cache_support.csv"):
        for row in read(support.DATA / name):
            assert set(row["backend"].split(";")) <= backends
            assert set(row["vendor"].split(";")) <= vendors
            assert set(filter(None, row.get("architectures", "").split(";"))) <= architectures
            assert row["level"] in LEVELS
            assert row["source"]
            assert row["reason"][-1] != "."
            if "family" in row:
                assert set(row["family"].split(";")) <= families
    dtypes = {(dtype.backend, dtype.dtype) for dtype in registry.kv_cache_dtypes}
    for row in read(support.DATA / "kv_cache_support.csv"):
        assert {(backend, row["dtype"]) for backend in row["backend"].split(";")} <= dtypes
