from dataclasses import replace

import pytest
from capcheck.predict.coefficients import load
from capcheck.predict.speed.fitted import LAWS, fitted
from capcheck.predict.speed.kernels import ceiling
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


def test_every_shipped_deviation_can_be_asked_for():
    """A deviation under a name that no trait produces would be dead weight or a typo."""
    for name, (section, traits_of, _) in LAWS.items():
        kinds = {trait.partition("=")[0] for trait in traits_of(replace(TRAITS, eager=True))}
        kinds |= {trait.partition("=")[0] for trait in traits_of(replace(TRAITS, flags=("moe",)))}
        shipped = load().section(section)[name]["deviations"]
        assert {key.partition("=")[0] for key in shipped} <= kinds
