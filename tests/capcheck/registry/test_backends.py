import pytest
from capcheck.registry.matches import BackendMatch, Miss
from capcheck.registry.rows import several
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()


@pytest.mark.parametrize(
    ("text", "name", "platform", "version"),
    [
        ("vLLM", "vllm", None, None),
        ("vllm 0.19.0 (V1)", "vllm", None, "0.19.0"),
        ("vllm==0.6.3", "vllm", None, "0.6.3"),
        ("sglang:v0.5.2", "sglang", None, "0.5.2"),
        ("text-generation-inference", "tgi", None, None),
        ("trtllm", "tensorrt-llm", None, None),
        ("TRT-LLM", "tensorrt-llm", None, None),
        ("TensorRT_LLM", "tensorrt-llm", None, None),
        ("llama-server", "llama.cpp", None, None),
        ("llamacpp", "llama.cpp", None, None),
        ("llama.cpp-CUDA", "llama.cpp", "cuda", None),
        ("llamafile-Metal", "llamafile", "metal", None),
        ("hf", "transformers", None, None),
        ("transformers-gpu-compile", "transformers", "gpu-compile", None),
        ("ollama 0.30.2 (llama-server)", "ollama", None, "0.30.2"),
        ("vllm V1", "vllm", None, None),
        ("vllm-mlx", "vllm-mlx", None, None),
        ("lmdeploy-turbomind", "lmdeploy", None, None),
        ("torchao-gptfast", "gpt-fast", None, None),
        ("exllamav3 0.0.43", "exllamav3", None, "0.0.43"),
    ],
)
def test_names(text: str, name: str, platform: str | None, version: str | None):
    match = REGISTRY.backend(text)
    assert isinstance(match, BackendMatch), match
    assert (match.spec.name, match.platform, match.version) == (name, platform, version)


def test_every_name_of_every_row_finds_its_row():
    for row in REGISTRY.rows("backends"):
        for name in (row["name"], *several(row["aliases"])):
            assert REGISTRY.backend(name).spec.name == row["name"], name


def test_an_engine_known_by_name_only_resolves_but_is_not_offered():
    found = REGISTRY.backend("exllamav3").spec
    assert not found.is_calibrated
    assert found not in REGISTRY.backends
    assert all(spec.is_calibrated for spec in REGISTRY.backends)
    assert "exllamav3" not in REGISTRY.backend("exllamav4").nearest


def test_engines_that_share_kernels_share_a_family():
    family = {spec.name: spec.engine_family for spec in REGISTRY.backends}
    assert {name for name, of in family.items() if of == "llama.cpp"} == {
        *("llama.cpp", "ollama", "llamafile"),
    }


@pytest.mark.parametrize(
    ("text", "nearest"), [("vlm", "vllm"), ("olama", "ollama"), ("sglan", "sglang")]
)
def test_nearest_backend(text: str, nearest: str):
    miss = REGISTRY.backend(text)
    assert isinstance(miss, Miss)
    assert miss.nearest == (nearest,)


@pytest.mark.parametrize("text", ["", "pytorch-threads", "mixed", "system", "hf-mem", "exllama"])
def test_what_is_no_backend(text: str):
    assert isinstance(REGISTRY.backend(text), Miss)


@given(st.text(max_size=250))
def test_look_ups_never_raise(text: str):
    assert isinstance(REGISTRY.backend(text), (BackendMatch, Miss))
