from dataclasses import replace

import pytest
from capcheck.predict.latency.server import Server
from capfit.data.protocol import BURST, INFERENCE_MAX, INFERENCE_MAX_SGLANG
from capfit.latency.benchmark import simulate_benchmark

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
