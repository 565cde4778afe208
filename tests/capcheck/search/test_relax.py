"""What a limit, or the load, would have to give: true, and the least of all configurations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from capcheck.judge import Checked, Context, judge, start
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    LatencyLimit,
    QualityLimit,
    Replicas,
    Serving,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.numbers import enough
from capcheck.place import Place
from capcheck.policy.model import Policy
from capcheck.search.find import find
from capcheck.search.limits import far_end, gate_of, limited, limits, loosened
from capcheck.search.members import others
from capcheck.search.passing import passes
from capcheck.search.relax import Relaxation, relaxations
from capcheck.search.slack import at_rate
from capcheck.search.space import space
from hypothesis import HealthCheck, given, settings

from tests.capcheck.search.test_cheapest import MOST, questions
from tests.capcheck.search.test_find import DEAR, apply


def at(today: Checked, deployment: Deployment) -> Checked:
    return replace(today, resolved=replace(today.resolved, deployment=deployment))


def every(today: Checked, context: Context) -> Iterator[Deployment]:
    """Brute force: every replica count of every setting of every family, and today's own."""
    stated = today.resolved.deployment
    yield stated
    for family in space(today.resolved, context):
        first = start(family.of(stated), context)
        found = others(first.resolved, first.forecast.memory, context.registry)
        for deployment in (family.of(stated), *found):
            gates = start(deployment, context).gates
            if gates["vram"].verdict == "pass" and gates["support"].verdict == "pass":
                for replicas in range(1, MOST + 1):
                    yield replace(deployment, replicas=Replicas(replicas, replicas))


def least_of_all(today: Checked, context: Context, pointer: str) -> float | None:
    loose = at(today, loosened(today.resolved.deployment, pointer))
    limit = next(one for one in limits(loose, context) if one.pointer == pointer)
    fars = [
        far_end(checked, context, pointer)
        for deployment in every(loose, context)
        if passes(checked := judge(deployment, context), loose, "slow")
    ]
    known = [far for far in fars if far is not None]
    if not known:
        return None
    best = min(known) if limit.sense == "max" else max(known)
    return enough(best, limit.unit, limit.sense)


def by_pointer(found: tuple[Relaxation, ...], today: Checked, context: Context):
    labels = {one.label: one.pointer for one in limits(today, context)}
    return {labels.get(one.gate.label, "load"): one for one in found}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(questions())
def test_the_least_of_each_limit_is_that_of_all_configurations(context, stated):
    today = judge(stated, context)
    found = by_pointer(relaxations(today, context, space(today.resolved, context)), today, context)
    for limit in limits(today, context):
        least = least_of_all(today, context, limit.pointer)
        relaxed = found.get(limit.pointer)
        assert (relaxed is None) == (least is None)
        if relaxed is not None and least is not None:
            # With more replicas a p99 of short answers may be a hundredth worse, not better.
            assert relaxed.needed == pytest.approx(least, rel=0.03)
            enough_now = limited(apply(stated, relaxed.by), limit.pointer, relaxed.needed)
            assert judge(enough_now, context).verdict == "pass"


def steps_up(rate: float) -> float:
    """The next rate of three digits."""
    digits, decade = f"{rate:.2e}".split("e")
    return float(f"{round(float(digits) + 0.01, 2)}e{decade}")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(questions())
def test_the_largest_load_passes_and_a_step_more_does_with_no_configuration(context, stated):
    today = judge(stated, context)
    found = relaxations(today, context, space(today.resolved, context))
    load = next((one for one in found if one.gate.name == "load"), None)
    rate = 0.0001 if load is None else load.needed
    if load is not None:
        less = replace(stated, traffic=at_rate(stated.traffic, rate))
        assert judge(apply(less, load.by), context).verdict == "pass"
    more = steps_up(rate)
    if more >= stated.traffic.requests_per_second * (1 - 1e-9):
        return
    busier = replace(stated, traffic=at_rate(stated.traffic, more))
    for deployment in every(at(today, busier), context):
        assert not passes(judge(deployment, context), today, "slow")


HERE = Place("capcheck.yaml", 2, 3, 7)
LONG = Traffic(requests_per_second=0.1, prompt_tokens=Tokens(8192), output_tokens=Tokens(1024))
UNDER_BUDGET = Deployment(
    name="chat",
    path="capcheck.yaml",
    place=HERE,
    places={"/replicas": HERE},
    model="llama3.3-70b",
    quant="AWQ",
    backend="vllm",
    gpu="A100 80GB SXM",
    serving=Serving(max_model_len=16384),
    traffic=LONG,
    slo=Slo((LatencyLimit("latency", 95, 120_000.0, "/slo/latency_p95"),)),
    budget=Budget(monthly_usd=900.0),
)
KEPT = AlternativesScope(keep=("gpu", "replicas", "backend"))


def relaxed(stated: Deployment, context: Context) -> dict[str, Relaxation]:
    today = judge(stated, context)
    found = find(today, context)
    assert found.alternatives == ()
    return {one.gate.label: one for one in found.relaxations}


def test_the_least_budget_is_found_where_queues_without_bound_are_nearer(context):
    """Every affordable configuration saturates: none of them says what would be enough."""
    money = relaxed(UNDER_BUDGET, context)["cost"]
    enough_now = replace(UNDER_BUDGET, budget=Budget(monthly_usd=money.needed))
    best = find(judge(enough_now, context), context).alternatives[0]
    assert best.usd_month == money.needed
    assert judge(apply(enough_now, money.by), context).verdict == "pass"
    less = replace(UNDER_BUDGET, budget=Budget(monthly_usd=money.needed - 0.01))
    assert find(judge(less, context), context).alternatives == ()


def test_fewer_replicas_may_do_better_than_all_that_are_allowed(context):
    """The p99 of short answers: with one of them 44.6 ms, with today's two 46.8."""
    stated = Deployment(
        name="it",
        path="capcheck.yaml",
        place=HERE,
        places={"/replicas": HERE},
        model="llama3.2-3b",
        quant="Q4_K_M",
        backend="llama.cpp",
        gpu="RTX 4060 8GB",
        replicas=Replicas(2, 2),
        traffic=Traffic(
            requests_per_second=2.1135487990134942,
            prompt_tokens=Tokens(512),
            output_tokens=Tokens(32),
            routing="round-robin",
        ),
        slo=Slo((LatencyLimit("tpot", 99, 100.0, "/slo/tpot_p99"),)),
        budget=Budget(monthly_usd=40.0),
        alternatives=AlternativesScope(
            quants=(),
            backends=(),
            gpus=(),
            max_replicas=5,
            keep=("max_num_seqs", "gpus_per_replica"),
        ),
    )
    today = judge(stated, context)
    found = by_pointer(relaxations(today, context, space(today.resolved, context)), today, context)
    assert found["/slo/tpot_p99"].needed == least_of_all(today, context, "/slo/tpot_p99")
    assert [edit.value for edit in found["/slo/tpot_p99"].by.edits] == [1]


def test_what_is_near_says_what_would_be_enough_too(context):
    found = find(judge(UNDER_BUDGET, context), context)
    assert found.near_misses
    assert "cost" in found.nothing_passes


def test_the_largest_load_is_named_where_nothing_else_gives(context):
    stated = replace(
        DEAR,
        gpu="L4 24GB",
        replicas=Replicas(1, 1),
        traffic=replace(DEAR.traffic, requests_per_second=6.0),
        slo=Slo((LatencyLimit("latency", 95, 12_000.0, "/slo/latency_p95"),)),
        alternatives=KEPT,
    )
    load = relaxed(stated, context)["load"]
    assert load.text == f"with at most {load.needed:.3f} requests/s"
    assert (load.gate.limit, load.gate.unit) == (6.0, "requests/s")
    slower = replace(stated, traffic=replace(stated.traffic, requests_per_second=load.needed))
    assert judge(apply(slower, load.by), context).verdict == "pass"


def test_a_peak_falls_with_the_rate(context):
    stated = replace(
        DEAR,
        replicas=Replicas(1, 1),
        traffic=replace(DEAR.traffic, requests_per_second=50.0, peak_requests_per_second=100.0),
        alternatives=AlternativesScope(keep=("gpu", "replicas", "backend", "gpus_per_replica")),
    )
    load = relaxed(stated, context)["load"]
    assert load.text.endswith("requests/s at the peak)")
    slower = replace(stated, traffic=at_rate(stated.traffic, load.needed))
    assert slower.traffic.peak_requests_per_second == pytest.approx(2 * load.needed)
    assert judge(apply(slower, load.by), context).verdict == "pass"


def test_one_limit_gives_where_another_on_the_same_gate_is_broken_too(context):
    """With p95 alone relaxed p50 still fails: nothing is said of either."""
    both = tuple(
        LatencyLimit("latency", percentile, 100.0, f"/slo/latency_p{percentile}")
        for percentile in (50, 95)
    )
    assert "p95 latency" in relaxed(replace(DEAR, slo=Slo(both[1:])), context)
    assert relaxed(replace(DEAR, slo=Slo(both)), context) == {}


def test_a_range_of_replicas_is_paid_for_at_its_end(context):
    stated = replace(
        DEAR,
        replicas=Replicas(1, 4),
        places={"/replicas/min": HERE, "/replicas/max": HERE},
        budget=Budget(monthly_usd=100.0),
    )
    money = relaxed(stated, context)["cost"]
    assert money.needed == pytest.approx(money.by.forecast.cost.usd_month_max.value, abs=0.01)
    enough_now = replace(stated, budget=Budget(monthly_usd=money.needed))
    found = find(judge(enough_now, context), context)
    assert found.alternatives or judge(enough_now, context).verdict == "pass"


def test_today_as_it_is_may_be_what_passes(context):
    """Where money alone is in the way, nothing else has to change."""
    stated = replace(
        DEAR, budget=Budget(monthly_usd=100.0), alternatives=AlternativesScope(keep=KEEP_ALL)
    )
    money = relaxed(stated, context)["cost"]
    assert money.by.edits == ()
    assert money.needed == judge(stated, context).forecast.cost.usd_month_max.value


KEEP_ALL = ("model", "gpu", "replicas", "backend", "quant", "gpus_per_replica", "max_num_seqs")


def test_a_policy_s_limit_is_relaxed_like_the_manifest_s(context):
    at_policy = Place("policy.yaml", 3, 5, 9)
    policy = Policy(
        limits={"monthly_usd_per_deployment": 40.0},
        places={"/limits/monthly_usd_per_deployment": at_policy},
    )
    strict = replace(context, policies={"": policy})
    own = replace(DEAR, budget=Budget(monthly_usd=40.0))
    assert relaxed(replace(DEAR, budget=Budget()), strict)["cost"].needed == (
        relaxed(own, context)["cost"].needed
    )


def test_a_floor_of_quality_is_as_high_as_something_reaches(context):
    stated = replace(DEAR, quality=QualityLimit("mmlu", min_score=0.9))
    floor = relaxed(stated, context)["mmlu"]
    lower = replace(stated, quality=QualityLimit("mmlu", min_score=floor.needed))
    assert judge(apply(lower, floor.by), context).verdict == "pass"
    higher = replace(stated, quality=QualityLimit("mmlu", min_score=floor.needed + 0.001))
    assert find(judge(higher, context), context).alternatives == ()


@pytest.mark.parametrize(
    ("pointer", "gate"),
    [
        ("/slo/latency_p95", "latency"),
        ("/slo/ttft_p50", "ttft"),
        ("/slo/max_utilisation", "utilisation"),
        ("/slo/min_throughput_tok_s", "throughput"),
        ("/quality/max_drop", "quality"),
        ("/budget/usd_per_million_tokens", "budget"),
    ],
)
def test_every_limit_decides_a_gate(pointer, gate):
    assert gate_of(pointer) == gate
