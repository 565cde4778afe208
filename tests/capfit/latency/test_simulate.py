from dataclasses import replace

import numpy as np
import pytest
from capcheck.predict.latency.batch_server import open_loop
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Percentiles, Server
from capfit.latency.grid import METRICS, Point, Timings, reference
from capfit.latency.simulate import (
    Engine,
    draw_lengths,
    simulate_arrivals,
    simulate_closed,
    simulate_open,
)
from capfit.latency.trace import Trace, percentiles_of


def step_ms(*, sequences: float, context_tokens: float) -> float:
    return 8.0 + 2.0 * sequences


def prefill_ms(*, tokens: float, context_tokens: float = 0.0) -> float:
    return tokens / 10.0


def run(sent: list[float], prompts: list[int], outputs: list[int], **settings: object) -> Trace:
    options = {"slots": 4, "max_num_batched_tokens": 1000, **settings}
    return simulate_arrivals(
        Server(step_ms, prefill_ms, **options),
        sent_ms=sent,
        prompt_tokens=prompts,
        output_tokens=outputs,
    )


def test_one_request_alone():
    trace = run([5.0], [100], [11], host_delay_ms=3.0)
    assert trace.ttft_ms[0] == pytest.approx(3.0 + 10.0)
    assert trace.latency_ms[0] == pytest.approx(3.0 + 10.0 + 10 * 10.0)
    assert trace.tpot_ms[0] == pytest.approx(10.0)
    assert trace.busy_ms == pytest.approx(110.0)


def test_unchunked_prefill_stops_decoding():
    """The second prompt arrives in the first one's second step (20..30) and holds it up 10 ms."""
    trace = run([0.0, 25.0], [100, 100], [4, 1], chunked_prefill=False)
    assert trace.first_token_ms.tolist() == pytest.approx([10.0, 40.0])
    assert trace.finished_ms.tolist() == pytest.approx([50.0, 40.0])


def test_chunked_prefill_shares_the_step():
    """The same two: the second prompt's 10 ms come with the first one's third step."""
    trace = run([0.0, 25.0], [100, 100], [4, 1])
    assert trace.finished_ms.tolist() == pytest.approx([50.0, 50.0])


def test_a_prompt_holds_others_up_for_a_share_of_its_time():
    """The third step takes 4 ms more, and the second prompt's token comes 6 ms after it."""
    trace = run([0.0, 25.0], [100, 100], [4, 1], prefill_beside=0.4)
    assert trace.finished_ms[0] == pytest.approx(44.0)
    assert trace.first_token_ms.tolist() == pytest.approx([10.0, 50.0])


def test_requests_are_found_when_the_scheduler_looks():
    """It looks after three steps: at 40 ms, though the second request is there at 11."""
    engine = Engine(
        Server(step_ms, prefill_ms, slots=4, chunked_prefill=False, max_num_batched_tokens=1000),
        [100, 100],
        [9, 1],
        poll_steps=3,
    )
    engine.send(0, 0.0)
    engine.send(1, 11.0)
    engine.run()
    assert engine.trace().first_token_ms.tolist() == pytest.approx([10.0, 50.0])


def test_a_long_prompt_takes_several_steps():
    """250 tokens in steps of 100, less one for the request that decodes beside it."""
    trace = run([0.0, 0.0], [100, 250], [9, 1], max_num_batched_tokens=100)
    # 10 ms alone; then three steps of 10 ms with 99 + 99 + 52 tokens.
    assert trace.first_token_ms.tolist() == pytest.approx([10.0, 10.0 + 3 * 10.0 + 25.0])


def test_slots_and_pool_keep_the_order():
    waits = run([0.0, 1.0, 2.0], [10, 10, 10], [11, 11, 11], slots=1).queue_wait_ms
    assert waits.tolist() == pytest.approx([0.0, 100.0, 200.0])
    # A pool of 40 tokens holds one request of 21 only, however many slots there are.
    pooled = run([0.0, 1.0, 2.0], [10, 10, 10], [11, 11, 11], kv_tokens=40.0).queue_wait_ms
    assert pooled.tolist() == pytest.approx(waits.tolist())


def test_a_full_queue_turns_away():
    trace = run([0.0, 1.0, 2.0, 3.0], [10] * 4, [11] * 4, slots=1, max_queue=1)
    assert trace.lost == 2
    assert len(trace.sent_ms) == 2


def test_md1_mean_wait():
    """One slot, one length: W = load S / (2 (1 - load)), TR133 SS9.1."""
    server = Server(step_ms, prefill_ms, 1)
    service = 10.0 + 9 * 10.0
    waits = [
        simulate_open(
            server,
            requests_per_second=7.0,
            prompt=Lengths(100),
            output=Lengths(10),
            requests=40_000,
            seed=seed,
        )
        .after(0.1)
        .queue_wait_ms.mean()
        for seed in range(3)
    ]
    assert np.mean(waits) == pytest.approx(0.7 * service / (2 * 0.3), rel=0.04)


def test_closed_loop_on_one_slot_takes_turns():
    trace = simulate_closed(
        Server(step_ms, prefill_ms, 1),
        agents=5,
        think_time_s=0.0,
        prompt=Lengths(100),
        output=Lengths(10),
        requests=500,
        seed=0,
    ).after(0.2)
    assert trace.latency_ms.mean() == pytest.approx(500.0)


def test_lengths_are_drawn_with_their_mean_and_spread():
    drawn = draw_lengths(Lengths(300, 0.5), 50_000, np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(300, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.5, rel=0.02)
    assert set(draw_lengths(Lengths(300), 10, np.random.default_rng(1)).tolist()) == {300}


def test_same_seed_same_trace():
    def once() -> Percentiles:
        return percentiles_of(
            simulate_open(
                Server(step_ms, prefill_ms, 4),
                requests_per_second=5.0,
                prompt=Lengths(50, 0.5),
                output=Lengths(20, 1.0),
                requests=500,
                seed=3,
            ).latency_ms
        )

    assert once() == once()


@pytest.mark.parametrize(("spread", "percent"), [(4.0, 40), (0.25, 15)])
@pytest.mark.parametrize("slots", [4, 64])
def test_bursts_and_turns_against_simulation(spread: float, percent: float, slots: int):
    point = Point(FAST, slots, True, 2048, None, Lengths(512), Lengths(256, 0.5), 0.7, None, 0.0)
    server = replace(point.server, arrival_spread=spread)
    arguments = {
        "requests_per_second": point.requests_per_second,
        "prompt": point.prompt,
        "output": point.output,
    }
    runs = [
        percentiles_of(simulate_open(server, **arguments, requests=8000, seed=seed).latency_ms).p95
        for seed in range(2)
    ]
    found = open_loop(server, **arguments).latency_ms.p95
    poisson = open_loop(point.server, **arguments).latency_ms.p95
    assert found == pytest.approx(np.mean(runs), rel=percent / 100.0)
    assert abs(found - np.mean(runs)) < abs(poisson - np.mean(runs))


FAST = Timings(10.0, 0.1, 1e-4, 5.0, 0.05)
SLOW_PREFILL = Timings(30.0, 0.3, 3e-4, 5.0, 0.2)


# (name, point, tolerance of the p95s in percent)
COMPARED = [
    ("light", Point(FAST, 64, True, 2048, None, Lengths(512), Lengths(256), 0.3, None, 0.0), 8),
    ("busy", Point(FAST, 64, True, 2048, None, Lengths(512), Lengths(256), 0.7, None, 0.0), 10),
    (
        "spread",
        Point(FAST, 64, False, 2048, None, Lengths(512), Lengths(256, 1.0), 0.7, None, 0.0),
        10,
    ),
    (
        "few slots",
        Point(FAST, 8, True, 2048, None, Lengths(256), Lengths(256, 0.5), 0.7, None, 0.0),
        12,
    ),
    ("one slot", Point(FAST, 1, True, 512, None, Lengths(256), Lengths(128), 0.7, None, 0.0), 8),
    (
        "long prompts",
        Point(SLOW_PREFILL, 32, False, 2048, None, Lengths(3000), Lengths(300), 0.5, None, 0.0),
        12,
    ),
    (
        "pool",
        Point(FAST, 64, True, 2048, 16 * 769.0, Lengths(512), Lengths(256), 0.5, None, 0.0),
        12,
    ),
    (
        "agents",
        Point(FAST, 64, True, 2048, None, Lengths(512), Lengths(256, 0.5), None, 24, 1.0),
        10,
    ),
    (
        "agents over slots",
        Point(FAST, 8, True, 2048, None, Lengths(512), Lengths(256, 0.5), None, 24, 0.0),
        10,
    ),
]


@pytest.mark.parametrize(("name", "point", "percent"), COMPARED, ids=[c[0] for c in COMPARED])
def test_analytic_p95_against_simulation(name: str, point: Point, percent: float):
    simulated = reference(point, requests=5000, replications=2)
    behaviour = point.predict()
    for metric in METRICS:
        found = getattr(behaviour, metric).p95
        assert found == pytest.approx(simulated[metric].p95, rel=percent / 100.0), metric
