from collections.abc import Callable, Mapping
from typing import Any

import pytest
from capcheck.manifest.deployment import Deployment
from capcheck.predict.coefficients import load
from capcheck.predict.speed.traits import (
    Traits,
    architecture,
    flags,
    kernel,
    link,
    link_gb_s,
    method,
    segment,
    traits_of,
)
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve

Stated = Callable[[Mapping[str, Any]], Deployment]
ENGINES = load().section("engines")


def traits(stated: Stated, registry: Registry, values: Mapping[str, Any]) -> Traits | None:
    return traits_of(resolve(stated(values), registry)[0], ENGINES)


@pytest.mark.parametrize(
    ("quant", "backend", "gpu", "expected"),
    [
        ("FP16", "vllm", "H100 80GB SXM", "16bit"),
        ("FP16", "ollama", "RTX 4090 24GB", "gguf-16"),
        ("FP8", "vllm", "H100 80GB SXM", "fp8"),
        ("FP8", "vllm", "H20 96GB", "fp8"),  # no rate is listed, but Hopper has the tensor cores
        ("FP8", "vllm", "A100 80GB SXM", "w8a16"),  # no FP8 tensor cores: weight-only
        ("NVFP4", "vllm", "B200 180GB SXM", "fp4"),
        ("NVFP4", "vllm", "H100 80GB SXM", "w4a16"),
        ("AWQ", "vllm", "L4 24GB", "w4a16"),
        ("GPTQ-INT8", "vllm", "L4 24GB", "w8a16"),
        ("W8A8", "vllm", "L4 24GB", "w8a8"),
        ("Q4_K_M", "llama.cpp", "RTX 4090 24GB", "gguf-k"),
        ("Q3_K_M", "llama.cpp", "RTX 4090 24GB", "gguf-k-low"),
        ("Q8_0", "llama.cpp", "RTX 4090 24GB", "gguf-8"),
        ("Q4_0", "llama.cpp", "RTX 4090 24GB", "gguf-legacy"),
        ("IQ3_XXS", "llama.cpp", "RTX 4090 24GB", "gguf-iq"),
    ],
)
def test_formats_are_grouped_by_the_kernels_they_run_on(
    registry: Registry, quant: str, backend: str, gpu: str, expected: str
):
    spec = registry.quant(quant, backend=backend).spec
    assert kernel(spec, registry.gpu(gpu).variants[0]) == expected


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        ("RTX 4090 24GB", "geforce"),
        ("RTX 4080 Laptop 12GB", "geforce"),
        ("GTX 1080 Ti 11GB", "geforce"),
        ("RTX 6000 Ada 48GB", "gddr"),
        ("RTX A6000 48GB", "gddr"),
        ("H100 80GB SXM", "hbm"),
        ("Apple M3 Max", "apple"),
        ("DGX Spark GB10 128GB", "soc"),
    ],
)
def test_geforce_cards_are_told_from_others(registry: Registry, gpu: str, expected: str):
    assert segment(registry.gpu(gpu).variants[0]) == expected


@pytest.mark.parametrize(
    ("backend", "version", "era"),
    [
        ("vllm", None, "2025"),
        ("vllm", "0.6.3", "2024"),
        ("vllm", "v0.11.0", "2025"),
        ("vllm", "0.2.1", "2023"),
        ("ollama", "0.1.30", "2024"),
        ("llama.cpp", "b6790", "2025"),
    ],
)
def test_an_unstated_release_is_a_recent_one(
    stated: Stated, registry: Registry, backend: str, version: str | None, era: str
):
    values = {
        "/model": "llama3.1-8b",
        "/quant": "Q8_0" if backend != "vllm" else "fp16",
        "/backend": backend,
        "/gpu": "RTX 4090 24GB",
    }
    if version:
        values["/backend_version"] = version
    found = traits(stated, registry, values)
    assert found is not None
    assert found.era == era


def test_a_backend_without_measurements_of_its_own_borrows_anothers(
    stated: Stated, registry: Registry
):
    found = traits(
        stated,
        registry,
        {"/model": "llama3.1-8b", "/quant": "fp16", "/backend": "tgi", "/gpu": "L4 24GB"},
    )
    assert found is not None
    assert found.host == "vllm/cuda"


def test_nothing_is_said_about_an_unknown_gpu(stated: Stated, registry: Registry):
    values = {"/model": "llama3.1-8b", "/quant": "fp16", "/backend": "vllm", "/gpu": "RTX 9999"}
    assert traits(stated, registry, values) is None


@pytest.mark.parametrize(
    ("quant", "expected"),
    [("FP16", "none"), ("AWQ", "awq"), ("GPTQ", "gptq"), ("GPTQ-INT8", "gptq8"), ("FP8", "fp8")],
)
def test_methods_tell_formats_of_one_kernel_apart(registry: Registry, quant: str, expected: str):
    assert method(registry.quant(quant, backend="transformers").spec) == expected


@pytest.mark.parametrize(
    ("gpu", "expected", "gb_s"),
    [
        ("H100 80GB SXM", "fast", 900.0),
        ("MI300X 192GB", "fast", 896.0),
        ("RTX 4090 24GB", "pcie", 64.0),
        ("A30 24GB", "pcie", 64.0),  # HBM on a card
        ("H100 80GB PCIe", "pcie", 128.0),  # a bridge is sold apart
        ("MI250 128GB", "fast", 600.0),  # not listed: what is usual with HBM
        ("RX 7900 XTX 24GB", "pcie", 64.0),
    ],
)
def test_the_link_between_gpus_is_a_fact(registry: Registry, gpu: str, expected: str, gb_s: float):
    [spec] = [each for each in registry.gpus if each.name == gpu]
    assert (link(spec), link_gb_s(spec)) == (expected, gb_s)


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        ("Apple M3 Max 40c", "apple"),
        ("Ryzen AI Max+ 395 128GB", "rdna3"),  # rdna3.5 is a revision
        ("RX 7900 XTX 24GB", "rdna3"),
        ("GTX 1660 6GB", "turing-tu11x"),  # no tensor cores
        ("T4 16GB", "turing"),
    ],
)
def test_architectures_are_those_of_the_cores(registry: Registry, gpu: str, expected: str):
    [spec] = [each for each in registry.gpus if each.name == gpu]
    assert architecture(spec) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("llama3.1-8b", ()),
        ("gpt-oss-120b", ("moe",)),
        ("qwen3.6-27b", ("hybrid",)),
        ("deepseek-r1", ("moe", "mla")),
        ("glm-5", ("moe", "mla", "sparse")),  # an indexer picks what attention reads
    ],
)
def test_what_is_special_about_a_model(registry: Registry, model: str, expected: tuple[str, ...]):
    assert flags(registry.model(model).spec) == expected
