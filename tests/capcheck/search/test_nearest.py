"""The configurations that miss by the least: nearest first, and none nearer in a small space."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from capcheck.judge import judge
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    LatencyLimit,
    Replicas,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.place import Place
from capcheck.search.edits import edits
from capcheck.search.find import find
from capcheck.search.passing import distance

from tests.capcheck.search.test_relax import every

HERE = Place("capcheck.yaml", 2, 3, 7)
CHAT = Traffic(requests_per_second=0.4, prompt_tokens=Tokens(512), output_tokens=Tokens(256))
SLOW = Deployment(
    name="chat",
    path="capcheck.yaml",
    place=HERE,
    places={"/replicas": HERE},
    model="llama3.1-8b",
    quant="Q4_K_M",
    backend="ollama",
    gpu="RTX 3080 10GB",
    traffic=CHAT,
    slo=Slo(
        (
            LatencyLimit("latency", 95, 5_000.0, "/slo/latency_p95"),
            LatencyLimit("ttft", 95, 100.0, "/slo/ttft_p95"),
        )
    ),
    budget=Budget(monthly_usd=15.0),
)


def missed(gates) -> tuple[float, int]:
    far = [distance(gate) for gate in gates if gate.verdict != "pass"]
    return max(far, default=0.0), len(far)


def test_the_nearest_come_first_and_of_those_what_breaks_fewer_limits(context):
    found = find(judge(SLOW, context), context)
    distances = [missed(one.gates) for one in found.near_misses]
    assert len(distances) == 3
    assert distances == sorted(distances)
    assert all(far < math.inf for far, _ in distances)


@pytest.mark.parametrize("limit_ms", [500.0, 2_000.0, 3_500.0])
def test_no_configuration_of_a_small_space_is_nearer(context, limit_ms):
    stated = replace(
        SLOW,
        gpu="L4 24GB",
        replicas=Replicas(1, 1),
        traffic=replace(CHAT, requests_per_second=0.1),
        slo=Slo((LatencyLimit("latency", 95, limit_ms, "/slo/latency_p95"),)),
        budget=Budget(),
        alternatives=AlternativesScope(
            gpus=(), backends=(), quants=(), max_replicas=5, keep=("gpus_per_replica",)
        ),
    )
    today = judge(stated, context)
    found = find(today, context)
    assert found.alternatives == ()
    others = (one for one in every(today, context) if edits(stated, one))
    least = min(missed(judge(one, context).gates.values())[0] for one in others)
    assert missed(found.near_misses[0].gates)[0] == pytest.approx(least)
