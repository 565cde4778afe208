import math

import pytest
from capfit.validate.figures import figures


def test_errors_are_relative_to_the_measurement(row):
    found = figures(
        [
            row(predicted=11.0, what="a"),
            row(predicted=8.0, what="b", group="qwen3-8b"),
            row(predicted=10.5, what="c"),
        ]
    )
    assert (found.n, found.groups) == (3, 2)
    assert found.mean == pytest.approx((10 + 20 + 5) / 3)
    assert found.median == pytest.approx(10)
    assert found.bias == pytest.approx((10 - 20 + 5) / 3)
    assert (found.worst, found.worst_what) == (pytest.approx(-20), "b")
    assert found.coverage is None
    assert found.width is None


def test_errors_of_a_score_are_points(row):
    found = figures([row(unit="score", predicted=0.62, measured=0.60, low=0.55, high=0.65)])
    assert found.mean == pytest.approx(2.0)
    assert found.width == pytest.approx(10.0)
    assert found.coverage == 100.0


def test_coverage_and_width_are_those_of_rows_with_an_interval(row):
    found = figures(
        [
            row(low=5.0, high=20.0),
            row(low=10.5, high=21.0),
            row(low=8.0, high=10.0),
            row(low=None, high=None),
        ]
    )
    assert found.coverage == pytest.approx(200 / 3)
    assert found.width == pytest.approx(math.exp((math.log(4) + math.log(2) + math.log(1.25)) / 3))


def test_r2_is_that_of_values(row):
    rows = [row(measured=m, predicted=p) for m, p in ((1.0, 1.0), (2.0, 2.0), (3.0, 4.0))]
    assert figures(rows).r2 == pytest.approx(1 - 1 / 2)
    assert figures([row(), row(), row()]).r2 is None  # nothing varies


def test_a_baseline_is_judged_on_the_rows_it_answers(row):
    found = figures(
        [
            row(baselines={"rule": 12.0, "other": float("nan")}),
            row(baselines={"rule": 9.0}),
            row(),
        ]
    )
    assert set(found.baselines) == {"rule"}
    assert found.baselines["rule"].n == 2
    assert found.baselines["rule"].mean == pytest.approx(15)
