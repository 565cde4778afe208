"""The front and its knee, on points and on the shipped tables."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from capcheck.judge import judge
from capcheck.manifest.deployment import AlternativesScope, Replicas
from capcheck.search.cheapest import Cheapest
from capcheck.search.find import find
from capcheck.search.offer import alternative
from capcheck.search.pareto import front, knee, point_of
from capcheck.search.space import space
from capcheck.search.wanted import Wanted

from tests.capcheck.search.test_find import DEAR


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([(1.0, 1.0, 1.0), (2.0, 0.0, 0.0)], None),
        ([(1.0, -0.5, 9.0), (2.0, -0.6, 3.0), (9.0, -0.7, 1.0)], 1),
        # Ratios, not differences: what is dear by far leaves the middle where it is.
        ([(8.0, 0.0, 4.0), (18.0, 0.0, 1.0), (80.0, 0.0, 0.8), (640.0, 0.0, 0.6)], 1),
        # An unknown latency lies at the far end.
        ([(1.0, -0.5, math.inf), (1.1, -0.5, 3.0), (9.0, -0.7, 4.0)], 1),
    ],
)
def test_the_knee_is_nearest_to_the_best_of_every_axis(points, expected):
    assert knee(points) == expected


def test_nothing_on_the_front_is_beaten_and_all_else_is(context):
    checked = judge(DEAR, context)
    found = find(checked, context, Wanted(thorough=True))
    every = find(checked, context, Wanted(shown=None, rank="quality"))
    front = [point_of(one) for one in found.front.members]
    assert len(front) > 1
    assert front == sorted(front)
    for point in map(point_of, every.alternatives):
        as_good = [it for it in front if all(a <= b for a, b in zip(it, point, strict=True))]
        assert as_good == [point] if point in front else as_good


@pytest.mark.parametrize(
    ("rank", "key"),
    [
        ("latency", lambda it: it.forecast.load.latency_ms.p95.value),
        ("quality", lambda it: -it.forecast.quality.score.value),
        ("tokens-per-dollar", lambda it: -it.forecast.load.capacity_tok_s.value / it.usd_month),
    ],
)
def test_rankings(context, rank, key):
    found = find(judge(DEAR, context), context, Wanted(shown=8, rank=rank)).alternatives
    keys = [key(one) for one in found]
    assert keys == sorted(keys)
    assert keys != [key(one) for one in find(judge(DEAR, context), context).alternatives]


def test_the_front_spans_what_is_dearer_and_today_s_own(context):
    """An A100 is beaten by nothing of its price: it is on the front, between cheaper and dearer."""
    stated = replace(DEAR, gpu="A100 80GB PCIe", replicas=Replicas(1, 1))
    checked = judge(stated, context)
    assert checked.verdict == "pass"
    found = find(checked, context, Wanted(thorough=True))
    usd = checked.forecast.cost.usd_month.value
    costs = [one.usd_month for one in found.front.members]
    assert costs[0] < usd < costs[-1]
    assert all(one.usd_month < usd for one in found.alternatives)
    own = [one for one in found.front.members if not one.edits]
    beaten = any(
        all(a <= b for a, b in zip(point_of(one), point_of(today), strict=True))
        for today in [alternative(checked, checked)]
        for one in found.front.members
        if one.edits
    )
    assert len(own) == (0 if beaten else 1)


def test_what_the_front_leaves_out_unseen_is_beaten(context):
    """Against a search that predicts the load of all that pass."""
    scope = AlternativesScope(
        gpus=("L4 24GB", "A100 80GB SXM", "H100 80GB SXM"),
        backends=("vllm", "tensorrt-llm"),
        quants=("FP16", "FP8", "AWQ"),
        max_replicas=3,
    )
    stated = replace(DEAR, gpu="L4 24GB", alternatives=scope)
    checked = judge(stated, context)
    every = list(Cheapest(checked, context, space(checked.resolved, context)))
    own = [checked] if checked.verdict == "pass" else []
    expected = front([alternative(one, checked) for one in (*own, *every)])
    found = find(checked, context, Wanted(thorough=True)).front
    assert [point_of(one) for one in found.members] == [point_of(one) for one in expected.members]
    assert found.knee == expected.knee
    assert len(found.members) > 3
