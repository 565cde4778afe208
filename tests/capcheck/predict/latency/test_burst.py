import pytest
from capcheck.predict.latency.burst import burst
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Server
from capcheck.predict.latency.work import work_of


def step_ms(*, sequences: float, context_tokens: float):
    return 8.0 + 2.0 * sequences


def prefill_ms(*, tokens: float, context_tokens: float = 0.0):
    return tokens / 10.0


def of(requests: int, *, slots: int = 8, budget: int = 100, chunked: bool = False):
    server = Server(
        step_ms, prefill_ms, slots, chunked_prefill=chunked, max_num_batched_tokens=budget
    )
    return burst(work_of(server, prompt=Lengths(100), output=Lengths(11)), requests)


def test_a_prompt_waits_for_its_own_time_and_holds_others_up_for_a_share_of_it():
    """Nobody decodes beside the first; the others take 4 ms each of the GPU, and 6 for themselves.

    Their tokens come at 10, 20 and 24 ms; the third decodes from there.
    """
    server = Server(
        step_ms, prefill_ms, 8, chunked_prefill=False, max_num_batched_tokens=100,
        prefill_beside=0.4,
    )  # fmt: skip
    work = work_of(server, prompt=Lengths(100), output=Lengths(11))
    found = burst(work, 3)
    assert found.ttft_ms.mean == pytest.approx((10.0 + 20.0 + 24.0) / 3)
    assert found.drained_ms == pytest.approx(24.0 + 10 * 14.0)
    assert burst(work, 1).drained_ms == pytest.approx(10.0 + 10 * 10.0)


@pytest.mark.parametrize("chunked", [True, False])
def test_one_request_is_alone(chunked: bool):
    found = of(1, chunked=chunked)
    assert found.ttft_ms.mean == pytest.approx(10.0)
    assert found.drained_ms == pytest.approx(10.0 + 10 * 10.0)


def test_prompts_first_then_all_decode():
    """Without chunking: prompts end at 10, 20, 30 ms, then ten steps of 8 + 3 x 2 ms."""
    found = of(3)
    assert found.ttft_ms.mean == pytest.approx(20.0)
    assert found.drained_ms == pytest.approx(30.0 + 10 * 14.0)
    assert found.latency_ms.p50 == pytest.approx(found.drained_ms)


def test_prompts_that_fit_into_one_step_end_together():
    assert of(3, budget=300).ttft_ms.p50 == pytest.approx(30.0)


def test_decoding_goes_on_beside_chunks():
    """The second prompt's step also gives the first a token, and takes that token's time."""
    found = of(2, chunked=True)
    assert found.ttft_ms.mean == pytest.approx((10.0 + 10.0 + 10.0 + 10.0) / 2)
    assert found.drained_ms == pytest.approx(30.0 + 10 * 12.0)


def test_rounds_follow_when_there_are_too_few_slots():
    one, three = of(2, slots=2), of(6, slots=2)
    assert three.drained_ms == pytest.approx(3 * one.drained_ms)


def test_a_larger_burst_takes_longer():
    drained = [of(requests, slots=4, chunked=True).drained_ms for requests in range(1, 20)]
    assert drained == sorted(drained)
