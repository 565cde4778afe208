"""A KV pool that is never full makes no difference, and is not told apart from none."""

from dataclasses import fields

import pytest
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Server
from capcheck.predict.latency.work import without_idle_bound, work_of
from hypothesis import given
from hypothesis import strategies as st


def step_ms(*, sequences: float, context_tokens: float) -> float:
    return 20.0 + 0.2 * sequences + 1e-4 * context_tokens


def prefill_ms(*, tokens: float, context_tokens: float = 0.0) -> float:
    return 3.0 + 0.05 * tokens


def server(slots: int, kv_tokens: float | None, share: float = 0.5) -> Server:
    return Server(step_ms, prefill_ms, slots, kv_tokens=kv_tokens, kv_output_share=share)


LENGTHS = st.builds(Lengths, st.floats(1.0, 5000.0), st.floats(0.0, 1.5))


@given(
    slots=st.sampled_from((1, 2, 8, 100, 256)),
    share=st.sampled_from((0.5, 1.0)),
    fits=st.floats(0.2, 4.0),
    prompt=LENGTHS,
    output=LENGTHS,
)
def test_a_bound_is_only_left_out_where_it_changes_nothing(slots, share, fits, prompt, output):
    one = server(slots, fits * slots * (prompt.mean + output.mean), share)
    told, left = (
        work_of(each, prompt=prompt, output=output)
        for each in (one, without_idle_bound(one, prompt, output))
    )
    for field in fields(told):
        if field.name != "server":
            assert getattr(told, field.name) == getattr(left, field.name), field.name


@pytest.mark.parametrize(
    ("slots", "kv_tokens", "idle"),
    [
        (8, None, True),
        (8, 8 * 750.0, True),  # 500 + 200 / 2 tokens each, and one more to spare
        (8, 7 * 600.0, False),
        (1, 700.0, True),
        (256, 256 * 700.0, True),
        (256, 200 * 600.0, False),
    ],
)
def test_a_pool_is_idle_that_holds_what_fills_all_slots(slots, kv_tokens, idle):
    found = without_idle_bound(server(slots, kv_tokens), Lengths(500.0), Lengths(200.0))
    assert (found.kv_tokens is None) == idle
