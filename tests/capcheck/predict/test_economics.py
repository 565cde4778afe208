"""Energy against what was measured, and the rate at which a hosted API costs as much."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

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


# Watts while decoding, of a laptop GPU of 150 W: TR123, tables 5.1.
MEASURED_W = (27.7, 39.4, 40.7, 47.3, 62.5, 67.4, 99.4, 106.7, 119.2)


@pytest.mark.parametrize("watts", MEASURED_W)
def test_power_at_full_load_spans_what_was_measured(checked, watts):
    laptop = replace(checked.resolved, gpu=tables.load().gpu("RTX 4080 Laptop 12GB").spec)
    load_ = checked.forecast.load
    full = replace(load_.utilisation, value=1.0, low=1.0, high=1.0)
    forecast = replace(checked.forecast, load=replace(load_, utilisation=full))
    power = economics(laptop, forecast, Rates()).power_w
    assert power.high == 150.0
    assert power.low <= watts <= power.high


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
