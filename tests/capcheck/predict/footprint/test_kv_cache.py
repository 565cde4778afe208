"""Cache bytes against the published figure of every model in the registry."""

from __future__ import annotations

import pytest
from capcheck.predict.footprint.kv_cache import bytes_of_context, bytes_per_token, cache_shape
from capcheck.registry.specs import ModelSpec
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()
models = st.sampled_from(REGISTRY.models)


def model(name: str) -> ModelSpec:
    return REGISTRY.model(name).spec


@pytest.mark.parametrize(
    "spec",
    [spec for spec in REGISTRY.models if spec.kv_bytes_per_token_16bit is not None],
    ids=lambda spec: spec.name,
)
def test_published_bytes_per_token_are_those_of_all_or_of_the_full_layers(spec: ModelSpec):
    shape = cache_shape(spec)
    assert shape is not None
    assert spec.kv_bytes_per_token_16bit in (
        2 * shape.full,
        2 * (shape.full + shape.sliding),
    )


@pytest.mark.parametrize(
    ("name", "bytes_of_a_token"),
    [
        ("llama3.1-8b", 2 * 32 * 8 * 128 * 2),
        ("qwen2.5-0.5b", 2 * 24 * 2 * 64 * 2),
        ("phi-2", 2 * 32 * 32 * 80 * 2),
        ("deepseek-v3", 61 * (512 + 64) * 2),  # MLA: one latent and its rotary part a layer
        ("deepseek-v3.2", 61 * (512 + 64) * 2 + 61 * 132),  # and the sparse index
        ("qwen3-next-80b-a3b", 2 * 12 * 2 * 256 * 2),  # 36 of 48 layers keep no cache
        ("llama3.2-vision-11b", 2 * 32 * 8 * 128 * 2),  # 8 cross-attention layers see images only
    ],
)
def test_bytes_per_token_by_architecture(name: str, bytes_of_a_token: int):
    assert bytes_per_token(model(name), bytes_per_element=2) == bytes_of_a_token


def test_sliding_layers_stop_at_their_window():
    gemma = model("gemma3-27b")
    layer = 2 * 16 * 128 * 2
    assert bytes_of_context(gemma, tokens=1024, bytes_per_element=2) == 62 * layer * 1024
    expected = 10 * layer * 8192 + 52 * layer * 1024
    assert bytes_of_context(gemma, tokens=8192, bytes_per_element=2) == expected


def test_an_unpublished_kind_of_attention_is_unknown():
    assert bytes_per_token(model("deepseek-v4-pro"), bytes_per_element=2) is None
    assert bytes_of_context(model("gemma4-e4b"), tokens=1, bytes_per_element=2) is None


@given(models, st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_longer_context_never_takes_less(spec: ModelSpec, one: float, other: float):
    shorter, longer = (
        bytes_of_context(spec, tokens=tokens, bytes_per_element=2)
        for tokens in sorted((one, other))
    )
    if shorter is not None:
        assert longer is not None
        assert shorter <= longer


@given(models, st.floats(1, 1e6))
def test_windows_only_ever_save(spec: ModelSpec, tokens: float):
    per_token = bytes_per_token(spec, bytes_per_element=2)
    if per_token is not None:
        held = bytes_of_context(spec, tokens=tokens, bytes_per_element=2)
        assert held is not None
        assert held <= per_token * tokens * (1 + 1e-9)


@given(models)
def test_an_eight_bit_cache_is_half_a_sixteen_bit_one(spec: ModelSpec):
    wide, narrow = (bytes_per_token(spec, bytes_per_element=size) for size in (2, 1))
    if wide is not None and "DSA" not in spec.attention:
        assert narrow == wide / 2
