from dataclasses import replace

import pytest
from capcheck.predict.speed.kernels import ceiling, method_launches, tile_tokens
from capcheck.predict.speed.traits import Traits

TRAITS = Traits(
    engine="vllm",
    platform="cuda",
    era="2025",
    kernel="16bit",
    memory="hbm",
    architecture="hopper",
    segment="hbm",
    gpu="H100 80GB SXM",
    link="fast",
    tensor_parallel_size=1,
    flags=(),
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 1.05),
        ({"kernel": "fp8"}, 2.1),
        ({"kernel": "fp4"}, 4.2),
        ({"segment": "geforce"}, 1.05),
        ({"segment": "geforce", "kernel": "fp8"}, 2.1),
        ({"segment": "geforce", "kernel": "w8a8"}, 4.2),
        ({"segment": "geforce", "kernel": "fp4"}, 8.4),
        (
            {
                "engine": "llama.cpp",
                "kernel": "gguf-16",
                "architecture": "ada",
                "segment": "geforce",
            },
            2.1,
        ),
        ({"engine": "llama.cpp", "kernel": "gguf-legacy", "architecture": "battlemage"}, 0.525),
        ({"engine": "llama.cpp", "kernel": "gguf-16", "architecture": "alchemist"}, 0.2625),
        (
            {
                "engine": "llama.cpp",
                "kernel": "gguf-k",
                "architecture": "turing-tu11x",
                "segment": "geforce",
            },
            2.1,
        ),
        ({"engine": "llama.cpp", "kernel": "gguf-k"}, 0.63 * 2.1),
        ({"engine": "llama.cpp", "kernel": "gguf-16"}, 0.63 * 1.05),
        ({"engine": "llama.cpp", "kernel": "gguf-k", "architecture": "ampere"}, 2.1),
        ({"engine": "llama.cpp", "kernel": "gguf-8", "architecture": "pascal"}, 4.2),
        ({"engine": "llama.cpp", "kernel": "gguf-8", "architecture": "rdna3"}, 1.05),
        (
            {
                "engine": "llama.cpp",
                "kernel": "gguf-k",
                "architecture": "ada",
                "segment": "geforce",
            },
            4.2,
        ),
    ],
)
def test_the_ceiling_is_the_tensor_cores(change: dict[str, str], expected: float):
    assert ceiling(replace(TRAITS, **change)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("engine", "kernel", "expected"),
    [
        ("vllm", "16bit", 64.0),
        ("sglang", "fp8", 64.0),
        ("vllm", "w4a16", 16.0),
        ("tensorrt-llm", "w8a16", 16.0),
        ("llama.cpp", "gguf-k", 0.0),
        ("transformers", "16bit", 0.0),
    ],
)
def test_matrix_kernels_fill_whole_tiles(engine: str, kernel: str, expected: float):
    assert tile_tokens(replace(TRAITS, engine=engine, kernel=kernel)) == expected


@pytest.mark.parametrize(
    ("engine", "method", "expected"),
    [("transformers", "fp8", 2.4), ("transformers", "none", 1.0), ("vllm", "fp8", 1.0)],
)
def test_fp8_layers_launch_more_kernels_where_the_host_launches_each(
    engine: str, method: str, expected: float
):
    assert method_launches(replace(TRAITS, engine=engine, method=method)) == expected
