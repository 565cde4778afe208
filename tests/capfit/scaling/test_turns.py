"""Turns on one slot: what the fit recovers from made-up loops, and Ollama's models held out."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest
from capfit.data.tables import read
from capfit.scaling.turns import OVERHEADS, Loop, Turns, fit, hold_out, hosts, loops

FOLDER = Path(__file__).parents[3] / "fitting" / "data"
SAME, PER_AGENT, SHARE, NONE = OVERHEADS


@pytest.fixture(scope="module")
def data():
    return read(FOLDER)


def loop(agents: int, *, reported_ms: float = 500.0, think_ms: float = 0.0, wall_ms: float = 1.0):
    return Loop("TR130", "m", agents, think_ms, reported_ms, wall_ms)


@pytest.mark.parametrize(
    ("form", "numbers", "agents", "think_ms", "wall_ms"),
    [
        (SAME, (40.0,), 1, 0.0, 200.0 + 540.0),
        (SAME, (40.0,), 4, 0.0, 4 * 540.0),
        (SAME, (40.0,), 4, 100.0, 4 * 540.0 - 100.0),
        (SAME, (40.0,), 4, 2000.0, 200.0 + 540.0),
        (PER_AGENT, (40.0, 5.0), 4, 0.0, 4 * 555.0),
        (SHARE, (0.1,), 4, 0.0, 4 * 550.0),
        (NONE, (), 4, 0.0, 2000.0),
    ],
)
def test_the_wall_is_a_lone_requests_or_a_whole_round(form, numbers, agents, think_ms, wall_ms):
    law = Turns(form, numbers, {"TR130": 200.0})
    assert law.wall_ms(loop(agents, think_ms=think_ms)) == pytest.approx(wall_ms)


@pytest.mark.parametrize(("form", "numbers"), [(SAME, (40.0,)), (SHARE, (0.1,))])
def test_overhead_and_delays_come_back_from_made_up_loops(form, numbers):
    law = Turns(form, numbers, {"TR129": 400.0, "TR130": 150.0})
    made_up = [
        Loop(report, "m", agents, 0.0, reported, 0.0)
        for report in law.delay_ms
        for agents in (1, 2, 4)
        for reported in (400.0, 900.0)
    ]
    known = [
        Loop(x.report, x.model, x.agents, x.think_ms, x.reported_ms, law.wall_ms(x))
        for x in made_up
    ]
    found = fit(known, form)
    assert found.numbers == pytest.approx(numbers, rel=1e-3)
    assert found.delay_ms == pytest.approx(dict(law.delay_ms), rel=1e-3)


def test_models_held_out_are_within_four_percent_and_beat_what_was_stated(data):
    rows = hold_out(data)
    assert len(rows) == 50
    assert {row.group for row in rows} == {"llama3.2-1b", "llama3.2-3b", "qwen2.5-1.5b"}
    errors = fmean(abs(row.error) for row in rows)
    assert errors < 0.04
    stated = fmean(abs(row.baselines["35 and 200 ms"] / row.measured - 1.0) for row in rows)
    assert errors < stated
    assert fmean(row.low <= row.measured <= row.high for row in rows) >= 0.9


def test_single_requests_tell_the_reports_clients_apart(data):
    law = fit(loops(data))
    assert law.delay_ms["TR129"] > 1.5 * max(law.delay_ms["TR128"], law.delay_ms["TR130"])
    assert law.host_ms == pytest.approx((law.delay_ms["TR128"] + law.delay_ms["TR130"]) / 2)


def test_the_artifact_holds_what_is_fitted_and_what_is_assumed(data):
    found = hosts(data)
    host = found["host"]
    assert set(host) == {"ollama", "llama.cpp", "llamafile"}
    assert 20.0 < host["ollama"]["gpu_overhead_ms"] < 80.0
    assert 100.0 < host["ollama"]["measured_host_delay_ms"] < 300.0
    assert {entry["delay_ms"] for entry in host.values()} == {5.0}
    assert "50 single requests" in found["source"]
    assert "assumed" in found["source"]
