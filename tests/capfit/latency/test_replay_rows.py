from pathlib import Path

import pytest
from capfit.data.tables import Data, read
from capfit.latency.replay_rows import lines, of_session, singles

TABLES = Path(__file__).parents[3] / "fitting" / "data"


@pytest.fixture(scope="module")
def data():
    return read(TABLES)


def test_errors_on_the_published_rows(data: Data):
    found = {(line.rows, line.form): line for line in lines(data)}
    replay = "replay of the arrivals"
    assert found["TR128 open loop, mean", replay].mean < 7.0
    assert found["TR128 open loop, p95", replay].mean < 10.0
    assert found["TR128 open loop, mean", replay].count == 45
    tr133 = "TR133: M/D/1, wall service, S + 3 W"
    assert found["TR128 open loop, p95", tr133].mean > 50.0
    assert found["TR128 open loop, p95", "M/M/c"].mean > 50.0


def test_think_times_follow_from_services_of_the_same_clock(data: Data):
    found = {(line.rows, line.form): line for line in lines(data)}
    form = "max(Z + S, N S - think), services of this clock"
    for session, count in (("low-clock", 3), ("high-clock", 6)):
        line = found[f"TR129 closed loops, {session}, think times", form]
        assert line.count == count
        assert line.mean < 7.0
    wrong = "the same, the report's own single requests"
    assert found["TR129 closed loops, high-clock, think times", wrong].mean > 50.0


def test_the_client_of_a_report_stays_when_its_clock_changes(data: Data):
    own, fast = singles(data, "TR129"), of_session(data, "TR129", "high-clock")
    assert of_session(data, "TR129", "low-clock") == own
    assert set(fast) == set(own)
    for model, service in fast.items():
        assert service.gpu_ms == singles(data, "TR130")[model].gpu_ms
        assert service.gpu_ms < own[model].gpu_ms
