from dataclasses import replace

import pytest
from capcheck.predict.coefficients import load
from capcheck.predict.speed.fitted import LAWS, ceiling, fitted
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
STRANGER = Traits(
    engine="none",
    platform="none",
    era="none",
    kernel="none",
    memory="none",
    architecture="none",
    segment="none",
    gpu="none",
    link="none",
    tensor_parallel_size=1024,
    flags=("none",),
)


@pytest.mark.parametrize("traits", [TRAITS, STRANGER, replace(TRAITS, eager=True)])
def test_coefficients_stay_inside_physical_bounds(traits: Traits):
    values = fitted(traits, load())
    assert 0.0 < values.efficiency <= 1.05
    assert 0.0 < values.utilisation <= ceiling(traits)
    for name in LAWS:
        assert getattr(values, name) > 0.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 1.05),
        ({"kernel": "fp8"}, 2.1),
        ({"kernel": "fp4"}, 4.2),
        ({"segment": "geforce"}, 2.1),
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


def test_every_shipped_deviation_can_be_asked_for():
    """A deviation under a name that no trait produces would be dead weight or a typo."""
    for name, (section, traits_of, _) in LAWS.items():
        kinds = {trait.partition("=")[0] for trait in traits_of(replace(TRAITS, eager=True))}
        kinds |= {trait.partition("=")[0] for trait in traits_of(replace(TRAITS, flags=("moe",)))}
        shipped = load().section(section)[name]["deviations"]
        assert {key.partition("=")[0] for key in shipped} <= kinds
