"""Intervals against limits."""

from __future__ import annotations

import pytest
from capcheck.estimate import Estimate, unknown
from capcheck.rules.case import judge
from hypothesis import given
from hypothesis import strategies as st

from tests.capcheck.rules.conftest import about

VALUES = st.floats(0.001, 1e6)


@pytest.mark.parametrize(
    ("estimate", "limit", "sense", "verdict"),
    [
        (about(2.0, 1.0, 3.0), 3.0, "max", "pass"),
        (about(2.0, 1.0, 3.0), 2.9, "max", "borderline"),
        (about(2.0, 1.0, 3.0), 1.0, "max", "borderline"),
        (about(2.0, 1.0, 3.0), 0.9, "max", "fail"),
        (about(2.0, 1.0, 3.0), 1.0, "min", "pass"),
        (about(2.0, 1.0, 3.0), 1.1, "min", "borderline"),
        (about(2.0, 1.0, 3.0), 3.1, "min", "fail"),
        # 730 h of $4.80: the last bit is no overrun, a cent is.
        (about(3504.0000000000005, 3504.0, 3504.0000000000005), 3504.0, "max", "pass"),
        (about(3504.01, 3504.01, 3504.01), 3504.0, "max", "fail"),
        # No bound above: finite today, unstable at the slow end of the interval.
        (about(2.0, 1.0, None), 1e9, "max", "borderline"),
        (about(2.0, 1.0, None), 0.5, "max", "fail"),
        (unknown("nobody measured it"), 1.0, "max", "cannot-predict"),
        (Estimate(None, None, None, "interpolated", "unstable: above 2/s"), 1.0, "max", "fail"),
    ],
)
def test_a_verdict_from_interval_and_limit(estimate, limit, sense, verdict):
    assert judge(estimate, limit, sense) == verdict


@given(value=VALUES, below=VALUES, above=VALUES, limit=VALUES, relief=VALUES)
def test_a_looser_limit_never_worsens_a_verdict(value, below, above, limit, relief):
    order = ("pass", "borderline", "fail")
    estimate = about(value, value / (1 + below), value * (1 + above))
    strict = judge(estimate, limit, "max")
    assert order.index(judge(estimate, limit + relief, "max")) <= order.index(strict)
    floor = judge(estimate, limit + relief, "min")
    assert order.index(judge(estimate, limit, "min")) <= order.index(floor)
