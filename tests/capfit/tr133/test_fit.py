from pathlib import Path

import pytest
from capfit.tr133.fit import fit
from capfit.tr133.planner import DEFAULT_MULTIPLIERS, SHAPES
from capfit.tr133.records import Dataset, Throughput, Vram, read
from capfit.tr133.validate import Metrics, met, metrics, validate

from .conftest import ACTIVATION, OVERHEAD


def test_memory_in_two_passes(raw: Path):
    """The first pass takes the activation of short contexts for overhead: TR133's own bias."""
    records = [one for one in read(raw).vram if one.context_length == 512]
    low = fit(Dataset(vram=records))
    assert low.overhead_factor == pytest.approx(OVERHEAD, rel=0.02)
    assert low.overhead_factor > OVERHEAD
    whole = fit(read(raw))
    assert whole.activation_gb == pytest.approx(ACTIVATION, rel=0.05)
    assert whole.activation_gb < ACTIVATION


def test_memory_without_short_contexts_has_no_overhead():
    long = Vram("TR127", "llama3.2-1b", "transformers-gpu", "FP16", 4096, 3.0)
    assert fit(Dataset(vram=[long])).overhead_factor == 1.0


def test_rates(raw: Path):
    planner = fit(read(raw))
    assert planner.throughput["llama3.2-1b", "ollama", "FP16"] == 150.0
    assert planner.throughput["gpt2", "transformers-gpu", "FP16"] == 195.0
    assert planner.multipliers == DEFAULT_MULTIPLIERS
    factor, exponent = planner.power_law
    assert 0 < factor < 10000
    assert 0 < exponent < 5


def test_a_measured_multiplier_replaces_the_default():
    def rate(quant: str, tok_s: float) -> Throughput:
        return Throughput("TR130", "llama3.2-1b", "vllm", quant, tok_s, 1)

    planner = fit(Dataset(throughput=[rate("FP16", 100.0), rate("Q4_K_M", 250.0)]))
    assert planner.multipliers["Q4_K_M"] == 2.5
    assert planner.multipliers["Q8_0"] == 1.3


def test_the_power_law_recovers_its_own_points():
    rates = [
        Throughput("TR130", name, "vllm", "FP16", 120.0 * shape.params_b**-0.4, 1)
        for name, shape in SHAPES.items()
    ]
    factor, exponent = fit(Dataset(throughput=rates)).power_law
    assert (factor, exponent) == (pytest.approx(120.0), pytest.approx(0.4))


def test_scaling_keeps_the_best_fit(raw: Path):
    assert fit(read(raw)).serial == {
        ("llama3.2-1b", "ollama"): 0.5,
        ("llama3.2-1b", "vllm"): 0.8,
    }


def test_quality(raw: Path):
    planner = fit(read(raw))
    assert planner.quality_scores["llama3.2-1b", "FP16"] == pytest.approx(0.52)
    assert planner.quality_deltas == pytest.approx({"Q8_0": 0.02, "Q2_K": -0.10})
    assert planner.quality("llama3.2-1b", "Q2_K") == pytest.approx(0.42)
    assert planner.quality("phi-2", "Q8_0") == 0.5


def test_service_times(raw: Path):
    assert fit(read(raw)).service_ms == pytest.approx(
        {
            ("llama3.2-1b", "ollama"): 1000 * 128 / 150,
            ("llama3.2-3b", "ollama"): 1000 * 128 / 90,
        }
    )


def test_metrics():
    found = metrics([(1.0, 2.0), (4.0, 4.0)])
    assert found == Metrics(n=2, rmse=0.5**0.5, mae=0.5, mape=0.25, r2=0.5, bias=-0.5)
    assert metrics([]) is None


def test_targets():
    good = Metrics(n=1, rmse=0.05, mae=0, mape=0.2, r2=0.96, bias=0)
    bad = Metrics(n=1, rmse=0.2, mae=0, mape=0.3, r2=0.5, bias=0)
    for category in ("vram", "throughput", "quality", "latency"):
        assert met(category, good) is True
        assert met(category, bad) is False
        assert met(category, None) is None
    assert met("scaling", good) is None


def test_scaling_is_judged_on_the_predicted_rate_of_one(raw: Path):
    data = read(raw)
    found = validate(fit(data), data)["scaling"]
    assert found is not None
    assert found.n == 10
    # 1B has s = 0.5, eta(2) = 0.667; 3B the default 0.45, 0.645; both measured 0.6
    assert found.bias == pytest.approx((1 / 1.5 + 1 / 1.55) / 2 - 0.6)
