from dataclasses import replace

import pytest
from capcheck.predict.latency.server import Server
from capfit.data.protocol import (
    BURST,
    IN_STEP,
    INFERENCE_MAX,
    INFERENCE_MAX_SGLANG,
    LATE_TEXT,
    Protocol,
)
from capfit.latency.benchmark import Run, _in_step, _simulated, simulate_benchmark

SERVER = Server(
    step_ms=lambda *, sequences, context_tokens: 10.0,
    prefill_ms=lambda *, tokens, context_tokens=0.0: 20.0 + tokens / 100.0,
    slots=64,
    chunked_prefill=False,
    max_num_batched_tokens=1000,
)


def test_a_burst_of_one_round_waits_for_every_prompt_before_it():
    trace = simulate_benchmark(SERVER, BURST, clients=4, prompt_tokens=1000.0, output_tokens=10.0)
    assert trace.ttft_ms.tolist() == [30.0, 60.0, 90.0, 120.0]


def test_prompts_of_one_iteration_pay_what_they_share_once():
    server = replace(SERVER, prefill_shared_ms=20.0, max_num_batched_tokens=2000)
    trace = simulate_benchmark(server, BURST, clients=4, prompt_tokens=1000.0, output_tokens=10.0)
    assert trace.ttft_ms.tolist() == [40.0, 40.0, 80.0, 80.0]


def test_varying_lengths_fade_the_burst_over_the_rounds():
    trace = simulate_benchmark(
        SERVER, INFERENCE_MAX, clients=16, prompt_tokens=1000.0, output_tokens=400.0
    )
    first, later = trace.ttft_ms[:16].mean(), trace.ttft_ms[32:].mean()
    assert len(trace.ttft_ms) == 160
    assert first > 2.5 * later


def test_a_protocol_knows_how_long_its_lengths_and_its_polls_are():
    assert INFERENCE_MAX.length_share == pytest.approx(0.9)
    assert INFERENCE_MAX.poll_steps(64) == 0.0
    assert INFERENCE_MAX_SGLANG.poll_steps(8) == 4.5
    assert INFERENCE_MAX_SGLANG.poll_steps(16) == 14.5


def run(protocol: Protocol, clients: int) -> Run:
    return Run(SERVER, protocol, clients=clients, prompt_tokens=1000.0, output_tokens=101.0)


def test_a_burst_gives_all_its_tokens_in_the_time_of_its_last_request():
    found = _simulated(run(BURST, 4))
    assert found.latency_ms.p99 == pytest.approx(120.0 + 100 * 10.0)
    assert found.total_tok_s == pytest.approx(4 * 101 / 1.12)


def test_late_text_is_time_to_the_first_and_none_per_token():
    early, late = _simulated(run(INFERENCE_MAX_SGLANG, 16)), _simulated(run(LATE_TEXT, 16))
    assert late.ttft_ms.mean == pytest.approx(early.ttft_ms.mean + 30 * 10.0)
    assert late.tpot_ms.mean < early.tpot_ms.mean
    assert late.latency_ms == early.latency_ms


def test_clients_in_step_wait_for_their_group_and_decode_among_all():
    slower = replace(SERVER, step_ms=lambda *, sequences, context_tokens: float(sequences))
    few, many = (_in_step(replace(run(IN_STEP, n), server=slower)) for n in (8, 32))
    first_round = 32 * 30.0 / 2 / IN_STEP.rounds
    assert many.ttft_ms.mean < few.ttft_ms.mean + first_round
    assert many.tpot_ms.mean > 32.0 > few.tpot_ms.mean
    assert few.latency_ms.mean == pytest.approx(few.ttft_ms.mean + 100 * few.tpot_ms.mean)
