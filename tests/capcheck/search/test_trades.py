"""What an alternative gives up, what a limit would have to give, and what a fleet should change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capcheck.check import check
from capcheck.judge import judge
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    LatencyLimit,
    QualityLimit,
    Replicas,
    Serving,
    Slo,
)
from capcheck.numbers import amount, enough
from capcheck.report import ways
from capcheck.report.pen import Pen
from capcheck.report.trades import planned
from capcheck.search.find import find
from capcheck.search.fleet import SHARED_UTILISATION, plan
from capcheck.search.offer import alternative
from capcheck.search.wanted import Wanted
from capcheck.search.worse import worse

from tests.capcheck.search.test_find import DEAR, apply

THOROUGH = Wanted(thorough=True)


def test_nothing_is_worse_than_itself(context):
    forecast = judge(DEAR, context).forecast
    assert worse(forecast, forecast) == ()


def test_half_the_replicas_are_slower_and_have_half_the_capacity(context):
    one = judge(replace(DEAR, replicas=Replicas(1, 1)), context).forecast
    two = judge(replace(DEAR, replicas=Replicas(2, 2)), context).forecast
    assert any(said.startswith("capacity") and "(−50 %)" in said for said in worse(two, one))
    assert any(said.startswith("cost") and "(+100 %)" in said for said in worse(one, two))


def test_a_relaxed_limit_is_enough_and_a_tenth_less_is_not(context):
    limit = LatencyLimit("latency", 95, 400.0, "/slo/latency_p95")
    today = replace(DEAR, slo=Slo((limit,)))
    found = find(judge(today, context), context)
    assert found.alternatives == ()
    (latency,) = [one for one in found.relaxations if one.gate.name == "latency"]
    assert latency.needed > 400.0
    chosen = apply(today, latency.by)
    enough = replace(limit, limit_ms=latency.needed * 1.001)
    assert judge(replace(chosen, slo=Slo((enough,))), context).verdict == "pass"
    less = replace(limit, limit_ms=latency.needed * 0.9)
    assert judge(replace(chosen, slo=Slo((less,))), context).verdict != "pass"


def test_a_budget_that_is_too_small_says_what_would_do(context):
    today = replace(DEAR, budget=Budget(monthly_usd=40.0))
    found = find(judge(today, context), context)
    assert found.alternatives == ()
    (money,) = [one for one in found.relaxations if one.gate.name == "budget"]
    chosen = apply(replace(today, budget=Budget(monthly_usd=money.needed)), money.by)
    assert judge(chosen, context).verdict == "pass"


@pytest.mark.parametrize(
    ("value", "unit", "sense", "expected"),
    [
        (0.5279, "", "min", 0.527),
        (0.52, "", "min", 0.52),
        (18_512.0, "ms", "max", 18_600.0),
        (304.2, "ms", "max", 305.0),
        (7_300.0, "$/month", "max", 7_300.0),
        (36.471, "$/month", "max", 36.48),
        (1_234.9, "tok/s", "min", 1_234.0),
    ],
)
def test_a_limit_as_it_is_shown_is_enough(value, unit, sense, expected):
    needed = enough(value, unit, sense)
    assert needed == pytest.approx(expected, rel=1e-12)
    assert amount(needed, unit) == amount(expected, unit)


@pytest.mark.parametrize("limit_ms", [300.0, 400.0, 500.0, 777.0])
def test_a_relaxation_is_true_in_the_digits_that_it_shows(context, limit_ms):
    limit = LatencyLimit("latency", 95, limit_ms, "/slo/latency_p95")
    today = replace(DEAR, slo=Slo((limit,)))
    found = find(judge(today, context), context)
    (latency,) = [one for one in found.relaxations if one.gate.name == "latency"]
    assert latency.needed == enough(latency.needed, "ms", "max")
    enough_now = replace(
        apply(today, latency.by), slo=Slo((replace(limit, limit_ms=latency.needed),))
    )
    assert judge(enough_now, context).verdict == "pass"


def test_likely_costs_less_than_what_is_sure_and_is_not_sure(context):
    limit = LatencyLimit("latency", 95, 9_000.0, "/slo/latency_p95")
    found = find(judge(replace(DEAR, slo=Slo((limit,))), context), context, THOROUGH)
    assert found.likely.usd_month < found.alternatives[0].usd_month
    assert found.likely.verdict == "borderline"


def test_why_not_names_a_gate_of_something_cheaper_that_does_not_pass(context):
    tight = replace(DEAR, slo=Slo((LatencyLimit("latency", 95, 15_000.0, "/slo/latency_p95"),)))
    found = find(judge(tight, context), context, THOROUGH)
    assert found.why_not
    for dropped in found.why_not:
        assert dropped.binding
        again = judge(apply(tight, dropped), context)
        assert again.verdict == dropped.verdict


def test_why_not_for_less_costs_less(context):
    limit = LatencyLimit("latency", 95, 6_000.0, "/slo/latency_p95")
    today = judge(replace(DEAR, slo=Slo((limit,))), context)
    found = find(today, context, THOROUGH)
    least = found.alternatives[0].usd_month if found.alternatives else None
    assert found.why_not
    assert all(
        one.usd_month < (least or today.forecast.cost.usd_month.value) for one in found.why_not
    )


def test_why_not_names_other_gpus_and_reasons_before_more_of_the_same(context):
    tight = replace(
        DEAR,
        gpu="A100 80GB SXM",
        replicas=Replicas(1, 1),
        slo=Slo((LatencyLimit("latency", 95, 12_000.0, "/slo/latency_p95"),)),
        traffic=replace(DEAR.traffic, requests_per_second=2.0),
        alternatives=AlternativesScope(),
    )
    found = find(judge(tight, context), context, THOROUGH).why_not
    kinds = [
        (
            one.resolved.gpu.name,
            one.resolved.gpus_per_replica,
            one.resolved.backend.name,
            round(one.resolved.quant.bits_per_weight),
        )
        for one in found
    ]
    assert len(set(kinds)) == len(kinds) > 3  # AWQ and GPTQ of the same are told once
    assert len({gpu for gpu, *_ in kinds[:2]}) == 2


def named(deployment, name):
    return replace(deployment, name=name)


def test_a_plan_changes_what_fails_and_no_more_than_the_budget_asks_for(context):
    broken = replace(DEAR, name="b", replicas=Replicas(1, 1), quant="BF16", gpu="RTX 4060 8GB")
    hopeless = replace(named(broken, "c"), quality=QualityLimit("mmlu", min_score=0.99))
    fleet = [check(one, context) for one in (named(DEAR, "a"), broken, hopeless)]
    loose = plan(fleet, None)
    assert [one.by is not None for one in loose.choices] == [False, True, False]
    assert (loose.left, loose.fits) == (("c",), None)
    tight = plan(fleet, loose.usd_month - 1.0)
    assert [one.by is not None for one in tight.choices] == [True, True, False]
    assert tight.fits
    assert tight.usd_month < loose.usd_month
    assert plan(fleet, 1.0).fits is False


def test_a_plan_counts_the_most_replicas(context):
    ranged = replace(DEAR, replicas=Replicas(1, 3))
    fleet = [check(ranged, context, alternatives=False)]
    cost = fleet[0].forecast.cost
    assert plan(fleet, cost.usd_month.value).fits is False
    assert plan(fleet, cost.usd_month_max.value).fits is True


def test_a_plan_takes_the_cheapest_whatever_is_ranked_first(context):
    cheapest = check(DEAR, context).alternatives[0].usd_month
    by_latency = check(DEAR, context, wanted=Wanted(rank="latency", thorough=True))
    assert by_latency.alternatives[0].usd_month > cheapest
    (choice,) = plan([by_latency], 1.0).choices
    assert choice.usd_month == cheapest


def test_two_small_deployments_might_share_a_gpu(context):
    small = replace(
        DEAR, model="llama3.2-1b", quant="Q4_K_M", backend="ollama", replicas=Replicas(1, 1)
    )
    small = replace(small, traffic=replace(small.traffic, requests_per_second=0.01))
    fleet = [check(named(small, name), context, alternatives=False) for name in "ab"]
    (shared,) = plan(fleet, None).could_share
    assert shared.names == ("a", "b")
    assert shared.vram_gib == pytest.approx(2 * fleet[0].forecast.memory.needed.high)
    alone = [fleet[0], check(named(DEAR, "c"), context, alternatives=False)]
    assert plan(alone, None).could_share == ()


def test_a_gpu_that_batches_little_is_shared_by_the_time_it_is_busy(context):
    """A seventh of what could be served together, and yet one request or another runs most of the
    time: the two would wait for each other."""
    small = replace(
        DEAR,
        model="llama3.2-1b",
        gpu="L4 24GB",
        replicas=Replicas(1, 1),
        traffic=replace(DEAR.traffic, requests_per_second=0.4),
    )
    fleet = [check(named(small, name), context, alternatives=False) for name in "ab"]
    load = fleet[0].forecast.load
    assert 2 * load.utilisation.high < SHARED_UTILISATION < 2 * load.busy.high
    assert plan(fleet, None).could_share == ()


def test_what_is_not_supported_says_why(context):
    """Two ranks on one GPU: a gate without a figure is told by its finding."""
    stated = replace(DEAR, gpus_per_replica=1, serving=Serving(tensor_parallel_size=2))
    checked = judge(stated, context)
    assert checked.gates["support"].verdict == "fail"
    binding = alternative(checked, judge(DEAR, context)).binding
    assert binding == next(found.message for found in checked.findings if found.verdict == "fail")


def test_of_no_deployments_there_is_no_plan():
    assert planned(ways.plan(plan([], 100.0)), Pen(color=False, unicode=True)) == []
