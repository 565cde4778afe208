"""The front and its knee, on points and on the shipped tables."""

from __future__ import annotations

import math

import pytest
from capcheck.judge import judge
from capcheck.search.find import find
from capcheck.search.pareto import knee, point_of
from capcheck.search.wanted import Wanted

from tests.capcheck.search.test_find import DEAR


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], None),
        ([(1.0, 1.0, 1.0), (2.0, 0.0, 0.0)], None),
        ([(1.0, -0.5, 9.0), (2.0, -0.6, 3.0), (9.0, -0.7, 1.0)], 1),
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
