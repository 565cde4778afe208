"""The settings in force: what was stated, where the engine has it, else the engine's own choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from capcheck.manifest.deployment import Deployment
from capcheck.registry.tables import Registry
from capcheck.resolution.choices import parallel_sizes
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Engine

Build = Callable[[Mapping[str, Any]], Deployment]
Values = dict[str, Any]

VLLM: Values = {"/model": "llama3.1-8b", "/backend": "vllm", "/gpu": "H100 SXM"}


def engine_of(deployment: Deployment, registry: Registry) -> Engine:
    resolved, _ = resolve(deployment, registry)
    assert resolved.engine is not None
    return resolved.engine


def test_vllm_on_h100(stated: Build, registry: Registry):
    assert engine_of(stated(VLLM), registry) == Engine(
        tensor_parallel_size=1,
        pipeline_parallel_size=1,
        data_parallel_size=1,
        max_model_len=131072,
        max_num_seqs=1024,
        max_num_batched_tokens=8192,
        memory_fraction=0.92,
        kv_cache_dtype="auto",
        kv_bytes_per_element=2.0,
        enable_prefix_caching=True,
        enable_chunked_prefill=True,
        enforce_eager=False,
        kv_cache_tokens=None,
    )


def test_ollama_on_a_small_card(stated: Build, registry: Registry):
    values = {"/model": "llama3.2:3b", "/backend": "ollama", "/gpu": "RTX 4060 8GB"}
    assert engine_of(stated(values), registry) == Engine(
        tensor_parallel_size=1,
        pipeline_parallel_size=1,
        data_parallel_size=1,
        max_model_len=4096,
        max_num_seqs=1,
        max_num_batched_tokens=512,
        memory_fraction=None,
        kv_cache_dtype="f16",
        kv_bytes_per_element=2.0,
        enable_prefix_caching=True,
        enable_chunked_prefill=True,
        enforce_eager=False,
        kv_cache_tokens=4096,
        max_queue=512,
    )


@pytest.mark.parametrize(
    ("backend", "setting", "value", "field", "in_force"),
    [
        ("vllm", "tensor_parallel_size", 4, "tensor_parallel_size", 4),
        ("vllm", "max_model_len", 4096, "max_model_len", 4096),
        ("vllm", "max_num_seqs", 17, "max_num_seqs", 17),
        ("vllm", "max_num_batched_tokens", 999, "max_num_batched_tokens", 999),
        # Without a stated number of sequences a step has no more of them than tokens.
        ("vllm", "max_num_batched_tokens", 128, "max_num_seqs", 128),
        ("vllm", "gpu_memory_utilization", 0.5, "memory_fraction", 0.5),
        ("sglang", "mem_fraction_static", 0.5, "memory_fraction", 0.5),
        ("tgi", "cuda_memory_fraction", 0.5, "memory_fraction", 0.45),
        ("tensorrt-llm", "kv_cache_free_gpu_memory_fraction", 0.5, "memory_fraction", 0.5),
        ("vllm", "enable_prefix_caching", False, "enable_prefix_caching", False),
        ("vllm", "enforce_eager", True, "enforce_eager", True),
        # An engine that does not chunk makes room for a whole prompt.
        ("vllm", "enable_chunked_prefill", False, "max_num_batched_tokens", 131072),
        ("vllm", "kv_cache_dtype", "fp8", "kv_bytes_per_element", 1.0),
        ("vllm", "kv_cache_dtype", "fp8_e4m3", "kv_cache_dtype", "fp8"),
        ("ollama", "kv_cache_dtype", "q8_0", "kv_bytes_per_element", 1.0625),
        # Not vLLM's, and the support matrix says so; the forecast goes on with its size.
        ("vllm", "kv_cache_dtype", "q8_0", "kv_bytes_per_element", 1.0625),
        # What the engine does not have changes nothing.
        ("vllm", "mem_fraction_static", 0.5, "memory_fraction", 0.92),
        ("ollama", "tensor_parallel_size", 4, "tensor_parallel_size", 1),
        ("ollama", "enable_prefix_caching", False, "enable_prefix_caching", True),
        ("tgi", "pipeline_parallel_size", 2, "pipeline_parallel_size", 1),
        ("transformers", "max_model_len", 4096, "max_num_batched_tokens", 4096),
        ("ollama", "max_num_seqs", 4, "max_num_seqs", 4),
        ("ollama", "max_queue", 0, "max_queue", 0),
        ("sglang", "max_queue", 64, "max_queue", 64),
        # TGI refuses what exceeds its slots; nothing bounds a queue in vLLM.
        ("tgi", "max_queue", 64, "max_queue", 0),
        ("vllm", "max_queue", 64, "max_queue", None),
        ("sglang", "max_num_seqs", 8, "max_queue", None),
    ],
)
def test_one_stated_setting(
    stated: Build,
    registry: Registry,
    backend: str,
    setting: str,
    value: object,
    field: str,
    in_force: object,
):
    values = VLLM | {"/backend": backend, f"/serving/{setting}": value}
    assert getattr(engine_of(stated(values), registry), field) == in_force


@pytest.mark.parametrize(
    ("values", "length", "cache_tokens"),
    [
        # 24 GB: 32768 tokens, which fit beside 4.3 GiB of weights.
        ({"/model": "llama3.1:8b", "/backend": "ollama", "/gpu": "RTX 4090"}, 32768, 32768),
        # A 32B model of 18.5 GiB leaves no room for 8 GiB of cache.
        ({"/model": "qwq:32b", "/backend": "ollama", "/gpu": "RTX 4090"}, 4096, 4096),
        # 80 GB: 262144, capped by the model, then shortened.
        ({"/model": "llama3.3:70b", "/backend": "ollama", "/gpu": "A100 80GB SXM"}, 32768, 32768),
        # Nothing fits: the last step is what is left to judge.
        ({"/model": "llama3.3:70b", "/backend": "ollama", "/gpu": "RTX 4090"}, 4096, 4096),
        # Every slot has a cache of its own.
        (
            {
                "/model": "llama3.1:8b",
                "/backend": "ollama",
                "/gpu": "RTX 4090",
                "/serving/max_num_seqs": 4,
            },
            32768,
            131072,
        ),
        # Two cards count together, for the default as for what fits.
        ({"/model": "llama3.3:70b", "/backend": "ollama", "/gpu": "2x RTX 5090"}, 32768, 32768),
        (
            {
                "/model": "phi4:14b",
                "/backend": "ollama",
                "/gpu": "RTX 4060 8GB",
                "/gpus_per_replica": 2,
            },
            4096,
            4096,
        ),
        # llama.cpp's four automatic slots share one cache ...
        (
            {
                "/model": "llama3.1-8b",
                "/backend": "llama.cpp",
                "/gpu": "RTX 4090",
                "/quant": "Q4_K_M",
            },
            131072,
            131072,
        ),
        # ... stated ones do not, and a smaller card halves the context until it fits.
        (
            {
                "/model": "llama3.1-8b",
                "/backend": "llama.cpp",
                "/gpu": "RTX 3060 12GB",
                "/quant": "Q4_K_M",
                "/serving/max_num_seqs": 2,
            },
            16384,
            32768,
        ),
        # A stated context stays as stated, fitting or not.
        (
            {
                "/model": "llama3.3:70b",
                "/backend": "ollama",
                "/gpu": "RTX 4090",
                "/serving/max_model_len": 65536,
            },
            65536,
            65536,
        ),
    ],
)
def test_allocating_engines_shorten_an_unstated_context(
    stated: Build, registry: Registry, values: Values, length: int, cache_tokens: int
):
    engine = engine_of(stated(values), registry)
    assert (engine.max_model_len, engine.kv_cache_tokens) == (length, cache_tokens)


def test_a_shortened_context_says_so(stated: Build, registry: Registry):
    values = {"/model": "qwq:32b", "/backend": "ollama", "/gpu": "RTX 4090"}
    resolved, _ = resolve(stated(values), registry)
    assert (
        resolved.origins["max_model_len"].text
        == "default of ollama 0.34.4, shortened from 32768 to fit"
    )


@pytest.mark.parametrize(
    ("backend", "sizes"), [("vllm", (4, 2, 3)), ("tgi", (4, 1, 1)), ("ollama", (1, 1, 1))]
)
def test_parallel_sizes(
    stated: Build, registry: Registry, backend: str, sizes: tuple[int, int, int]
):
    deployment = stated(
        {
            "/serving/tensor_parallel_size": 4,
            "/serving/pipeline_parallel_size": 2,
            "/serving/data_parallel_size": 3,
        }
    )
    spec = next(it for it in registry.backends if it.name == backend)
    assert parallel_sizes(deployment.serving, spec) == sizes
    assert parallel_sizes(deployment.serving, None) == (4, 2, 3)
