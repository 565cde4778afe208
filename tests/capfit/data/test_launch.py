"""How benchmarks launched their servers, row by row of the kinds in the table."""

import pytest
from capfit.data.cells import cells
from capfit.data.launch import (
    batched_tokens_of,
    kv_cache_dtype_of,
    mem_fraction_static_of,
    prefix_hit_rate_of,
    slots_of,
)
from capfit.data.names import Names
from capfit.data.setting import Setting

from .conftest import serving

B200, H100, RTX3090 = "B200 SXM 180GB", "H100 SXM 80GB", "RTX 3090 24GB"


def setting(names: Names, **given) -> Setting:
    common = {
        "collection": "public",
        "source": "aic_silicon",
        "backend": "vllm",
        "model": "meta-llama/Llama-3.1-70B-Instruct",
        "quant": "FP8",
        "gpu": B200,
        "arrival": "closed",
        "metric": "tpot_ms_mean",
        "trust": "A",
        "concurrency": 16,
        "prompt_tokens": 1024.0,
        "output_tokens": 1024.0,
    }
    return cells([serving(20.0, **(common | given))], names).kept[0].setting


@pytest.mark.parametrize(
    ("given", "cache", "tokens", "fraction"),
    [
        ({}, "fp8", 8192, None),
        ({"quant": "BF16"}, None, 8192, None),
        ({"kv_cache_dtype": "fp8", "quant": "BF16"}, "fp8", 8192, None),
        ({"model": "MiniMax-M2.5", "backend_version": "0.18.0"}, None, 8192, None),
        ({"model": "MiniMax-M2.5", "backend_version": "0.19.0"}, "fp8", 8192, None),
        ({"model": "openai/gpt-oss-120b", "quant": "NVFP4", "gpu": H100}, None, 8192, None),
        ({"model": "openai/gpt-oss-120b", "quant": "NVFP4"}, "fp8", 8192, None),
        ({"backend": "trtllm"}, "fp8", 16384, None),
        ({"backend": "trtllm", "model": "Qwen/Qwen3-32B"}, "fp8", 1152, None),
        (
            {"backend": "sglang", "model": "deepseek-ai/DeepSeek-R1", "quant": "NVFP4"},
            "fp8",
            16384,
            0.85,
        ),
        ({"backend": "sglang", "model": "deepseek-ai/DeepSeek-R1"}, "fp8", 32768, 0.82),
        ({"source": "gpustack", "arrival": "burst"}, None, None, None),
    ],
)
def test_settings_of_the_scripts(names: Names, given, cache, tokens, fraction):
    one = setting(names, **given)
    assert kv_cache_dtype_of(one) == cache
    assert batched_tokens_of(one) == tokens
    assert mem_fraction_static_of(one) == fraction


ARCHIVE = {
    "source": "archive_4x3090",
    "model": "Gemma-4-12B-it",
    "gpu": RTX3090,
    "prompt_tokens": 512.0,
    "output_tokens": 256.0,
    "metric": "total_output_tok_s",
}
LLAMA = {"backend": "llama.cpp-CUDA", "quant": "gguf-q4_k_m"}


@pytest.mark.parametrize(
    ("given", "slots", "found"),
    [
        ({"backend_version": "0.23.0"}, None, 496 / 512),
        ({"backend_version": "0.25.0"}, None, 0.0),
        ({"backend_version": "0.23.0", "model": "Qwen3.6-27B"}, None, 0.0),  # linear attention
        ({**LLAMA, "concurrency": 8}, 8, 248 / 512),
        ({**LLAMA, "concurrency": 32}, 8, 496 / 512),
        ({"source": "lmdeploy"}, None, 0.0),
    ],
)
def test_one_prompt_for_all_requests_is_found_in_the_cache(names: Names, given, slots, found):
    one = setting(names, **(ARCHIVE | given))
    assert slots_of(one) == slots
    assert prefix_hit_rate_of(one) == pytest.approx(found)
