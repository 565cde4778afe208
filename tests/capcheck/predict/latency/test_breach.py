"""What is said to break a limit surely does, and most of what breaks one is said to."""

import random
from collections.abc import Iterator

import pytest
from capcheck.manifest.deployment import LatencyLimit, Slo, Traffic
from capcheck.predict.latency.batch_server import closed_loop, loop_rate_per_ms, under_rate
from capcheck.predict.latency.breach import loop_surely_breaks, surely_breaks
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Behaviour, Server
from capcheck.predict.latency.traffic import Demand
from capcheck.predict.latency.work import Work, work_of
from hypothesis import given, settings
from hypothesis import strategies as st

PERCENTILES = (50, 90, 95, 99)


def work(
    *,
    slots: int = 16,
    step: float = 20.0,
    growth: float = 0.2,
    token: float = 0.05,
    prompt: Lengths = Lengths(500),  # noqa: B008 (frozen)
    output: Lengths = Lengths(200),  # noqa: B008 (frozen)
    pool: float | None = None,
    **settings: object,
) -> Work:
    def step_ms(*, sequences: float, context_tokens: float) -> float:
        return step + growth * sequences

    def prefill_ms(*, tokens: float, context_tokens: float = 0.0) -> float:
        return 3.0 + token * tokens

    tokens = None if pool is None else pool * (prompt.mean + output.mean)
    server = Server(step_ms, prefill_ms, slots, kv_tokens=tokens, **settings)
    return work_of(server, prompt=prompt, output=output)


def figure(one: Work, rate: float, metric: str, percentile: int) -> float | None:
    """The full prediction; None where the queue is unstable."""
    return part(under_rate(one, rate), metric, percentile)


def loop(one: Work, agents: int, think_ms: float) -> Behaviour:
    """The full prediction of a closed loop, which is always stable."""
    return closed_loop(
        one.server,
        agents=agents,
        think_time_s=think_ms / 1000.0,
        prompt=one.prompt,
        output=one.output,
    )


def part(behaviour: Behaviour, metric: str, percentile: int) -> float | None:
    found = {
        "ttft": behaviour.ttft_ms,
        "tpot": behaviour.tpot_ms,
        "latency": behaviour.latency_ms,
    }[metric]
    return None if found is None else float(getattr(found, f"p{percentile}"))


def limit(metric: str, percentile: int, ms: float) -> LatencyLimit:
    return LatencyLimit(metric, percentile, ms, f"/slo/{metric}_p{percentile}")


LENGTHS = st.builds(Lengths, st.floats(1, 4000), st.sampled_from([0.0, 0.0, 0.5, 1.0, 1.8]))
WORKS = st.builds(
    work,
    slots=st.sampled_from([1, 2, 3, 8, 32, 256]),
    step=st.floats(2.0, 60.0),
    growth=st.floats(-0.05, 1.0),
    token=st.floats(0.001, 0.5),
    prompt=LENGTHS,
    output=LENGTHS,
    pool=st.sampled_from([None, None, 2.5, 9.0, 40.0]),
    chunked_prefill=st.booleans(),
    max_num_batched_tokens=st.sampled_from([512, 2048, 8192]),
    host_delay_ms=st.sampled_from([0.0, 200.0]),
    arrival_spread=st.sampled_from([1.0, 1.0, 0.25, 4.0]),
    balanced_over=st.sampled_from([1, 1, 4]),
    prefill_shared_ms=st.sampled_from([0.0, 3.0]),
)


@settings(max_examples=300, deadline=None)
@given(
    WORKS,
    st.floats(0.0, 1.1),
    st.sampled_from(["ttft", "tpot", "latency"]),
    st.sampled_from(PERCENTILES),
    st.one_of(st.floats(0.3, 1.5), st.sampled_from([1.0, 1.0 - 1e-9, 1.0 + 1e-9])),
)
def test_what_surely_breaks_a_limit_is_predicted_above_it(
    one: Work, load: float, metric: str, percentile: int, share: float
):
    rate = load * one.saturation_per_ms
    found = figure(one, rate, metric, percentile)
    stated = limit(metric, percentile, share * (found or 1000.0))
    if surely_breaks(one, rate, [stated]):
        assert found is None or found > stated.limit_ms
    elif found is None:
        pytest.fail("an unstable queue breaks every limit")


@settings(max_examples=300, deadline=None)
@given(
    WORKS,
    st.sampled_from([1, 2, 3, 5, 20, 70, 300]),
    st.sampled_from([0.0, 1e-3, 50.0, 2_000.0, 60_000.0]),
    st.sampled_from(["ttft", "tpot", "latency"]),
    st.sampled_from(PERCENTILES),
    st.one_of(st.floats(0.3, 1.5), st.sampled_from([1.0, 1.0 - 1e-9, 1.0 + 1e-9])),
)
def test_what_surely_breaks_a_limit_in_a_closed_loop_is_predicted_above_it(
    one: Work, agents: int, think_ms: float, metric: str, percentile: int, share: float
):
    behaviour = loop(one, agents, think_ms)
    found = part(behaviour, metric, percentile)
    stated = limit(metric, percentile, share * found)
    away = think_ms + one.server.host_delay_ms
    if loop_surely_breaks(one, agents=agents, away_ms=away, limits=[stated]):
        assert found > stated.limit_ms
    rate = loop_rate_per_ms(one, agents=agents, away_ms=away)
    assert rate * 1000.0 * one.output.mean == pytest.approx(behaviour.throughput_tok_s)


@settings(max_examples=100, deadline=None)
@given(
    WORKS,
    st.sampled_from([None, 1, 5, 40]),
    st.integers(1, 9),
    st.floats(0.3, 1.5),
    st.sampled_from(["utilisation", "throughput"]),
)
def test_a_load_that_surely_breaks_a_limit_is_predicted_to(
    one: Work, agents: int | None, copies: int, share: float, figure: str
):
    rate = None if agents else 0.5 * copies * one.saturation_per_ms * 1000.0
    traffic = Traffic(requests_per_second=rate, agents=agents, think_time_s=0.5)
    demand = Demand(traffic, copies, one.prompt, one.output)
    total = demand.on(one.server)
    if figure == "utilisation":
        stated = min(1.0, share * total.copy.utilisation)
        breaks = demand.surely_breaks(one.server, Slo(max_utilisation=stated))
        assert breaks == (total.copy.utilisation > stated * (1.0 + 2e-9))
    else:
        most = total.capacity_tok_s if agents is None else total.throughput_tok_s
        breaks = demand.surely_breaks(one.server, Slo(min_throughput_tok_s=share * most))
        assert breaks == (share > 1.0 + 2e-9)


def loads() -> Iterator[tuple[Work, float]]:
    chance = random.Random(7)
    for _ in range(120):
        one = work(
            slots=chance.choice([1, 4, 16, 256]),
            step=chance.uniform(5.0, 60.0),
            growth=chance.uniform(0.0, 0.5),
            token=chance.uniform(0.01, 0.3),
            prompt=Lengths(chance.choice([128, 1024, 3000]), chance.choice([0.0, 0.6])),
            output=Lengths(chance.choice([64, 300, 1024]), chance.choice([0.0, 0.9])),
            pool=chance.choice([None, None, 12.0]),
            arrival_spread=chance.choice([1.0, 0.25]),
            max_num_batched_tokens=chance.choice([512, 2048]),
        )
        yield one, chance.uniform(0.05, 0.95) * one.saturation_per_ms


@pytest.mark.parametrize(
    ("metric", "percentile", "over", "share"),
    [
        ("ttft", 50, 1.02, 0.9),
        ("ttft", 95, 1.02, 0.9),
        ("latency", 50, 1.1, 0.8),
        ("latency", 90, 1.05, 0.9),
        ("latency", 95, 1.05, 0.95),
        ("latency", 99, 1.05, 0.9),
        ("tpot", 50, 1.1, 0.8),
        ("tpot", 95, 1.05, 0.9),
        ("tpot", 99, 1.05, 0.8),
    ],
)
def test_most_of_what_breaks_a_limit_is_told_from_few_draws(
    metric: str, percentile: int, over: float, share: float
):
    told = []
    for one, rate in loads():
        found = figure(one, rate, metric, percentile)
        assert found is not None
        told.append(surely_breaks(one, rate, [limit(metric, percentile, found / over)]))
    assert sum(told) / len(told) >= share


@pytest.mark.parametrize("agents", [3, 24, 200])
@pytest.mark.parametrize(
    ("metric", "percentile", "over", "share"),
    [
        ("ttft", 95, 1.02, 0.9),
        ("latency", 50, 1.1, 0.8),
        ("latency", 95, 1.05, 0.9),
        ("latency", 99, 1.05, 0.9),
        ("tpot", 95, 1.05, 0.8),
    ],
)
def test_most_of_what_breaks_a_limit_in_a_closed_loop_is_told_from_few_draws(
    agents: int, metric: str, percentile: int, over: float, share: float
):
    told = []
    for one, _ in loads():
        found = part(loop(one, agents, 1000.0), metric, percentile)
        broken = [limit(metric, percentile, found / over)]
        told.append(loop_surely_breaks(one, agents=agents, away_ms=1000.0, limits=broken))
    assert sum(told) / len(told) >= share


def test_one_limit_of_several_is_enough_and_none_is_never_broken():
    one = work()
    rate = 0.5 * one.saturation_per_ms
    p95 = figure(one, rate, "latency", 95)
    broken, kept = limit("latency", 95, 0.9 * p95), limit("latency", 95, 1.1 * p95)
    assert surely_breaks(one, rate, [kept, broken])
    assert not surely_breaks(one, rate, [kept])
    assert not surely_breaks(one, rate, [])
    assert not surely_breaks(one, 2.0 * one.saturation_per_ms, [])
    assert surely_breaks(one, 2.0 * one.saturation_per_ms, [kept])
