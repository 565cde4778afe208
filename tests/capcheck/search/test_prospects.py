"""What bounds say is what starting, or predicting a load, would say; and no more is remembered."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from capcheck.judge import judge, start
from capcheck.manifest.deployment import (
    Deployment,
    LatencyLimit,
    QualityLimit,
    Replicas,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.place import Place
from capcheck.predict.latency import bounds
from capcheck.search.passing import distance, holds, reservation
from capcheck.search.prospects import LIMITS_KEPT, Prospects
from capcheck.search.replication import Replication
from capcheck.search.sketch import KEPT, asked_of
from capcheck.search.space import space


def deployment(**changes: object) -> Deployment:
    stated = Deployment(
        name="chat",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 3, 3, 7),
        model="llama3.2-3b",
        quant="F16",
        backend="ollama",
        gpu="RTX 4090 24GB",
        traffic=Traffic(
            requests_per_second=0.5,
            prompt_tokens=Tokens(400),
            output_tokens=Tokens(150),
        ),
        slo=Slo((LatencyLimit("latency", 95, 6000.0, "/slo/latency_p95"),)),
    )
    return replace(stated, **changes)


def prospects(context, **changes: object) -> Prospects:
    today = judge(deployment(**changes), context)
    return Prospects(today, context, Replication(today.resolved))


@pytest.mark.parametrize(
    "stated",
    [
        None,
        QualityLimit(max_drop=0.02),
        QualityLimit(max_drop=0.06),
        QualityLimit(benchmark="composite_tr133", min_score=0.45),
    ],
)
def test_what_lacks_quality_is_known_before_it_is_started(context, stated):
    asked = prospects(context, quality=stated, slo=Slo())
    today, seen = asked.today, {}
    for family in space(today.resolved, context):
        if family.weights in seen or family.short_by > 0:
            continue
        started = start(family.of(today.resolved.deployment), context)
        gate = started.gates.get("quality")
        risk = reservation(started, today, frozenset({"quality-concerning"}))
        if gate is not None and not holds(gate, "slow"):
            expected = distance(gate)
        else:
            expected = 0.0 if risk is None else math.inf
        seen[family.weights] = asked.short_by(family)
        assert seen[family.weights] == expected, family.weights
    assert 0 < sum(short > 0 for short in seen.values()) < len(seen)


@pytest.mark.parametrize("limit", [("latency", 95, 6000.0), ("tpot", 99, 16.0)])
def test_what_is_remembered_breaks_what_it_would_break_anew(context, limit):
    asked = [0.5, 3.0, 0.1, 1.0, 2.0, 0.3, 0.7, 3.0, 0.02, 1.5, 4.0, 6.0, 0.5, 5.0]
    held = Slo((LatencyLimit(*limit, "/slo"),))
    families = list(space(prospects(context).today.resolved, context))[::9]
    told = []
    for rate in asked:
        traffic = replace(deployment().traffic, requests_per_second=rate)
        now = prospects(context, traffic=traffic, slo=held)
        for family in families:
            if now.short_by(family) > 0:
                continue
            alone = now.alone(family)
            for replicas in (1, 3):
                stated = replace(
                    now.today.resolved.deployment, replicas=Replicas(replicas, replicas)
                )
                resolved = replace(alone.copy.resolved, deployment=stated, replicas_min=replicas)
                speed, memory = alone.copy.speed, alone.memory
                slo = now.today.resolved.deployment.slo
                anew = bounds.surely_breaks(resolved, speed, memory, slo, end="slow")
                assert now.surely_breaks(alone, replicas) == anew
                told.append(anew)
    assert 0.1 < sum(told) / len(told) < 0.9


def test_other_limits_and_lengths_are_asked_anew(context):
    family = next(iter(space(prospects(context).today.resolved, context)))
    seldom = replace(deployment().traffic, requests_per_second=0.001)
    loose, tight = (
        prospects(context, traffic=seldom, slo=Slo((LatencyLimit("latency", 95, ms, "/slo"),)))
        for ms in (9e5, 1.0)
    )
    assert not loose.surely_breaks(loose.alone(family), 1)
    assert tight.alone(family) is loose.alone(family)
    assert tight.surely_breaks(tight.alone(family), 1)
    longer = replace(deployment().traffic, output_tokens=Tokens(300))
    other = prospects(context, traffic=longer)
    assert other.alone(family).lone_ms(end="slow") > tight.alone(family).lone_ms(end="slow")


@pytest.mark.parametrize("end", ["slow", "value"])
def test_how_much_too_slow_a_lone_request_is_follows_its_limits(context, end):
    families = list(space(prospects(context).today.resolved, context))[::17]
    stated = [Slo((LatencyLimit("latency", 95, ms, "/slo"),)) for ms in (500.0, 6000.0, 500.0)]
    told = []
    for limits in stated:
        today = judge(deployment(slo=limits), context)
        now = Prospects(today, context, Replication(today.resolved), end)
        limit_ms = limits.latency[0].limit_ms
        for family in families:
            if family.short_by > 0 or now.short_by(family) == math.inf:
                continue
            least_ms, lone_ms = family.least_ms(now.steps)[2], now.alone(family).lone_ms(end=end)[2]
            late = max(0.0, least_ms / limit_ms - 1) or max(0.0, lone_ms / limit_ms - 1)
            assert now.short_by(family) == late
            told.append(late > 0)
    assert 0.1 < sum(told) / len(told) < 0.9


def test_a_family_forgets_limits_that_nobody_states(context):
    family = next(iter(space(prospects(context).today.resolved, context)))
    for ms in range(5000, 5000 + 3 * LIMITS_KEPT):
        prospects(context, slo=Slo((LatencyLimit("latency", 95, ms, "/slo"),))).short_by(family)
    assert len(family.late) == LIMITS_KEPT


def test_a_family_forgets_lengths_that_nobody_asks_for(context):
    families = space(prospects(context).today.resolved, context)
    family = next(iter(families))
    for tokens in range(50, 50 + 3 * KEPT):
        traffic = replace(deployment().traffic, output_tokens=Tokens(tokens))
        now = prospects(context, traffic=traffic)
        now.settings(family)
    assert len(family.alone) <= KEPT
    assert len(family.settings) <= KEPT


def test_equal_deployments_ask_for_the_same(context):
    one, other = deployment(), deployment(name="twin", slo=Slo())
    assert asked_of(one) is asked_of(other)
    assert asked_of(one) is not asked_of(deployment(traffic=None))
    tpot = Slo((LatencyLimit("tpot", 95, 50.0, "/slo/tpot_p95"),))
    assert asked_of(one) is not asked_of(deployment(slo=tpot))
