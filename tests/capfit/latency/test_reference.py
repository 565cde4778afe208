from pathlib import Path

import pytest
from capfit.latency import compare, reference
from capfit.latency.grid import SEEDS, points

DOCUMENT = Path(__file__).parents[3] / "docs" / "accuracy.md"


@pytest.fixture(scope="module")
def errors():
    return compare.errors(reference.read())


@pytest.fixture(scope="module")
def summaries(errors: list[compare.Error]):
    return {
        (one.group, one.set_name, one.metric): one
        for one in compare.summaries(errors)
        if one.part == "p95"
    }


def test_the_table_holds_both_sets_of_the_grid():
    rows = reference.read()
    for name, seed in SEEDS.items():
        drawn = list(points(seed=seed))
        kept = [row.point for row in rows if row.set_name == name]
        assert [point.slots for point in kept] == [point.slots for point in drawn]
        assert [point.agents for point in kept] == [point.agents for point in drawn]


def test_a_written_table_reads_the_same(tmp_path: Path):
    rows = reference.read()[:5]
    reference.write(rows, tmp_path / "grid.csv")
    assert reference.read(tmp_path / "grid.csv") == rows


@pytest.mark.parametrize("set_name", ["tuned", "held-out"])
@pytest.mark.parametrize(
    ("group", "metric", "median", "ninetieth"),
    [
        ("open, load up to 0.9", "ttft_ms", 4.0, 20.0),
        ("open, load up to 0.9", "tpot_ms", 3.0, 15.0),
        ("open, load up to 0.9", "latency_ms", 3.0, 12.0),
        ("open, load 0.95", "ttft_ms", 8.0, 25.0),
        ("open, load 0.95", "latency_ms", 5.0, 15.0),
        ("closed", "ttft_ms", 4.0, 20.0),
        ("closed", "latency_ms", 2.0, 8.0),
    ],
)
def test_analytic_p95_against_the_simulated_grid(
    summaries: dict[tuple[str, str, str], compare.Summary],
    set_name: str,
    group: str,
    metric: str,
    median: float,
    ninetieth: float,
):
    found = summaries[group, set_name, metric]
    assert found.count >= 20
    assert found.median < median
    assert found.ninetieth < ninetieth


@pytest.mark.parametrize("set_name", ["tuned", "held-out"])
@pytest.mark.parametrize("metric", ["ttft_ms", "tpot_ms", "latency_ms"])
def test_near_saturation_no_p95_is_more_than_a_tenth_low(
    summaries: dict[tuple[str, str, str], compare.Summary], set_name: str, metric: str
):
    """Beyond what the simulation leaves open."""
    assert summaries["open, load 0.95", set_name, metric].low_share == 0.0
