"""What engines do by themselves, by release and device: the published defaults, one by one."""

from __future__ import annotations

from dataclasses import fields

import pytest
from capcheck.manifest.deployment import Serving
from capcheck.registry.engine_defaults import (
    MEMORY_FRACTIONS,
    Site,
    default,
    flag,
    memory_fraction_setting,
    sglang_memory_fraction,
    table,
)
from capcheck.registry.tables import Registry
from capcheck.registry.versions import parse

L4, A100, H100, B200 = (
    ("L4 24GB", 22.16),
    ("A100 80GB SXM", 79.15),
    ("H100 80GB SXM", 79.1),
    (
        "B200 180GB SXM",
        178.35,
    ),
)
GB10 = ("DGX Spark GB10 128GB", 121.6)


def site(
    backend: str,
    device: tuple[str, float] = L4,
    version: str | None = None,
    *,
    gpus: int = 1,
    attention: str = "GQA",
) -> Site:
    name, gib = device
    return Site(
        backend=backend,
        version=parse(version),
        gpu=name,
        device_gib=gib,
        total_gib=gib * gpus,
        attention=attention,
        tensor_parallel_size=gpus,
    )


@pytest.mark.parametrize(
    ("where", "setting", "value"),
    [
        (site("vllm"), "gpu_memory_utilization", 0.92),
        (site("vllm", version="0.21.0"), "gpu_memory_utilization", 0.92),
        (site("vllm", version="v0.19.1"), "gpu_memory_utilization", 0.90),
        (site("vllm", version="0.11.0"), "gpu_memory_utilization", 0.90),
        (site("vllm", L4), "max_num_seqs", 256),
        (site("vllm", A100), "max_num_seqs", 256),
        (site("vllm", GB10), "max_num_seqs", 256),
        (site("vllm", H100), "max_num_seqs", 1024),
        (site("vllm", B200), "max_num_seqs", 1024),
        (site("vllm", H100, "0.7.3"), "max_num_seqs", 256),
        (site("vllm", L4), "max_num_batched_tokens", 2048),
        (site("vllm", A100), "max_num_batched_tokens", 2048),
        (site("vllm", H100), "max_num_batched_tokens", 8192),
        (site("vllm", B200), "max_num_batched_tokens", 16384),
        (site("vllm", B200, "0.27.1"), "max_num_batched_tokens", 8192),
        (site("vllm"), "enable_chunked_prefill", True),
        (site("vllm", version="0.7.2"), "enable_chunked_prefill", False),
        (site("vllm"), "enable_prefix_caching", True),
        (site("vllm", attention="MLA+DSA"), "kv_cache_dtype", "fp8"),
        (site("vllm", attention="MLA"), "kv_cache_dtype", "auto"),
        (site("sglang", L4), "max_num_batched_tokens", 4096),
        (site("sglang", H100), "max_num_batched_tokens", 8192),
        (site("sglang", ("T4 16GB", 14.56)), "max_num_batched_tokens", 2048),
        (site("sglang", B200), "max_num_batched_tokens", 16384),
        (site("sglang", ("T4 16GB", 14.56)), "cuda_graph_max_bs", 8),
        (site("sglang", L4), "cuda_graph_max_bs", 48),
        (site("sglang", L4, gpus=4), "cuda_graph_max_bs", 160),
        (site("sglang", ("A40 48GB", 44.4)), "cuda_graph_max_bs", 32),
        (site("sglang", H100), "cuda_graph_max_bs", 256),
        (site("sglang", H100, gpus=4), "cuda_graph_max_bs", 512),
        (site("ollama", L4), "max_model_len", 4096),
        (site("ollama", L4, gpus=2), "max_model_len", 32768),
        (site("ollama", ("RTX 4090 24GB", 23.51)), "max_model_len", 32768),
        (site("ollama", H100), "max_model_len", 262144),
        (site("ollama", H100, "0.14.3"), "max_model_len", 4096),
        (site("ollama", H100, "0.5.7"), "max_model_len", 2048),
        (site("ollama"), "max_num_seqs", 1),
        (site("llama.cpp"), "max_num_seqs", 4),
        (site("llamafile"), "max_num_seqs", 4),
        (site("llama.cpp"), "kv_cache_dtype", "f16"),
        (site("tgi"), "memory_wiggle_room", 0.90),
        (site("tgi", version="2.4.0"), "enable_prefix_caching", False),
        (site("tensorrt-llm"), "kv_cache_free_gpu_memory_fraction", 0.9),
        (site("tensorrt-llm"), "max_num_seqs", 2048),
        (site("tensorrt-llm"), "enable_chunked_prefill", False),
        (site("transformers"), "enforce_eager", True),
    ],
)
def test_default(where: Site, setting: str, value: object):
    row = default(where, setting)
    assert row is not None
    assert row.value == value
    assert row.source


@pytest.mark.parametrize(
    ("backend", "setting", "name"),
    [
        ("vllm", "max_num_seqs", "--max-num-seqs"),
        ("sglang", "max_num_seqs", "--max-running-requests"),
        ("ollama", "max_num_seqs", "OLLAMA_NUM_PARALLEL"),
        ("ollama", "tensor_parallel_size", None),
        ("ollama", "enable_prefix_caching", None),  # always on: there is no switch
        ("vllm", "mem_fraction_static", None),
        ("tgi", "pipeline_parallel_size", None),
    ],
)
def test_flag(backend: str, setting: str, name: str | None):
    assert flag(backend, setting) == name


def test_each_engine_has_at_most_one_memory_fraction(registry: Registry):
    owned = {
        backend.name: [name for name in MEMORY_FRACTIONS if (backend.name, name) in table()]
        for backend in registry.backends
    }
    assert owned == {
        "vllm": ["gpu_memory_utilization"],
        "sglang": ["mem_fraction_static"],
        "tgi": ["cuda_memory_fraction"],
        "tensorrt-llm": ["kv_cache_free_gpu_memory_fraction"],
        "ollama": [],
        "llama.cpp": [],
        "llamafile": [],
        "transformers": [],
    }
    assert memory_fraction_setting("ollama") is None


def test_every_engine_has_a_default_for_what_the_predictors_need(registry: Registry):
    needed = (
        "max_model_len",
        "max_num_seqs",
        "max_num_batched_tokens",
        "kv_cache_dtype",
        "enable_prefix_caching",
        "enable_chunked_prefill",
        "enforce_eager",
    )
    for backend in registry.backends:
        for device in (("unknown", 0.0), L4, H100):
            for version in (None, "0.0.1", "99.0"):
                where = site(backend.name, device, version)
                assert all(default(where, setting) is not None for setting in needed)


def test_every_row_can_apply():
    """Each setting ends with rows for every release and device, and no row comes after those."""
    for rows in table().values():
        for row in rows[:-1]:
            assert any(
                (
                    row.since,
                    row.before,
                    row.min_device_gib,
                    row.min_total_gib,
                    row.min_tensor_parallel,
                    row.attention,
                )
            )
        assert len({row.flag for row in rows}) == 1


def test_every_serving_field_belongs_to_an_engine():
    settings = {setting for _, setting in table()}
    assert {field.name for field in fields(Serving)} <= settings


@pytest.mark.parametrize(
    ("where", "tokens", "pipeline", "fraction"),
    [
        # 80998 MiB less 512 + 1.5 x 8192 + 128 + 2 x 256 = 13440.
        (site("sglang", H100), 8192, 1, 0.834),
        # The floor of 10240 MiB above 60 GB: 512 + 3072 + 128 + 512 is less.
        (site("sglang", H100), 2048, 1, round((79.1 * 1024 - 10240) / (79.1 * 1024), 3)),
        # 512 + 1.5 x 8192 + 1024 x 8 / 8 + 2 x 512 + 1536 for MLA = 16384.
        (site("sglang", H100, gpus=4, attention="MLA"), 8192, 2, 0.798),
        (site("sglang", L4), 4096, 1, 0.697),
        (site("sglang", ("unknown", 0.0)), 4096, 1, 0.0),
    ],
)
def test_sglang_memory_fraction(where: Site, tokens: int, pipeline: int, fraction: float):
    found = sglang_memory_fraction(
        where, max_num_batched_tokens=tokens, pipeline_parallel_size=pipeline
    )
    assert found == pytest.approx(fraction, abs=0.0005)
