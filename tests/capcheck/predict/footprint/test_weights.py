"""Published file sizes and engine logs against the computed bytes, and what must hold for all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from capcheck.predict.footprint.tensors import tensors
from capcheck.predict.footprint.weights import (
    embedding_bytes,
    expert_coverage,
    loaded_bytes,
    read_bytes,
)
from capcheck.registry.specs import ModelSpec, QuantSpec
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

GIB = 2**30
REGISTRY = load()

GGUF_BY_BITS = (
    *("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"),
    *("Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0", "F16"),
)

models = st.sampled_from(REGISTRY.models)
quants = st.sampled_from(REGISTRY.quants)


def model(name: str) -> ModelSpec:
    return REGISTRY.model(name).spec


def quant(name: str, backend: str | None = None) -> QuantSpec:
    return REGISTRY.quant(name, backend=backend).spec


# GiB of GGUF files without their metadata: llama.cpp's quantize README and llama-bench outputs.
@pytest.mark.parametrize(
    ("model_name", "quant_name", "published_gib"),
    [
        ("llama3.1-8b", "Q2_K", 2.953),
        ("llama3.1-8b", "Q3_K_S", 3.406),
        ("llama3.1-8b", "Q3_K_M", 3.736),
        ("llama3.1-8b", "Q4_0", 4.334),
        ("llama3.1-8b", "Q4_K_M", 4.575),
        ("llama3.1-8b", "Q5_K_M", 5.332),
        ("llama3.1-8b", "Q6_K", 6.136),
        ("llama3.1-8b", "Q8_0", 7.947),
        ("llama3.2-1b", "Q2_K", 0.534),
        ("llama3.2-1b", "Q4_K_M", 0.745),
        ("llama3.2-3b", "Q4_K_M", 1.873),
        ("qwen2.5-1.5b", "Q4_K_M", 0.913),
        ("qwen2.5-7b", "Q4_K_M", 4.356),
        ("phi-2", "Q4_K_M", 1.664),
        ("mistral-7b", "Q3_K_M", 3.280),
        ("llama3-70b", "Q4_K_M", 39.59),
        ("llama3-70b", "Q2_K", 24.56),
        ("llama2-70b", "Q4_K_M", 38.54),
        ("llama2-7b", "Q4_K_M", 3.80),
        ("qwen3-32b", "Q8_0", 32.421),
        ("qwen3-coder-30b", "Q8_0", 30.25),
        ("gpt-oss-20b", "MXFP4 (GGUF)", 11.27),
        ("gpt-oss-120b", "MXFP4 (GGUF)", 59.02),
    ],
)
def test_gguf_sizes_are_those_of_published_files(
    model_name: str, quant_name: str, published_gib: float
):
    size = loaded_bytes(model(model_name), quant(quant_name)) / GIB
    assert size == pytest.approx(published_gib, rel=0.003)


# Weights as vLLM logs them, all ranks together. 4-bit: issue 13882; the rest: llm-d-planner.
@pytest.mark.parametrize(
    ("model_name", "quant_name", "logged_gib"),
    [
        ("qwen2.5-7b", "AWQ", 5.2032),
        ("qwen2.5-7b", "FP8", 8.14),
        ("qwen2.5-7b", "BF16", 14.25),
        ("llama3.3-70b", "FP8", 67.72),
        ("llama3.1-405b", "FP8-fbgemm", 462.0),
        ("mistral-small3.1-24b", "W8A8", 24.07),
        ("mixtral-8x7b", "BF16", 87.02),
        ("qwen3-0.6b", "BF16", 1.12),
        ("qwen3-30b-a3b", "BF16", 56.88),
        ("deepseek-v2-lite", "BF16", 29.43),
        ("gpt-oss-20b", "MXFP4", 13.47),
        ("gpt-oss-120b", "MXFP4", 64.38),
        ("minimax-m2", "FP8-block", 214.317),
    ],
)
def test_checkpoint_sizes_are_those_that_engines_log(
    model_name: str, quant_name: str, logged_gib: float
):
    size = loaded_bytes(model(model_name), quant(quant_name, "vllm")) / GIB
    assert size == pytest.approx(logged_gib, rel=0.01)


@given(models)
def test_tensors_account_for_every_parameter(spec: ModelSpec):
    split = tensors(spec)
    counts = [getattr(split, name) for name in split.__slots__]
    assert min(counts) >= 0
    assert sum(counts) == pytest.approx(spec.params, rel=1e-9)


@given(models)
def test_sixteen_bits_are_two_bytes_a_parameter(spec: ModelSpec):
    assert loaded_bytes(spec, quant("BF16", "vllm")) == pytest.approx(2 * spec.params, rel=1e-9)


@given(models, st.sampled_from(list(pairwise(GGUF_BY_BITS))))
def test_more_bits_are_never_fewer_bytes(spec: ModelSpec, pair: tuple[str, str]):
    fewer, more = (loaded_bytes(spec, quant(name, "llama.cpp")) for name in pair)
    assert fewer <= more


@given(models, quants, st.floats(1, 512), st.floats(1, 512))
def test_reading_grows_with_sequences_and_never_exceeds_what_is_loaded(
    spec: ModelSpec, fmt: QuantSpec, one: float, other: float
):
    fewer, more = sorted((one, other))
    read = read_bytes(spec, fmt, sequences=fewer)
    assert 0 < read <= read_bytes(spec, fmt, sequences=more) <= loaded_bytes(spec, fmt) * (1 + 1e-9)


def test_an_untied_input_embedding_is_not_read():
    spec, fmt = model("llama3.1-8b"), quant("BF16", "vllm")
    unread = loaded_bytes(spec, fmt) - read_bytes(spec, fmt, sequences=1)
    assert unread == pytest.approx(128256 * 4096 * 2 + 2 * tensors(spec).unquantised)
    assert embedding_bytes(spec, fmt) == 128256 * 4096 * 2


def test_a_tied_embedding_is_read_once_as_the_head():
    spec, fmt = model("llama3.2-1b"), quant("BF16", "vllm")
    assert read_bytes(spec, fmt, sequences=1) == pytest.approx(loaded_bytes(spec, fmt), rel=1e-3)


@pytest.mark.parametrize(
    ("model_name", "sequences", "touched"),
    [
        ("mixtral-8x7b", 1, 2 / 8),
        ("mixtral-8x7b", 2, 1 - (6 / 8) ** 2),
        ("qwen3-30b-a3b", 1, 8 / 128),
        ("qwen3-30b-a3b", 32, 1 - (120 / 128) ** 32),
        ("llama3.1-8b", 7, 1.0),
    ],
)
def test_experts_touched_by_a_step(model_name: str, sequences: int, touched: float):
    assert expert_coverage(model(model_name), sequences=sequences) == pytest.approx(touched)


def test_one_sequence_reads_the_active_parameters_of_a_mixture():
    spec, fmt = model("mixtral-8x7b"), quant("BF16", "vllm")
    read = read_bytes(spec, fmt, sequences=1)
    assert read == pytest.approx(2 * (spec.active_params - 32000 * 4096), rel=0.001)
