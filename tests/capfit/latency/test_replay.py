import numpy as np
import pytest
from capfit.latency.replay import (
    closed_loop_wall_ms,
    errors,
    mm_c,
    published_arrivals,
    replayed,
    service,
    tr133,
)

# TR128 SS3: 50 requests one after the other on Ollama: wall, tokens/s end to end, decode tokens/s,
# prefill; TR130 SS17.2: wall, prefill, decode.
TR128 = {
    "llama3.2-1b": service(
        wall_ms=857.9,
        prefill_ms=12.8,
        unreported_ms=35.0,
        tokens_per_s=140.7,
        gpu_tokens_per_s=211.0,
    ),
    "llama3.2-3b": service(
        wall_ms=1435.3,
        prefill_ms=31.4,
        unreported_ms=35.0,
        tokens_per_s=89.2,
        gpu_tokens_per_s=113.3,
    ),
    "qwen2.5-1.5b": service(
        wall_ms=1008.4,
        prefill_ms=24.1,
        unreported_ms=35.0,
        tokens_per_s=125.8,
        gpu_tokens_per_s=166.8,
    ),
}
TR130 = {
    "llama3.2-1b": service(wall_ms=678.9, prefill_ms=7.2, unreported_ms=35.0, decode_ms=459.5),
    "llama3.2-3b": service(wall_ms=984.2, prefill_ms=12.4, unreported_ms=35.0, decode_ms=753.1),
}

# TR128 SS4.1: model, OLLAMA_NUM_PARALLEL, nominal rate, mean and p95 wall in ms.
OPEN = [
    ("llama3.2-1b", 1, 0.5, 1052.0, 1797.0),
    ("llama3.2-1b", 4, 1.0, 1963.0, 3246.0),
    ("llama3.2-1b", 1, 2.0, 5730.0, 9528.0),
    ("llama3.2-3b", 1, 0.5, 3011.0, 4808.0),
    ("llama3.2-3b", 4, 2.0, 14035.0, 24779.0),
    ("qwen2.5-1.5b", 1, 1.0, 4427.0, 7048.0),
    ("qwen2.5-1.5b", 4, 5.0, 10845.0, 18995.0),
]

# TR130 SS5.1: model, agents, mean wall in ms.
CLOSED = [
    ("llama3.2-1b", 1, 695.0),
    ("llama3.2-1b", 4, 1855.0),
    ("llama3.2-1b", 8, 3986.0),
    ("llama3.2-3b", 4, 3075.0),
    ("llama3.2-3b", 8, 6361.0),
]


def test_gpu_service_is_shorter_than_the_wall():
    single = TR128["llama3.2-1b"]
    assert single.gpu_ms == pytest.approx(140.7 * 857.9 / 211.0 + 12.8 + 35.0)
    assert single.host_ms == pytest.approx(857.9 - single.gpu_ms)
    with pytest.raises(ValueError, match="decode_ms"):
        service(wall_ms=1.0, prefill_ms=1.0, unreported_ms=35.0)


def test_the_published_draw_runs_at_one_and_a_half_times_its_rate():
    sent = published_arrivals(2.0)
    assert len(sent) == 30
    assert 30 / (sent[-1] / 1000.0) / 2.0 == pytest.approx(1.54, abs=0.01)
    assert published_arrivals(4.0) == pytest.approx([at / 2 for at in sent])


def test_replay_beats_steady_state_forms():
    rows = [(TR128[model], parallel, rate, mean, p95) for model, parallel, rate, mean, p95 in OPEN]
    replay = [
        (replayed(one, published_arrivals(rate)), mean, p95) for one, _, rate, mean, p95 in rows
    ]
    count, mean_error, _, _ = errors([(answer.mean, mean) for answer, mean, _ in replay])
    assert count == len(OPEN)
    assert mean_error < 10.0
    _, p95_error, _, worst = errors([(answer.p95, p95) for answer, _, p95 in replay])
    assert p95_error < 12.0
    assert worst < 27.0
    steady = errors([(tr133(one, rate).p95, p95) for one, _, rate, _, p95 in rows])
    erlang = errors([(mm_c(one, rate, c).p95, p95) for one, c, rate, _, p95 in rows])
    assert steady[0] < len(OPEN)  # no answer where the wall time says "saturated"
    assert steady[1] > 2 * p95_error
    assert erlang[1] > 2 * p95_error


def test_closed_loops_follow_from_one_request():
    pairs = [(closed_loop_wall_ms(TR130[model], agents=n), wall) for model, n, wall in CLOSED]
    _, average, _, worst = errors(pairs)
    assert average < 5.0
    assert worst < 9.0


def test_thinking_shortens_the_wait():
    single = TR130["llama3.2-1b"]
    assert closed_loop_wall_ms(single, agents=4, think_ms=500.0) == pytest.approx(
        4 * single.gpu_ms - 500.0
    )
    assert closed_loop_wall_ms(single, agents=4, think_ms=9000.0) == single.wall_ms


def test_one_slot_replay_is_a_queue_by_hand():
    single = TR130["llama3.2-1b"]
    answer = replayed(single, [0.0, 100.0])
    second = single.host_ms + 2 * single.gpu_ms - 100.0
    assert answer.mean == pytest.approx((single.wall_ms + second) / 2)


def test_errors_skip_what_was_not_answered():
    assert errors([(None, 1.0), (110.0, 100.0), (80.0, 100.0)])[:3] == pytest.approx(
        (2, 15.0, -5.0)
    )
    assert errors([])[0] == 0
    assert np.isnan(errors([])[1])
