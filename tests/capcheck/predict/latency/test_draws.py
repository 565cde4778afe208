from itertools import pairwise

import pytest
from capcheck.predict.latency.draws import DRAWS, draws, finding, percentiles_of, states


def test_every_cause_alone_is_spread_evenly():
    columns = draws()
    for name in ("queue", "phase", "current", "joined", "lumps"):
        expected = [(i + 0.5) / DRAWS for i in range(DRAWS)]
        assert sorted(getattr(columns, name)) == pytest.approx(expected)
    assert sorted(columns.arrival) == list(range(DRAWS))


def test_states_are_met_as_often_as_they_are_likely():
    found = states([0.5, 0.3])
    assert [found.count(state) for state in range(3)] == pytest.approx([155, 93, 62], abs=1)
    assert set(states([1.0])) == {0}
    assert set(states([])) == {0}


def test_percentiles_of_an_even_spread():
    found = percentiles_of([float(i) for i in range(1001)])
    assert (found.mean, found.p50) == pytest.approx((500.0, 500.0), abs=1.0)
    assert (found.p90, found.p95, found.p99) == pytest.approx((900, 950, 990), abs=1.0)


def test_percentiles_of_one_value_are_that_value():
    found = percentiles_of([0.1] * DRAWS)
    assert (found.p50, found.p95, found.p99) == (0.1, 0.1, 0.1)


def test_a_rare_event_moves_a_percentile_gradually():
    """With a wait of 1000 for a growing share of requests the p95 neither jumps nor falls."""
    found = [
        percentiles_of([1.0] * (1000 - rare) + [1000.0] * rare).p95 for rare in range(30, 80, 5)
    ]
    assert found == sorted(found)
    assert found[0] == 1.0
    assert found[-1] == pytest.approx(1000.0)
    assert max(b - a for a, b in pairwise(found)) < 300.0


def test_draws_that_find_many_are_told_from_their_ranks():
    found = states([0.5, 0.3, 0.1])
    for least in range(5):
        assert sorted(finding(found, least)) == [
            draw for draw, state in enumerate(found) if state >= least
        ]
