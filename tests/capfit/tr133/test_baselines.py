from dataclasses import replace

import pytest
from capcheck.registry.tables import load
from capfit.tr133 import baselines
from capfit.tr133.artifact import as_json, from_json, printed
from capfit.tr133.planner import SHAPES, efficiency, shape_of
from capfit.tr133.validate import spot_checks

REGISTRY = load()


def model(name: str):
    return REGISTRY.model(name).spec


def quant(name: str, backend: str = "ollama"):
    return REGISTRY.quant(name, backend=backend).spec


def backend(name: str):
    return REGISTRY.backend(name).spec


REFERENCE = replace(REGISTRY.gpu("RTX 4080 Laptop 12GB").spec, bandwidth_gb_s=556.0)


def test_the_printed_coefficients_are_complete():
    planner = printed()
    assert len(planner.throughput) == 23  # TR133 says 22
    assert len(planner.serial) == 9
    assert len(planner.quality_scores) == 35
    assert len(planner.service_ms) == 9
    assert (planner.overhead_factor, planner.activation_gb) == (1.058, 0.00455)


def test_the_json_is_the_planner():
    assert from_json(as_json(printed())) == printed()


@pytest.mark.parametrize(
    ("number", "printed_value", "value"),
    [
        (1, 7.52, 7.52),
        (2, 17.82, 17.82),
        (3, 2.64, 2.64),
        (4, 146.3, 146.3),
        (5, 0.544, 0.544),
        (6, 1.0, 1.0),
        (7, 0.189, 0.189),
        (8, 0.097, 0.0972),
        (9, 0.1944, 0.1944),
        (10, 25.2, 25.2),
    ],
)
def test_spot_checks(number: int, printed_value: float, value: float):
    check = spot_checks(printed())[number - 1]
    assert check.passed
    assert check.value == pytest.approx(value, abs=6e-3 if value > 1 else 6e-4)
    assert value == pytest.approx(printed_value, rel=0.01)


def test_eta_as_stated_and_as_tabulated():
    """SS6.2 prints 0.154 for s = 0.813 at N = 8; its formula gives 0.433."""
    assert efficiency(0.813, 8) == pytest.approx(0.433, abs=1e-3)
    assert pytest.approx(0.149, abs=1e-3) == 1 / (1 + 0.813 * 7)


def test_the_32k_check_does_not_reproduce():
    """SS17.2: 12.40 GB; its own formula gives 140.8."""
    found = printed().vram_gb(SHAPES["llama3.2-3b"], 16, context_tokens=32768)
    assert found == pytest.approx(140.8, abs=0.1)


@pytest.mark.parametrize(
    ("name", "quant_name", "engine", "rate"),
    [
        ("llama3.2-1b", "FP16", "vllm", 137.4),  # look-up
        ("llama3.2-1b", "BF16", "vllm", 137.4),
        ("llama3.2-1b", "Q8_0", "ollama", 146.3 * 1.3),  # FP16 look-up x multiplier
        ("llama3.1-8b", "FP16", "vllm", 72.1 * 8.03026**-0.089),  # power law
        ("llama3.1-8b", "Q4_K_M", "ollama", 72.1 * 8.03026**-0.089 * 1.9),
        ("gpt2", "FP16", "transformers", 195.3),
    ],
)
def test_rates(name: str, quant_name: str, engine: str, rate: float):
    found = baselines.tok_s(model(name), quant(quant_name, engine), backend(engine), REFERENCE)
    assert found == pytest.approx(rate, rel=1e-5)


def test_rates_scale_with_bandwidth():
    twice = replace(REFERENCE, bandwidth_gb_s=1112.0)
    asked = model("llama3.2-1b"), quant("FP16", "vllm"), backend("vllm")
    assert baselines.tok_s(*asked, twice) == pytest.approx(2 * 137.4)
    assert baselines.tok_s(*asked, replace(REFERENCE, bandwidth_gb_s=None)) is None


def test_memory_uses_the_registrys_shape():
    spec = model("llama3.1-8b")
    shape = shape_of(spec)
    assert shape is not None
    assert baselines.vram_gib(spec, quant("BF16", "vllm"), context_tokens=2048) == pytest.approx(
        spec.params_b * 2 * 1.058 + 0.25 + 0.00455 * 32 * 4
    )
    unknown = replace(spec, n_layers=None)
    assert baselines.vram_gib(unknown, quant("BF16", "vllm"), context_tokens=2048) is None


def test_a_format_it_does_not_know_keeps_its_own_bits():
    spec, four = model("llama3.1-8b"), quant("AWQ", "vllm")
    found = baselines.vram_gib(spec, four, context_tokens=1)
    assert found == pytest.approx(spec.params_b * four.bits_per_weight / 8 * 1.058, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "quant_name", "score"),
    [
        ("llama3.2-1b", "Q2_K", 0.389),
        ("gpt2", "Q2_K", 0.290 - 0.104),
        ("mistral-7b", "Q4_K_M", 0.5),
        ("llama3.1-8b", "FP16", 0.5),  # no baseline: its own table says so
    ],
)
def test_quality(name: str, quant_name: str, score: float):
    assert baselines.quality(model(name), quant(quant_name)) == pytest.approx(score)


def test_latency():
    asked = model("llama3.2-1b"), quant("FP16", "vllm"), backend("vllm"), REFERENCE
    service = 128 / 137.4
    load = 0.5 * service
    wait = load * service / (2 * (1 - load))
    assert baselines.latency_p95_ms(*asked, request_rate_rps=0.5) == pytest.approx(
        1e3 * (service + 3 * wait)
    )
    assert baselines.latency_p95_ms(*asked, request_rate_rps=2.0) == float("inf")


def test_latency_of_several_agents():
    """SS17.4's s of 0.813: eight agents serve 8 / (0.813 + 0.187 x 8) = 3.46 times as many."""
    asked = model("llama3.2-1b"), quant("FP16", "vllm"), backend("vllm"), REFERENCE
    eight = baselines.latency_p95_ms(*asked, request_rate_rps=2.0, agents=8)
    assert eight is not None
    assert eight < 2e3


def test_rules_of_thumb():
    spec = model("llama3.1-8b")
    assert baselines.two_bytes_rule_gib(spec) == pytest.approx(2.4 * spec.params / 2**30)
    rate = baselines.bandwidth_rule_tok_s(spec, quant("BF16", "vllm"), REFERENCE)
    assert rate == pytest.approx(556e9 / (2 * (spec.params - spec.embedding_params)), rel=1e-3)
    assert (
        baselines.bandwidth_rule_tok_s(
            spec, quant("BF16", "vllm"), replace(REFERENCE, bandwidth_gb_s=None)
        )
        is None
    )
