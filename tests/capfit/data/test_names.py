import pytest
from capcheck.registry.tables import load
from capfit.data.names import Names, Subject, Unresolved

from .conftest import decode


@pytest.mark.parametrize(
    ("model", "backend", "stated", "true"),
    [
        ("llama3.2-1b", "ollama", None, "Q8_0"),  # ground rule 2: what the default tags pull
        ("qwen2.5-1.5b", "ollama", None, "Q4_K_M"),
        ("llama3.2-3b", "ollama", None, "Q4_K_M"),
        ("llama3.2-3b", "ollama", "F16", "F16"),
        ("llama3.2-3b", "vllm", "FP16", "FP16"),
        ("llama3.2-3b", "llama.cpp-CUDA", "FP16", "F16"),
        ("llama3.2-3b", "llama.cpp-CUDA", "gguf-q6_k", "Q6_K"),
        ("llama3.2-3b", "vllm", "AWQ-INT4", "AWQ"),
    ],
)
def test_the_true_quant(names: Names, model: str, backend: str, stated: str | None, true: str):
    found = names.subject(decode(1.0, model=model, backend=backend, quant=stated))
    assert isinstance(found, Subject)
    assert found.quant.name == true


@pytest.mark.parametrize(
    ("given", "unresolved"),
    [
        ({"quant": None, "backend": "vllm"}, Unresolved("quant", "", "not stated")),
        ({"model": "no-such-model-9b"}, Unresolved("model", "no-such-model-9b")),
        ({"quant": "Q99"}, Unresolved("quant", "Q99")),
        ({"backend": "no-such-engine"}, Unresolved("backend", "no-such-engine")),
        ({"gpu": "No Such GPU 7"}, Unresolved("gpu", "No Such GPU 7")),
        ({"gpu": None}, Unresolved("gpu", "", "not stated")),
    ],
)
def test_nothing_is_guessed(names: Names, given: dict[str, str | None], unresolved: Unresolved):
    assert names.subject(decode(1.0, **given)) == (unresolved,)


def test_an_unknown_model_has_no_tag(names: Names):
    found = names.subject(decode(1.0, model="no-such-model-9b", quant=None))
    assert [name.kind for name in found] == ["model", "quant"]


@pytest.mark.parametrize(
    ("backend", "gpu", "platform"),
    [
        ("llama.cpp-CUDA", "RTX 4090 24GB", "cuda"),
        ("llama.cpp-Vulkan", "RTX 4090 24GB", "vulkan"),
        ("llama.cpp-ROCm", "Strix Halo 8060S 128GB", "rocm"),
        ("llama.cpp-?", "Apple M2 Ultra 76c", "metal"),
        ("ollama", "RTX 4090 24GB", "cuda"),
        ("vllm", "MI300X 192GB", "rocm"),
        ("vllm", "Data Center GPU Max 1550 128GB", "xpu"),
        ("vllm", "Gaudi2 96GB", "hpu"),
        ("transformers-gpu-compile", "RTX 4090 24GB", "cuda"),
    ],
)
def test_platforms(names: Names, backend: str, gpu: str, platform: str):
    found = names.subject(decode(1.0, backend=backend, gpu=gpu, quant="Q8_0"))
    assert isinstance(found, Subject)
    assert found.platform == platform


def test_engines_of_one_family(names: Names):
    found = [names.subject(decode(1.0, backend=name)) for name in ("ollama", "llamafile-CUDA")]
    assert {one.backend.engine_family for one in found if isinstance(one, Subject)} == {"llama.cpp"}


def test_the_registry_is_what_is_given():
    assert isinstance(Names(load()).model("llama3.1-8b").name, str)
