"""Weight formats in names and flags."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.quant import of_flag, of_name


@pytest.mark.parametrize(
    ("name", "engine", "quant"),
    [
        ("org/Model-7B-AWQ", "vllm", "awq"),
        ("org/Model-AWQ-INT4", "vllm", "awq"),
        ("org/Model-GPTQ-Int4", "vllm", "gptq"),
        ("org/Model-FP8-dynamic", "vllm", "fp8"),
        ("org/Model-NVFP4", "vllm", "nvfp4"),
        ("org/Model-bnb-4bit", "vllm", "bitsandbytes"),
        ("org/Model-quantized.w4a16", "vllm", "int4"),
        ("org/model-mxfp4-edited", "vllm", "mxfp4"),
        ("/models/Model-FP8", "vllm", "fp8"),
        ("org/Model-7B", "vllm", None),
        ("org/fp8/Model-7B", "vllm", None),
        ("org/Hawq-7B", "vllm", None),
        ("/m/Model.Q4_K_M.gguf", "llama.cpp", "gguf:Q4_K_M"),
        ("/m/Model-UD-Q8_K_XL-00001-of-00005.gguf", "llama.cpp", "gguf:UD-Q8_K_XL"),
        ("/m/model-q5_k_m.gguf", "llama.cpp", "gguf:q5_k_m"),
        ("/m/model-mxfp4.gguf", "llama.cpp", "gguf:mxfp4"),
        ("/m/model-IQ4_XS.gguf", "llama.cpp", "gguf:IQ4_XS"),
        ("/m/model.gguf", "llama.cpp", None),
        ("org/model-q4_0-gguf", "llama.cpp", "gguf:q4_0"),
        ("org/Model-GGUF", "llama.cpp", None),
        ("huggingface://org/m/M.Q6_K.gguf", "llama.cpp", "gguf:Q6_K"),
        ("org/Model-GGUF:UD-Q4_K_M", "llama.cpp", "gguf:UD-Q4_K_M"),
        ("llama3.1:8b-instruct-q4_K_M", "ollama", "gguf:q4_K_M"),
        ("llama3.2", "ollama", None),
        ("qwen2.5:7b", "ollama", None),
    ],
)
def test_names(name: str, engine: str, quant: str | None) -> None:
    assert of_name(name, engine) == quant


@pytest.mark.parametrize(
    ("value", "quant"),
    [("AWQ", "awq"), ("fp8", "fp8"), ("none", None), ("null", None), ("", None)],
)
def test_flags(value: str, quant: str | None) -> None:
    assert of_flag(value) == quant
