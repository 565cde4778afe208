"""Warnings about clients and requests that find no room."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from capcheck.estimate import exact
from capcheck.manifest.deployment import Replicas, Serving, Traffic
from capcheck.rules import slots
from capcheck.rules.case import Case

from tests.capcheck.rules.conftest import LINES


@pytest.mark.parametrize(
    ("agents", "max_num_seqs", "replicas", "said"),
    [(9, 4, 2, "9 agents share 8 slots"), (2, 1, 1, "2 agents share 1 slot ")],
)
def test_more_agents_than_slots(
    case: Callable[..., Case], agents: int, max_num_seqs: int, replicas: int, said: str
):
    found = slots.check(
        case(
            {
                "traffic": Traffic(agents=agents),
                "serving": Serving(max_num_seqs=max_num_seqs),
                "replicas": Replicas(replicas, replicas),
            }
        )
    )
    assert [(one.rule, one.severity, one.verdict) for one in found.findings] == [
        ("agents-above-slots", "warning", "pass")
    ]
    assert found.findings[0].place.line == LINES["/traffic/agents"]
    assert said in found.findings[0].message
    assert found.gates == ()


@pytest.mark.parametrize("traffic", [Traffic(agents=8), Traffic(requests_per_second=50.0), None])
def test_as_many_slots_as_agents_are_enough(case: Callable[..., Case], traffic: Traffic | None):
    stated = {
        "traffic": traffic,
        "serving": Serving(max_num_seqs=4),
        "replicas": Replicas(2, 2),
    }
    assert slots.check(case(stated)).findings == ()


def test_a_full_pool_is_said(case: Callable[..., Case]):
    stated = {"traffic": Traffic(requests_per_second=5.0)}
    found = slots.check(case(stated, load__preemption=True)).findings
    assert [one.rule for one in found] == ["kv-pool-limits-batch"]
    assert found[0].place.line == LINES["/traffic/requests_per_second"]


def test_refused_requests_are_said(case: Callable[..., Case]):
    stated = {
        "backend": "ollama",
        "quant": "Q4_K_M",
        "serving": Serving(max_queue=4, max_num_seqs=2),
        "traffic": Traffic(requests_per_second=5.0),
    }
    found = slots.check(case(stated, load__loss_rate=exact(0.0234, "a test's figure"))).findings
    assert [(one.rule, one.severity, one.verdict) for one in found] == [
        ("queue-loss", "warning", "pass")
    ]
    assert found[0].message == (
        "2.3 % of requests are refused: 4 may wait for the 2 slots of each copy"
    )
    assert found[0].place.line == LINES["/traffic/requests_per_second"]


@pytest.mark.parametrize(("backend", "lost"), [("ollama", 0.0005), ("vllm", 0.5)])
def test_rare_or_impossible_losses_are_not(case: Callable[..., Case], backend: str, lost: float):
    stated = {"backend": backend, "traffic": Traffic(requests_per_second=5.0)}
    assert slots.check(case(stated, load__loss_rate=exact(lost, "a test"))).findings == ()
