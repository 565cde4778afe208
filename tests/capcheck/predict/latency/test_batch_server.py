import pytest
from capcheck.predict.latency.batch_server import closed_loop, open_loop, under_rate
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Server
from capcheck.predict.latency.work import (
    admission,
    prefill_work_ms,
    saturation_per_ms,
    work_of,
)
from capfit.latency.simulate import simulate_open

PROMPT, OUTPUT = Lengths(500), Lengths(201)


def step_ms(*, sequences: float, context_tokens: float):
    return 9.0 + 0.1 * sequences


def prefill_ms(*, tokens: float, context_tokens: float = 0.0):
    return 10.0 + 0.05 * tokens


def server(slots: int = 16, **settings: object):
    return Server(step_ms, prefill_ms, slots, **settings)


def at(rate: float, **settings: object):
    return open_loop(server(**settings), requests_per_second=rate, prompt=PROMPT, output=OUTPUT)


# Alone: prefill 10 + 25 = 35 ms, then 200 steps of 9.1 ms.
ALONE_MS = 35.0 + 200 * 9.1


def test_prompts_that_hide_behind_steps_cost_the_others_less():
    """The loop turns as if prompts were shorter; who sends one waits for all of it."""
    loops = [
        closed_loop(
            server(prefill_beside=share),
            agents=8,
            think_time_s=0.0,
            prompt=PROMPT,
            output=OUTPUT,
        )
        for share in (1.0, 0.4)
    ]
    full, hidden = loops
    assert hidden.throughput_tok_s > full.throughput_tok_s
    assert hidden.tpot_ms.mean == pytest.approx(full.tpot_ms.mean - 0.6 * 35.0 * 7 / 200, rel=0.01)
    assert hidden.ttft_ms.mean > 35.0


@pytest.mark.parametrize("slots", [1, 2, 16, 1024])
@pytest.mark.parametrize("chunked", [True, False])
def test_no_load_is_the_single_stream(slots: int, chunked: bool):
    behaviour = at(0.0, slots=slots, chunked_prefill=chunked, host_delay_ms=7.0)
    assert behaviour.stable
    assert behaviour.ttft_ms.p99 == pytest.approx(42.0)
    assert behaviour.tpot_ms.p99 == pytest.approx(9.1)
    assert behaviour.latency_ms.p99 == pytest.approx(ALONE_MS + 7.0)
    assert behaviour.queue_wait_ms.p99 == 0.0


@pytest.mark.parametrize("slots", [1, 16])
@pytest.mark.parametrize("think", [0.0, 3.0])
def test_one_agent_is_the_single_stream(slots: int, think: float):
    behaviour = closed_loop(
        server(slots=slots, host_delay_ms=7.0),
        agents=1,
        think_time_s=think,
        prompt=PROMPT,
        output=OUTPUT,
    )
    assert behaviour.latency_ms.mean == pytest.approx(ALONE_MS + 7.0)
    assert behaviour.tpot_ms.p95 == pytest.approx(9.1)
    cycle_s = (ALONE_MS + 7.0) / 1000.0 + think
    assert behaviour.throughput_tok_s == pytest.approx(201 / cycle_s)


def test_saturation_of_one_slot_is_one_over_its_service_time():
    behaviour = at(0.1, slots=1)
    assert behaviour.saturation_rps == pytest.approx(1000.0 / ALONE_MS)
    assert behaviour.capacity_tok_s == pytest.approx(201_000.0 / ALONE_MS)
    assert behaviour.utilisation == pytest.approx(0.1 * ALONE_MS / 1000.0)


def test_saturation_of_a_batch_without_chunking():
    """Each completion: one prefill, and 200 steps of 16 requests shared by 16."""
    behaviour = at(0.1, chunked_prefill=False)
    assert behaviour.saturation_rps == pytest.approx(1000.0 / (35.0 + 200 * (9 + 1.6) / 16))


def test_chunked_prefill_holds_its_slot_for_a_step():
    decoding = 16 * 200 / 201
    expected = 35.0 + 200 * (9 + 0.1 * decoding) / decoding
    assert at(0.1).saturation_rps == pytest.approx(1000.0 / expected, rel=1e-4)


def test_a_token_budget_bounds_who_decodes():
    """64 slots, but each step holds 100 tokens, and a request takes 500 + 200 of them.

    Its prompt comes in five chunks, 75 ms in all.
    """
    found = at(0.1, slots=64, max_num_batched_tokens=100).saturation_rps
    decoding = 100 * 200 / 700
    expected = 1000.0 / (75.0 + 200 * (9 + 0.1 * decoding) / decoding)
    assert 0.97 * expected < found <= expected


@pytest.mark.parametrize("kv_tokens", [None, 5000.0])
@pytest.mark.parametrize("chunked", [True, False])
def test_saturation_alone_is_that_of_the_whole_work(kv_tokens: float | None, chunked: bool):
    one = server(64, kv_tokens=kv_tokens, chunked_prefill=chunked, max_num_batched_tokens=600)
    for output in (OUTPUT, Lengths(201, 0.7)):
        quick = saturation_per_ms(one, prompt=PROMPT, output=output)
        whole = work_of(one, prompt=PROMPT, output=output).saturation_per_ms
        assert quick == pytest.approx(whole, rel=2e-3)


@pytest.mark.parametrize("factor", [1.0, 1.5])
@pytest.mark.parametrize("slots", [1, 16])
def test_at_saturation_there_is_no_latency(factor: float, slots: int):
    saturation = at(0.0, slots=slots).saturation_rps
    behaviour = at(factor * saturation, slots=slots)
    assert not behaviour.stable
    assert behaviour.latency_ms is None
    assert behaviour.ttft_ms is None
    assert behaviour.queue_wait_ms is None
    assert behaviour.saturation_rps == pytest.approx(saturation)
    assert behaviour.utilisation == pytest.approx(factor)


def test_md1_of_one_slot_is_exact():
    """TR133 SS9.1's mean wait, with GPU-busy service; the p95 from the exact distribution."""
    rate = 0.7 * 1000.0 / ALONE_MS
    behaviour = at(rate, slots=1)
    wait = 0.7 * ALONE_MS / (2 * 0.3)
    assert behaviour.queue_wait_ms.mean == pytest.approx(wait)
    assert behaviour.latency_ms.mean == pytest.approx(ALONE_MS + wait)
    assert behaviour.queue_wait_ms.p95 / wait == pytest.approx(3.5, abs=0.05)


@pytest.mark.parametrize("agents", [1, 2, 5, 8])
@pytest.mark.parametrize("delay_ms", [0.0, 200.0])
@pytest.mark.parametrize("think_s", [0.0, 4.0])
def test_agents_on_one_slot_take_turns(agents: int, delay_ms: float, think_s: float):
    """wall = max(Z + S, N S - think), as TR129 and TR130 measured."""
    behaviour = closed_loop(
        server(slots=1, host_delay_ms=delay_ms),
        agents=agents,
        think_time_s=think_s,
        prompt=PROMPT,
        output=OUTPUT,
    )
    wall = max(delay_ms + ALONE_MS, agents * ALONE_MS - 1000.0 * think_s)
    assert behaviour.latency_ms.p95 == pytest.approx(wall)
    assert behaviour.latency_ms.mean == pytest.approx(wall)
    cycle_s = wall / 1000.0 + think_s
    assert behaviour.throughput_tok_s == pytest.approx(agents * 201 / cycle_s)


def test_kv_pool_limits_the_slots_and_says_so():
    free = at(1.0)
    limited = at(1.0, kv_tokens=4 * 701 + 100)
    work = work_of(server(kv_tokens=4 * 701 + 100), prompt=PROMPT, output=OUTPUT)
    assert work.capacity == pytest.approx(4)
    assert work.kv_limited
    assert limited.saturation_rps < free.saturation_rps
    assert limited.preemption
    assert not free.preemption


def test_half_the_output_share_doubles_what_the_pool_holds_of_it():
    few = work_of(server(kv_tokens=4000), prompt=Lengths(1), output=Lengths(1000))
    more = work_of(
        server(kv_tokens=4000, kv_output_share=0.5), prompt=Lengths(1), output=Lengths(1000)
    )
    assert (few.capacity, more.capacity) == pytest.approx((3, 7))


@pytest.mark.parametrize("fit", [3.2, 4.9, 12.3])
def test_a_pool_holds_half_a_request_less_than_fits_where_lengths_vary(fit: float):
    """As measured by simulation at overload: the head of the queue waits until it fits."""
    output = Lengths(201, 1.0)
    tokens = fit * (500 + output.length_biased_mean)
    assert sum(admission(server(64, kv_tokens=tokens), PROMPT, output)) == pytest.approx(
        fit - 0.5, rel=0.03
    )


def test_prefix_hits_shorten_prefill():
    assert prefill_work_ms(server(prefix_hit_rate=0.8), 500) == pytest.approx(10.0 + 5.0)
    assert at(3.0, prefix_hit_rate=0.8).ttft_ms.p95 < at(3.0).ttft_ms.p95


def test_long_prompts_are_cut_into_chunks():
    cut = server(max_num_batched_tokens=200)
    assert prefill_work_ms(cut, 500) == pytest.approx(3 * 10.0 + 25.0)


def test_a_short_queue_loses_requests():
    rate = 0.9 * at(0.0, slots=1).saturation_rps
    none = at(rate, slots=1).loss_rate
    some = at(rate, slots=1, max_queue=10).loss_rate
    most = at(rate, slots=1, max_queue=0).loss_rate
    assert none == 0.0
    # Less than M/M/1/11: (1 - r) r^11 / (1 - r^12)
    assert 0.0 < some < 0.1 * 0.9**11 / (1 - 0.9**12)
    # M/G/1/1: load / (1 + load), whatever the lengths (Erlang)
    assert most == pytest.approx(0.9 / 1.9)


@pytest.mark.parametrize(
    ("slots", "limit", "cv"), [(1, 3, 0.0), (1, 3, 1.0), (8, 5, 0.5), (32, 0, 0.0)]
)
@pytest.mark.parametrize("load", [0.8, 0.95])
def test_the_loss_is_that_of_a_simulated_queue(slots: int, limit: int, cv: float, load: float):
    server = Server(
        step_ms=lambda *, sequences, context_tokens: 10.0 + 0.5 * sequences,
        prefill_ms=lambda *, tokens, context_tokens=0.0: 5.0 + tokens / 50.0,
        slots=slots,
        max_queue=limit,
    )
    prompt, output = Lengths(256.0), Lengths(100.0, cv)
    rate = load * work_of(server, prompt=prompt, output=output).saturation_per_ms * 1000.0
    traffic = {"requests_per_second": rate, "prompt": prompt, "output": output}
    simulated = simulate_open(server, **traffic, requests=20_000, seed=1).lost / 20_000
    assert open_loop(server, **traffic).loss_rate == pytest.approx(simulated, rel=0.2)


def test_many_slots_stay_cheap_and_finite():
    behaviour = at(5.0, slots=4096)
    assert behaviour.mean_running < 100
    assert behaviour.latency_ms.p99 < 10_000


def test_a_pool_of_hardly_more_than_one_request_of_very_varied_answers():
    """Who waits for it finds nobody in a slot, and is not among those who come to an idle copy."""
    work = work_of(
        server(2, kv_tokens=900.0, chunked_prefill=False, max_num_batched_tokens=400),
        prompt=PROMPT,
        output=Lengths(22.0, 1.8),
    )
    assert 1.0 < work.capacity < 1.5
    found = under_rate(work, 0.5 * work.saturation_per_ms)
    assert found.ttft_ms is not None
    assert found.ttft_ms.p50 >= 35.0
