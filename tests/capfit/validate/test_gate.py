import pytest
from capfit.validate.gate import FACTORS, gate_error

TRUE_MISSES, TRUE_KEEPS = 2, 3


def test_limits_stand_on_both_sides_of_the_measurement():
    assert sum(factor < 1 for factor in FACTORS) == TRUE_MISSES
    assert sum(factor >= 1 for factor in FACTORS) == TRUE_KEEPS


def test_a_sure_and_right_prediction_errs_nowhere(row):
    found = gate_error([row(low=9.9, high=10.0)])
    assert found is not None
    assert found.n == len(FACTORS)
    assert (found.false_pass, found.false_fail, found.borderline) == (0, 0, 0)
    assert (found.point_false_pass, found.point_false_fail) == (0, 0)
    # 25 % to spare fails limits of 1.0, and of 1.25 not
    assert found.margin_false_fail == pytest.approx(100 / TRUE_KEEPS)


def test_a_wide_interval_is_borderline(row):
    found = gate_error([row(low=5.0, high=20.0)])
    assert found is not None
    assert (found.false_pass, found.false_fail, found.borderline) == (0, 0, 100)


def test_optimism_passes_what_is_missed(row):
    """Predicted 5 (4 to 6), measured 10: limits of 6.7 and 8 pass and are missed."""
    found = gate_error([row(predicted=5.0, low=4.0, high=6.0)])
    assert found is not None
    assert (found.false_pass, found.false_fail, found.borderline) == (100, 0, 0)
    assert found.point_false_pass == 100
    assert found.margin_false_pass == 100


def test_pessimism_fails_what_is_kept(row):
    """Predicted 14 (13 to 16): limits of 10 and 12.5 fail and are kept, 15 straddles."""
    found = gate_error([row(predicted=14.0, low=13.0, high=16.0)])
    assert found is not None
    assert found.false_pass == 0
    assert found.false_fail == pytest.approx(200 / 3)
    assert found.borderline == pytest.approx(20)


@pytest.mark.parametrize("unit", ["tok/s", "tokens"])
def test_a_floor_is_the_same_turned_over(row, unit):
    """A rate of 200 (167 to 250) for a measured 100 is a time of 5 (4 to 6) for 10."""
    rate = gate_error([row(unit=unit, predicted=200.0, measured=100.0, low=1e3 / 6, high=250.0)])
    assert rate == gate_error([row(predicted=5.0, low=4.0, high=6.0)])


def test_rows_without_an_interval_do_not_count(row):
    assert gate_error([row()]) is None
