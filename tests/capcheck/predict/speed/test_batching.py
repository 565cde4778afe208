from dataclasses import replace

import pytest
from capcheck.predict.coefficients import load
from capcheck.predict.speed.batching import StepLaw, attention_widths, query_groups
from capcheck.registry.tables import Registry
from hypothesis import given
from hypothesis import strategies as st

DENSE = StepLaw(
    floor=2.0,
    launch_overlap=1.0,
    fixed=0.5,
    dense=4.0,
    experts=0.0,
    expert_miss=0.0,
    cache_full=0.001,
    cache_sliding=0.002,
    window=1000.0,
    arithmetic=0.03,
    per_sequence=0.01,
)
TIME = st.floats(0.0, 50.0)
SMALL = st.floats(0.0, 0.1)
LAWS = st.builds(
    StepLaw,
    floor=st.floats(0.01, 50.0),
    launch_overlap=st.sampled_from([1.0, 4.0]),
    fixed=TIME,
    dense=st.floats(0.01, 100.0),
    experts=TIME,
    expert_miss=st.floats(0.5, 0.999),
    cache_full=SMALL,
    cache_sliding=SMALL,
    window=st.floats(0.0, 8192.0),
    arithmetic=st.floats(0.0, 2.0),
    per_sequence=st.floats(0.0, 1.0),
    padded=st.floats(0.0, 50.0),
)


def test_a_step_adds_launches_memory_and_arithmetic():
    # 8 sequences of 500 tokens: memory 4 + 8 * 500 * 0.003 = 16, arithmetic 0.24
    expected = 0.5 + 2.0 + 16.0 + 0.24 + 0.08
    assert DENSE.ms(8.0, 500.0) == pytest.approx(expected)


def test_sliding_layers_stop_growing_at_their_window():
    beyond = DENSE.ms(1.0, 3000.0) - DENSE.ms(1.0, 2000.0)
    full_only = replace(DENSE, cache_sliding=0.0)
    assert beyond == pytest.approx(full_only.ms(1.0, 3002.0) - full_only.ms(1.0, 2002.0), rel=1e-3)


def test_a_step_waits_for_whole_tiles_until_its_batch_fills_them():
    padded = replace(DENSE, padded=30.0)
    assert padded.ms(1.0, 0.0) == pytest.approx(0.5 + 2.0 + 30.0 + 0.01, rel=1e-3)
    assert padded.ms(512.0, 500.0) == pytest.approx(DENSE.ms(512.0, 500.0), rel=1e-3)


def test_a_measured_stream_below_the_tiles_moves_them_too():
    padded = replace(DENSE, padded=30.0)
    assert padded.at_stream(12.0, 0.0).ms(1.0, 0.0) == pytest.approx(12.0, rel=1e-6)


def test_the_host_hides_behind_the_gpu_when_it_launches_ahead():
    eager = replace(DENSE, launch_overlap=4.0)
    assert eager.ms(1.0, 0.0) < DENSE.ms(1.0, 0.0)
    assert eager.ms(1.0, 0.0) >= 0.5 + max(2.0, 4.0)


def test_a_batch_reads_the_experts_that_its_tokens_touch():
    moe = replace(DENSE, experts=40.0, expert_miss=1.0 - 8 / 128)
    one, many = moe.ms(1.0, 0.0), moe.ms(128.0, 0.0)
    assert one == pytest.approx(2.5 + (4.0 + 40.0 / 16) + 0.03 + 0.01)
    assert many > 2.5 + 4.0 + 40.0 * 0.999


def test_the_client_limited_growth_reproduces_tr130():
    """llama3.2-1b on vLLM: 150.7 tok/s alone (TR130), 559 tok/s by 8 agents (TR133)."""
    growth = load().section("step")["client_limited"]["vllm"]
    step_ms = 1e3 / 150.7 + growth["ms"] * 7 ** growth["exponent"]
    assert 8e3 / step_ms == pytest.approx(559, rel=0.04)


@given(LAWS, st.floats(1, 500), st.floats(1, 500), st.floats(0, 1e5))
def test_more_sequences_never_make_a_step_shorter(law: StepLaw, a: float, b: float, context: float):
    few, many = sorted((a, b))
    assert law.ms(few, context) <= law.ms(many, context) * (1 + 1e-12)


@given(LAWS, st.floats(1, 500), st.floats(0, 1e5), st.floats(0, 1e5))
def test_more_context_never_makes_a_step_shorter(law: StepLaw, n: float, a: float, b: float):
    less, more = sorted((a, b))
    assert law.ms(n, less) <= law.ms(n, more) * (1 + 1e-12)


@given(LAWS, st.floats(1, 500), st.floats(1, 500), st.floats(0, 1e5))
def test_a_larger_batch_never_gives_fewer_tokens_a_second(
    law: StepLaw, a: float, b: float, context: float
):
    """Every term is constant, linear or saturating in n, and so is their overlap."""
    few, many = sorted((a, b))
    assert few / law.ms(few, context) <= many / law.ms(many, context) * (1 + 1e-9)


@given(LAWS, st.floats(0.2, 5.0), st.floats(0, 8192))
def test_a_measured_stream_is_met_where_scaling_can_meet_it(
    law: StepLaw, factor: float, context: float
):
    low, high = (law.at_stream(ms, context).ms(1.0, context) for ms in (0.0, 1e9))
    wanted = min(max(law.ms(1.0, context) * factor, low), high)
    assert law.at_stream(wanted, context).ms(1.0, context) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "widths", "groups"),
    [
        ({}, (4096.0, 1024.0), 4.0),
        ({"n_heads": None}, (4096.0, 1024.0), 4.0),
        ({"n_kv_heads": None}, (4096.0, 4096.0), 1.0),
        ({"mla_kv_lora_rank": 512}, (4096.0, 1024.0), 1.0),
    ],
)
def test_query_heads_share_cached_heads(
    registry: Registry,
    changes: dict[str, int | None],
    widths: tuple[float, float],
    groups: float,
):
    [model] = [each for each in registry.models if each.name == "llama3.1-8b"]
    model = replace(model, **changes)
    assert attention_widths(model) == widths
    assert query_groups(model, copied=False) == groups
    assert query_groups(model, copied=True) == 1.0
