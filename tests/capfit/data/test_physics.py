from dataclasses import replace

import pytest
from capcheck.predict.footprint.weights import read_bytes
from capfit.data.cells import cells
from capfit.data.names import Names
from capfit.data.physics import arithmetic_share, bandwidth_share, violation
from capfit.data.rows import Decode, Prefill
from capfit.data.setting import Setting
from capfit.data.tables import Data

from .conftest import decode, memory, prefill, serving


def setting(names: Names, row) -> Setting:
    found = cells([row], names)
    assert found.kept, found.rejected
    return found.kept[0].setting


def test_bandwidth_share_is_bytes_times_rate(names: Names):
    one = setting(names, decode(50.0))
    expected = read_bytes(one.model, one.quant, sequences=1.0) * 50.0 / 432e9
    found = bandwidth_share(one, "decode_tok_s", 50.0, sequences=1.0)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "value", "share"),
    [
        ("tpot_ms_mean", 20.0, 50.0),
        ("itl_ms_p50", 20.0, 50.0),
        ("output_tok_s_e2e", 50.0, 50.0),
        ("total_output_tok_s", 200.0, 50.0),  # of four sequences
        ("e2e_ms_mean", 2000.0, 50.0),  # 100 tokens
        ("ttft_ms_mean", 5.0, None),
    ],
)
def test_steps_that_a_figure_implies(names: Names, metric: str, value: float, share: float | None):
    one = replace(setting(names, decode(1.0)), concurrency=4, output_tokens=100.0, arrival="static")
    found = bandwidth_share(one, metric, value, sequences=1.0)
    rate = bandwidth_share(one, "decode_tok_s", share, sequences=1.0) if share else None
    assert found == pytest.approx(rate)


@pytest.mark.parametrize(
    ("sharding", "concurrency", "gpus_reading"),
    [("tensor", 1, 4), ("row", 1, 4), ("layer", 1, 1), ("layer", 8, 4), ("pipeline", 1, 1)],
)
def test_gpus_that_read_at_once(names: Names, sharding: str, concurrency: int, gpus_reading: int):
    row = decode(1.0, n_gpus=4, sharding=sharding, concurrency=concurrency)
    one, alone = setting(names, row), setting(names, decode(1.0))
    found = bandwidth_share(one, "decode_tok_s", 10.0, sequences=1.0)
    single = bandwidth_share(alone, "decode_tok_s", 10.0, sequences=1.0)
    assert found is not None
    assert single is not None
    assert found == pytest.approx(single / gpus_reading)


def test_impossible_rates(names: Names):
    fastest = 1.0 / (
        bandwidth_share(setting(names, decode(1.0)), "decode_tok_s", 1.0, sequences=1) or 0
    )
    found = cells([decode(0.99 * fastest), decode(1.01 * fastest, quant="Q4_K_M")], names)
    assert [cell.value for cell in found.kept] == [0.99 * fastest]
    assert [(one.reason, one.detail) for one in found.rejected] == [
        ("physics", "reads weights at 1.01 times the bandwidth")
    ]


def test_nine_of_tr125s_34_rates_are_impossible(data: Data):
    """predictors, ground rule 3."""
    reasons = [
        one.reason
        for one in data.cells(Decode).rejected
        if one.row.source == "TR125 phase2" and one.metric == "decode_tok_s"
    ]
    assert (len(reasons), reasons.count("physics")) == (34, 9)


def test_prefix_cache_hits_are_impossible_prefills(data: Data):
    """TR127's Ollama medians: from 1,024 tokens on every one is beyond the card's arithmetic."""
    medians = [
        one
        for one in data.cells(Prefill).rejected
        if one.row.source == "TR127"
        and one.row.statistic == "median"
        and one.row.backend == "ollama"
    ]
    assert len(medians) == 21
    long = [one for one in medians if (one.row.prompt_tokens or 0) > 512]
    assert {one.reason for one in long} == {"physics"}
    assert len(long) == 18


def test_arithmetic_leaves_the_vocabulary_out(names: Names):
    one = setting(names, prefill(1000.0))
    share = arithmetic_share(one, "prefill_ms", 1000.0)
    layers = one.model.params - one.model.embedding_params
    peak = (one.gpu.fp16_tflops or 0.0) * 1e12 * 4.2  # llama.cpp on GeForce
    assert share == pytest.approx(2 * layers * 2048 / peak)
    assert arithmetic_share(one, "prefill_tok_s", 2048.0) == pytest.approx(share)
    assert arithmetic_share(replace(one, prompt_tokens=None), "prefill_ms", 1.0) is None
    assert violation(one, "prefill_ms", 0.0) == ("physics", "not positive")


def test_alike_prompts(names: Names):
    """Eight sequences of Mixtral cannot read one sequence's experts, unless they are the same."""
    asked = {"model": "mixtral-8x7b", "backend": "vllm", "quant": "FP16", "gpu": "H100 SXM 80GB"}
    row = serving(8 * 100.0, concurrency=8, n_gpus=4, tensor_parallel_size=4, **asked)
    assert setting(names, row)
    fast = serving(8 * 180.0, concurrency=8, n_gpus=4, tensor_parallel_size=4, **asked)
    assert [one.reason for one in cells([fast], names).rejected] == ["alike-prompts"]
    closed = replace(fast, arrival="closed")  # fewer than eight may run
    assert cells([closed], names).kept


def test_a_mixture_without_expert_counts_reads_its_active_share(names: Names):
    dense = setting(names, decode(1.0))
    model = replace(dense.model, active_params=dense.model.params // 2, n_experts=None)
    mixture = replace(dense, model=model)
    half = bandwidth_share(mixture, "decode_tok_s", 1.0, sequences=1.0)
    whole = bandwidth_share(dense, "decode_tok_s", 1.0, sequences=1.0)
    assert half == pytest.approx((whole or 0.0) / 2)


@pytest.mark.parametrize(
    ("gib", "n_gpus", "fits"), [(11.9, 1, True), (12.1, 1, False), (23.9, 2, True)]
)
def test_memory_above_the_card(names: Names, gib: float, n_gpus: int, fits: bool):
    found = cells([memory(gib, n_gpus=n_gpus)], names)
    assert bool(found.kept) is fits
    assert [one.reason for one in found.rejected] == ([] if fits else ["physics"])
