"""How many replicas may be tried, and what they cost."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from capcheck.judge import judge
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    Replicas,
    Serving,
    Tokens,
    Traffic,
)
from capcheck.place import Place
from capcheck.search.edits import RANKS
from capcheck.search.hardware import Hardware
from capcheck.search.replication import Replication

TODAY = Deployment(
    name="chat",
    path="capcheck.yaml",
    place=Place("capcheck.yaml", 2, 3, 7),
    model="llama3.1-8b",
    quant="FP8",
    backend="vllm",
    gpu="L4 24GB",
    serving=Serving(max_model_len=8192),
    traffic=Traffic(requests_per_second=0.5, prompt_tokens=Tokens(512), output_tokens=Tokens(256)),
)
KEPT = AlternativesScope(keep=("replicas",))


def replication(context, ceiling: float = math.inf, **changed) -> Replication:
    return Replication(judge(replace(TODAY, **changed), context).resolved, ceiling)


def hardware(usd_month_each: float | None, replicas_each: int = 1) -> Hardware:
    return Hardware(("L4 24GB", None), 1, None, usd_month_each, replicas_each)


@pytest.mark.parametrize(
    ("changed", "fewest", "limit", "without_risk"),
    [
        ({}, 1, 16, 8),
        ({"alternatives": AlternativesScope(max_replicas=3)}, 1, 3, 3),
        ({"replicas": Replicas(5, 5), "traffic": None}, 5, 5, 5),
        ({"replicas": Replicas(2, 2), "alternatives": KEPT}, 2, 2, 2),
        ({"replicas": Replicas(1, 12)}, 1, 16, 1),
    ],
)
def test_bounds(context, changed, fewest, limit, without_risk):
    found = replication(context, **changed)
    assert (found.fewest, found.limit, found.without_risk) == (fewest, limit, without_risk)


@pytest.mark.parametrize(
    ("each_rps", "busy", "needed"),
    [(None, 1.0, 1), (1.0, 1.0, 1), (0.5, 1.0, 1), (0.25, 1.0, 2), (0.5, 0.7, 2), (0.1, 0.5, 10)],
)
def test_needed_for_half_a_request_per_second(context, each_rps, busy, needed):
    assert replication(context).needed(each_rps, busy=busy) == needed


@pytest.mark.parametrize(
    ("usd_each", "replicas_each", "budget", "ceiling", "affordable"),
    [
        (100.0, 1, 350.0, math.inf, 3),
        (100.0, 1, 300.0, math.inf, 3),
        (100.0, 4, 300.0, math.inf, 12),
        (100.0, 1, 300.0, 150.0, 1),
        (100.0, 1, None, math.inf, 16),
        (None, 1, None, math.inf, 16),
        (None, 1, None, 150.0, 0),
    ],
)
def test_affordable(context, usd_each, replicas_each, budget, ceiling, affordable):
    found = replication(context, ceiling, budget=Budget(monthly_usd=budget))
    assert found.affordable(hardware(usd_each, replicas_each)) == affordable


def test_a_price_per_token_is_a_budget_for_the_tokens_asked_for(context):
    """0.5 requests/s of 256 tokens are 336.4 million tokens in 730 hours."""
    budget = Budget(usd_per_million_tokens=1.0)
    assert replication(context, budget=budget).affordable(hardware(100.0)) == 3
    assert replication(context, budget=budget, traffic=None).affordable(hardware(1e9)) == 1
    both = Budget(monthly_usd=150.0, usd_per_million_tokens=1.0)
    assert replication(context, budget=both).affordable(hardware(100.0)) == 1


def test_whole_instances_are_over_the_budget_by_a_share(context):
    found = replication(context, budget=Budget(monthly_usd=150.0))
    assert found.over_budget(hardware(100.0, 4), 4) == 0.0
    assert found.over_budget(hardware(100.0, 4), 5) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("stated", "replicas", "written"),
    [
        (Replicas(3, 3), 2, Replicas(2, 2)),
        (Replicas(1, 6), 2, Replicas(2, 6)),
        (Replicas(1, 6), 7, Replicas(7, 7)),
    ],
)
def test_a_stated_range_keeps_its_upper_end(context, stated, replicas, written):
    assert replication(context, replicas=stated).stated(replicas) == written


@pytest.mark.parametrize(
    ("today", "stated_at", "replicas", "fields"),
    [
        (Replicas(2, 2), ("/replicas",), 2, ()),
        (Replicas(2, 2), ("/replicas",), 5, ("/replicas",)),
        (Replicas(1, 1), (), 5, ("/replicas",)),
        (Replicas(2, 4), ("/replicas/min", "/replicas/max"), 3, ("/replicas/min",)),
        (
            Replicas(2, 4),
            ("/replicas/min", "/replicas/max"),
            6,
            ("/replicas/min", "/replicas/max"),
        ),
    ],
)
def test_disruption_counts_what_is_written(context, today, stated_at, replicas, fields):
    places = dict.fromkeys(stated_at, TODAY.place)
    found = replication(context, replicas=today, places=places).disruption(replicas)
    assert found == (max((RANKS[field] for field in fields), default=-1), len(fields))
