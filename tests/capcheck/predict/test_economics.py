"""Energy against what was measured, and the rate at which a hosted API costs as much."""

from __future__ import annotations

from datetime import date
from statistics import median

import pytest
from capcheck.judge import Context, judge
from capcheck.manifest.load import load
from capcheck.predict import coefficients
from capcheck.predict.economics import Rates, economics
from capcheck.registry import tables

MANIFEST = b"""version: 1
deployments:
  it:
    model: llama3.1-8b
    quant: FP16
    backend: vllm
    gpu: H100 80GB SXM
    usd_per_gpu_hour: 2
    traffic: {requests_per_second: 1, prompt_tokens: 1000, output_tokens: 500}
"""


@pytest.fixture(scope="module")
def checked():
    (deployment,) = load(MANIFEST, "capcheck.yaml")
    return judge(deployment, Context(tables.load(), coefficients.load(), date(2026, 11, 23)))


# Model, watts and joules per token while decoding one stream, of a laptop GPU of 150 W: TR123,
# tables 5.1 and 6.2 (NVML, 100 ms; transformers in FP16, compiled and eager).
MEASURED = (
    ("gpt2", 39.4, 0.100),
    ("gpt2", 27.7, 0.142),
    ("llama3.2-1b", 106.7, 0.793),
    ("llama3.2-1b", 47.3, 0.672),
    ("qwen2.5-1.5b", 99.4, 1.057),
    ("qwen2.5-1.5b", 40.7, 1.021),
    ("phi-2", 119.2, 1.918),
    ("phi-2", 67.4, 1.415),
    ("llama3.2-3b", 62.5, 1.674),
)
LAPTOP = """version: 1
deployments:
  it:
    model: {model}
    quant: FP16
    backend: transformers
    gpu: RTX 4080 Laptop 12GB
    serving: {{max_model_len: 1024}}
    traffic: {{agents: 1, prompt_tokens: 256, output_tokens: 128}}
"""


def judged(manifest: str):
    (deployment,) = load(manifest.encode(), "capcheck.yaml")
    return judge(deployment, Context(tables.load(), coefficients.load(), date(2026, 11, 23)))


def beside(manifest: str):
    checked = judged(manifest)
    return economics(checked.resolved, checked.forecast, Rates())


def test_energy_against_what_was_measured():
    """Watts: right in the middle, within 42 % for half of the rows, at worst 123 % too many.

    Joules per token: half of them within 50 %, 34 % too many in the middle, at worst 222 % (a model
    of 0.12 B, compiled).
    """
    found = [
        (beside(LAPTOP.format(model=model)), watts, joules) for model, watts, joules in MEASURED
    ]
    off_w = [one.power_w.value / watts - 1 for one, watts, _ in found]
    off_j = [one.energy_j_per_token.value / joules - 1 for one, _, joules in found]
    assert median(off_w) == pytest.approx(0.0, abs=0.05)
    assert median(map(abs, off_w)) < 0.42
    assert max(map(abs, off_w)) < 1.23
    assert median(off_j) == pytest.approx(0.34, abs=0.08)
    assert median(map(abs, off_j)) < 0.55
    assert max(map(abs, off_j)) < 2.4
    assert all(one.power_w.low <= watts <= one.power_w.high for one, watts, _ in found)
    inside = [one.energy_j_per_token.low <= j <= one.energy_j_per_token.high for one, _, j in found]
    assert sum(inside) >= 8


QUIET = """version: 1
deployments:
  it:
    model: llama3.1-8b
    quant: FP8
    backend: vllm
    gpu: L4 24GB
    traffic: {requests_per_second: 0.2, profile: chat}
"""


def test_a_quiet_gpu_is_busy_while_any_request_runs():
    """72 W for the 8 s that a request of 256 tokens takes alone, of which 42 % are drawn: about a
    joule a token, however small the share of what could be served."""
    checked = judged(QUIET)
    load_ = checked.forecast.load
    assert load_.utilisation.value < 0.1 < load_.busy.value
    assert 0.5 < beside(QUIET).energy_j_per_token.value < 1.5


def test_energy_is_that_of_the_mean_rate_not_of_the_peak():
    peak = QUIET.replace("0.2,", "{mean: 0.2, peak: 0.6},")
    assert beside(peak).power_w.value == pytest.approx(beside(QUIET).power_w.value, rel=0.15)


def test_one_slot_is_as_busy_as_it_is_used():
    one = QUIET.replace("vllm", "ollama").replace("FP8", "Q4_K_M").replace("0.2", "0.05")
    load_ = judged(one).forecast.load
    assert load_.busy.value == pytest.approx(load_.utilisation.value, rel=0.02)


def test_energy_costs_what_its_kilowatt_hours_do(checked):
    found = economics(checked.resolved, checked.forecast, Rates(usd_per_kwh=0.2))
    assert found.energy_usd_month.value == pytest.approx(0.2 * found.energy_kwh_month.value)
    assert found.energy_kwh_month.value == pytest.approx(0.73 * found.power_w.value)
    tok_s = checked.forecast.load.throughput_tok_s.value
    assert found.energy_j_per_token.value == pytest.approx(found.power_w.value / tok_s)
    assert found.price_kind == "stated"


def test_break_even_with_a_hosted_api(checked):
    """$1 and $4 per million: 1000 and 500 tokens cost 0.3 cents; $2/h buy 667 requests an hour."""
    rates = Rates(api_usd_per_million_input=1.0, api_usd_per_million_output=4.0)
    found = economics(checked.resolved, checked.forecast, rates)
    assert found.break_even_rps.value == pytest.approx(2 / 0.003 / 3600)
    assert found.api_usd_month.value == pytest.approx(0.003 * 3600 * 730)


def test_what_was_not_stated_is_unknown(checked):
    found = economics(checked.resolved, checked.forecast, Rates())
    assert not found.energy_usd_month.known
    assert not found.break_even_rps.known
    assert not found.api_usd_month.known


def test_no_break_even_beyond_what_can_be_served(checked):
    most = checked.forecast.load.saturation_rps.value
    usd = checked.forecast.cost.usd_month.value
    tokens = checked.resolved.deployment.traffic.output_tokens.mean
    at_most = usd / (most * 3600 * 730) / tokens * 1e6
    dear, cheap = (
        economics(checked.resolved, checked.forecast, Rates(api_usd_per_million_output=price))
        for price in (at_most * 1.01, at_most * 0.99)
    )
    assert dear.break_even_rps.value == pytest.approx(most / 1.01)
    assert not cheap.break_even_rps.known
    assert cheap.break_even_rps.basis.startswith("at no rate that it can serve")
    assert cheap.api_usd_month.known
