"""Money: whole instances, idle hours, spans of prices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capcheck.estimate import Estimate, unknown
from capcheck.manifest.deployment import Deployment
from capcheck.place import Place
from capcheck.predict.cost import HOURS_PER_MONTH, cost, instances, usd_per_million_tokens
from capcheck.predict.forecast import Distribution, Load
from capcheck.registry.specs import Price
from capcheck.resolution.resolved import Resolved
from hypothesis import given
from hypothesis import strategies as st

NONE = unknown("not predicted")
NO_LATENCY = Distribution(NONE, NONE, NONE, NONE, NONE)
CONSUMER = Price("tr133", None, "RTX 4080 12GB", 1, 0.035, None, None, "amortised", "TR133 SS8.2")
EIGHT = Price(
    "aws", "p5.48xlarge", "H100 80GB SXM", 8, 55.04, "us-east-1", "2026-08-01", "on-demand", "aws"
)


def measured(value: float, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(
        value, value if low is None else low, value if high is None else high, "interpolated", "law"
    )


def load_of(throughput: Estimate = NONE, capacity: Estimate = NONE) -> Load:
    return Load(throughput, capacity, NONE, NONE, NO_LATENCY, NO_LATENCY, NO_LATENCY, NO_LATENCY)


def resolved(
    price: Price | None,
    *others: Price,
    replicas: tuple[int, int] = (1, 1),
    gpus_per_replica: int = 1,
) -> Resolved:
    return Resolved(
        deployment=Deployment("d", "capcheck.yaml", Place("capcheck.yaml", 1, 1, 2)),
        model=None,
        quant=None,
        backend=None,
        gpu=None,
        gpu_variants=(),
        price=price,
        price_variants=others,
        replicas_min=replicas[0],
        replicas_max=replicas[1],
        gpus_per_replica=gpus_per_replica,
        usable_gib=None,
        reserved_gib=0.0,
        engine=None,
        origins={},
    )


def test_a_month_has_730_hours():
    assert HOURS_PER_MONTH == 730
    month = cost(resolved(CONSUMER), load_of()).usd_month
    assert month.value == pytest.approx(25.55)
    assert (month.low, month.high) == (month.value, month.value)
    assert "TR133 SS8.2, undated" in month.basis


def test_replicas_min_is_the_value_and_max_what_the_budget_sees():
    money = cost(resolved(CONSUMER, replicas=(2, 5)), load_of())
    assert money.usd_month.value == pytest.approx(2 * 25.55)
    assert money.usd_month_max.value == pytest.approx(5 * 25.55)


@pytest.mark.parametrize(
    ("replicas", "gpus_per_replica", "gpus_per_instance", "billed"),
    [
        (1, 1, 1, 1),
        (3, 1, 1, 3),
        (1, 1, 8, 1),
        (8, 1, 8, 1),
        (9, 1, 8, 2),
        (1, 4, 8, 1),
        (3, 4, 8, 2),
        (2, 3, 8, 1),  # two replicas of 3 in an instance of 8
        (3, 3, 8, 2),
        (2, 5, 8, 2),  # a second replica of 5 does not fit beside the first
        (2, 16, 8, 4),
        (1, 4, 1, 4),
    ],
)
def test_whole_instances_are_billed(
    replicas: int, gpus_per_replica: int, gpus_per_instance: int, billed: int
):
    assert billed == instances(
        replicas=replicas,
        gpus_per_replica=gpus_per_replica,
        gpus_per_instance=gpus_per_instance,
    )


def test_one_gpu_of_an_eight_gpu_instance_costs_all_eight():
    money = cost(resolved(EIGHT), load_of())
    assert money.usd_month.value == pytest.approx(55.04 * 730)
    assert "1 x $55.04/h (p5.48xlarge), 8 GPU(s) each: aws" in money.usd_month.basis


def test_tokens_are_paid_for_at_the_stated_traffic_and_at_capacity():
    money = cost(resolved(CONSUMER), load_of(measured(10.0), measured(100.0)))
    assert money.usd_per_million_tokens.value == pytest.approx(0.9722, abs=1e-4)
    assert money.usd_per_million_tokens_at_capacity.value == pytest.approx(0.09722, abs=1e-5)


def test_slow_tokens_are_the_dear_end_of_the_interval():
    money = cost(resolved(CONSUMER), load_of(capacity=measured(100.0, 80.0, 125.0)))
    per_million = money.usd_per_million_tokens_at_capacity
    assert per_million.low == pytest.approx(0.0778, abs=1e-4)
    assert per_million.high == pytest.approx(0.1215, abs=1e-4)
    assert per_million.provenance == "interpolated"


def test_an_ambiguous_gpu_spans_its_prices():
    cheaper, dearer = replace(CONSUMER, usd_per_hour=0.03), replace(CONSUMER, usd_per_hour=0.05)
    month = cost(resolved(CONSUMER, cheaper, dearer), load_of()).usd_month
    assert (month.low, month.value, month.high) == pytest.approx((21.9, 25.55, 36.5))


def test_without_a_price_everything_is_unknown():
    money = cost(resolved(None), load_of(measured(10.0), measured(100.0)))
    assert money.usd_month.value is money.usd_per_million_tokens.value is None
    assert "usd_per_gpu_hour" in money.usd_month.basis


def test_without_traffic_only_the_price_per_token_is_unknown():
    money = cost(resolved(CONSUMER), load_of())
    assert money.usd_month.known
    assert money.usd_per_million_tokens.value is None
    assert money.usd_per_million_tokens.basis == "not predicted"


def test_idle_for_ever_costs_no_finite_amount_per_token():
    money = cost(resolved(CONSUMER), load_of(measured(0.0)))
    assert money.usd_per_million_tokens.value is None


@given(st.integers(1, 64), st.integers(1, 16), st.sampled_from([1, 2, 4, 8]))
def test_instances_hold_all_gpus_and_never_shrink(replicas: int, gpus: int, size: int):
    billed = instances(replicas=replicas, gpus_per_replica=gpus, gpus_per_instance=size)
    assert billed * size >= replicas * gpus
    assert billed <= instances(replicas=replicas + 1, gpus_per_replica=gpus, gpus_per_instance=size)


@given(st.floats(0.001, 100), st.floats(0.1, 1e5))
def test_twice_as_fast_is_half_the_price(usd_per_hour: float, tok_s: float):
    once = usd_per_million_tokens(usd_per_hour=usd_per_hour, tok_s=tok_s)
    assert usd_per_million_tokens(usd_per_hour=usd_per_hour, tok_s=2 * tok_s) == pytest.approx(
        once / 2
    )
