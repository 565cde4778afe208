from dataclasses import replace

import pytest
from capcheck.predict.speed.prefill import PrefillLaw
from hypothesis import given
from hypothesis import strategies as st

LAW = PrefillLaw(
    overhead=5.0,
    chunk=2.0,
    chunk_tokens=512.0,
    product=0.1,
    dense=8.0,
    experts=0.0,
    expert_miss=0.0,
    per_token=0.01,
    pair_full=1e-6,
    pair_sliding=2e-6,
    window=1000.0,
)
LAWS = st.builds(
    PrefillLaw,
    overhead=st.floats(0, 50),
    chunk=st.floats(0, 20),
    chunk_tokens=st.sampled_from([512.0, 2048.0, 16384.0]),
    product=st.floats(1e-4, 1.0),
    dense=st.floats(0.01, 100.0),
    experts=st.floats(0, 100.0),
    expert_miss=st.floats(0.5, 0.999),
    per_token=st.floats(0, 0.1),
    pair_full=st.floats(0, 1e-5),
    pair_sliding=st.floats(0, 1e-5),
    window=st.floats(0, 8192),
)


def test_a_prompt_is_products_streaming_attention_and_overhead():
    body = 2048 * 0.1 + 4 * 8.0
    pairs, windowed = 2048**2 / 2, 1000 * (2048 - 500)
    expected = 5.0 + 4 * 2.0 + body + 20.48 + pairs * 1e-6 + windowed * 2e-6
    assert LAW(tokens=2048.0) == pytest.approx(expected)


def test_a_short_prompt_waits_for_the_weights():
    assert LAW(tokens=1.0) == pytest.approx(5.0 + 2.0 + 0.1 + 8.0 + 0.01, rel=1e-3)


def test_a_cached_prefix_leaves_the_attention_to_it():
    whole = replace(LAW, overhead=0.0)
    attention = whole(tokens=512.0, context_tokens=8192.0) - whole(tokens=512.0)
    windowed = (
        512 * 1000 - 512**2 / 2
    )  # all 512 tokens look back a whole window, not their own half
    assert attention == pytest.approx(512 * 8192 * 1e-6 + windowed * 2e-6)


@given(LAWS, st.floats(1, 1e5), st.floats(1, 1e5), st.floats(0, 1e5))
def test_more_tokens_take_longer(law: PrefillLaw, a: float, b: float, context: float):
    less, more = sorted((a, b))
    assert law(tokens=less, context_tokens=context) <= law(tokens=more, context_tokens=context) * (
        1 + 1e-9
    )


@given(LAWS, st.floats(1, 1e5), st.floats(0, 1e5), st.floats(0, 1e5))
def test_a_longer_prefix_takes_longer(law: PrefillLaw, tokens: float, a: float, b: float):
    less, more = sorted((a, b))
    assert (
        law(tokens=tokens, context_tokens=less)
        <= law(tokens=tokens, context_tokens=more) * (1 + 1e-6) + 1e-6
    )


@given(LAWS, st.floats(512, 20000), st.floats(0.05, 0.95))
def test_chunks_never_cost_less_than_the_whole(law: PrefillLaw, tokens: float, share: float):
    """Cutting a prompt in two repeats overhead and streaming, and saves nothing."""
    first = max(1.0, tokens * share)
    rest = max(1.0, tokens - first)
    assert law(tokens=first) + law(tokens=rest, context_tokens=first) >= law(
        tokens=first + rest
    ) * (1 - 1e-9)
