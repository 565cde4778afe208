"""Routing over copies: the less a router knows, the longer the tail."""

from dataclasses import replace

import pytest
from capcheck.predict.latency.batch_server import open_loop
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Behaviour, Server
from capcheck.predict.latency.work import work_of
from capfit.latency.routed import simulate_routed
from capfit.latency.trace import percentiles_of
from hypothesis import given, settings
from hypothesis import strategies as st

PROMPT = Lengths(256.0)


def server(slots: int) -> Server:
    return Server(
        step_ms=lambda *, sequences, context_tokens: 20.0 + 0.4 * sequences,
        prefill_ms=lambda *, tokens, context_tokens=0.0: 5.0 + 0.08 * tokens,
        slots=slots,
    )


def routed(slots: int, copies: int, routing: str, load: float, output: Lengths) -> Behaviour:
    spread, level = {
        "random": (1.0, 1),
        "round-robin": (max(0.25, 1.0 / copies), 1),
        "least-outstanding": (1.0 / copies, copies),
    }[routing]
    one = replace(server(slots), arrival_spread=spread, balanced_over=level)
    rate = 1000.0 * load * work_of(one, prompt=PROMPT, output=output).saturation_per_ms
    return open_loop(one, requests_per_second=rate, prompt=PROMPT, output=output)


@settings(max_examples=60, deadline=None)
@given(
    slots=st.sampled_from([1, 2, 4, 16, 64]),
    copies=st.integers(2, 16),
    load=st.floats(0.1, 0.95),
    cv=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_router_that_knows_more_is_never_worse(slots: int, copies: int, load: float, cv: float):
    output = Lengths(150.0, cv)
    tails = []
    for routing in ("least-outstanding", "round-robin", "random"):
        latency = routed(slots, copies, routing, load, output).latency_ms
        assert latency is not None
        tails.append(latency.p95)
    assert tails[0] <= 1.02 * tails[1]
    assert tails[1] <= 1.02 * tails[2]


@pytest.mark.parametrize(("slots", "copies"), [(4, 2), (16, 8)])
@pytest.mark.parametrize("routing", ["random", "round-robin", "least-outstanding"])
def test_the_p95_is_that_of_the_simulated_router(slots: int, copies: int, routing: str):
    output = Lengths(150.0, 1.0)
    rate = 0.8 * copies * 1000.0
    rate *= work_of(server(slots), prompt=PROMPT, output=output).saturation_per_ms
    trace = simulate_routed(
        server(slots),
        copies=copies,
        routing=routing,
        requests_per_second=rate,
        prompt=PROMPT,
        output=output,
        requests=8_000,
        seed=7,
    )
    predicted = routed(slots, copies, routing, 0.8, output).latency_ms
    assert predicted is not None
    assert predicted.p95 == pytest.approx(percentiles_of(trace.after(0.15).latency_ms).p95, rel=0.2)
