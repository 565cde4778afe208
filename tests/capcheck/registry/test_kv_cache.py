import pytest
from capcheck.registry.matches import KvCacheDtypeMatch, Miss
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()


@pytest.mark.parametrize(
    ("text", "backend", "dtype", "size"),
    [
        ("fp8", "vllm", "fp8", 1),
        ("fp8_e4m3", "vllm", "fp8", 1),
        ("fp8_e4m3", "sglang", "fp8_e4m3", 1),
        ("FP16", "ollama", "f16", 2),
        ("q8_0", "ollama", "q8_0", 1.0625),
        ("q4_0", "llama.cpp", "q4_0", 0.5625),
        ("nvfp4", "vllm", "nvfp4", 0.5625),
        ("fp8_ds_mla", "vllm", "fp8_ds_mla", None),
    ],
)
def test_dtypes(text: str, backend: str, dtype: str, size: float | None):
    match = REGISTRY.kv_cache_dtype(text, backend=backend)
    assert (match.dtype, match.bytes_per_element) == (dtype, size)


def test_a_dtype_of_another_engine_is_a_miss():
    assert isinstance(REGISTRY.kv_cache_dtype("q8_0", backend="vllm"), Miss)
    assert REGISTRY.kv_cache_dtype("fp8_e4m4", backend="sglang").nearest == ("fp8_e4m3", "fp8_e5m2")


def test_every_engine_has_one_default():
    defaults = [entry.backend for entry in REGISTRY.kv_cache_dtypes if entry.is_default]
    assert sorted(defaults) == sorted(spec.name for spec in REGISTRY.backends)


@given(st.text(max_size=250), st.sampled_from([spec.name for spec in REGISTRY.backends]))
def test_look_ups_never_raise(text: str, backend: str):
    found = REGISTRY.kv_cache_dtype(text, backend=backend)
    assert isinstance(found, (KvCacheDtypeMatch, Miss))
