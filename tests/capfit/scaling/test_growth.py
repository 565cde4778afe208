"""The growth of a batch step over TR130's agents."""

from pathlib import Path
from statistics import fmean

from capfit.data.tables import read
from capfit.scaling import client_limited, hold_out

DATA = read(Path(__file__).parents[3] / "fitting" / "data")


def test_the_growth_is_that_of_the_report():
    found = client_limited(DATA)
    assert 1.5 < found["vllm"]["ms"] < 1.9
    assert 0.75 < found["vllm"]["exponent"] < 0.85
    assert found["tgi"]["ms"] > found["vllm"]["ms"]


def test_a_model_held_out_is_within_four_percent():
    rows = hold_out(DATA)
    assert len(rows) == 18
    assert fmean(abs(row.error) for row in rows) < 0.04
    measured = [row.measured for row in rows]
    mean = fmean(measured)
    off = sum((row.predicted - row.measured) ** 2 for row in rows)
    assert 1 - off / sum((value - mean) ** 2 for value in measured) >= 0.95
