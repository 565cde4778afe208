from types import SimpleNamespace

import pytest
from capcheck.predict.speed import roofline

FITTED = SimpleNamespace(
    floor=0.05,
    efficiency=0.8,
    cache_cost=1.0,
    group_cost=0.5,
    collective=0.01,
    utilisation=0.5,
    step_arithmetic=1.5,
    per_sequence=0.02,
    chunk_floor=0.1,
    attention=2.0,
    exchange=2.0,
)


def facts(**changes: float) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            "layers": 32,
            "launches": 32,
            "hidden": 4096,
            "tensor_parallel_size": 1,
            "link_bytes_per_ms": 4e8,
            "query_groups": 1,
            "cache_ranks": 1,
            "launch_overlap": 1.0,
            "bytes_per_ms": 2e9,
            "flop_per_ms": 3e11,
            "sequences": 4,
            "weight_bytes": 16e9,
            "cache_bytes": 1e8,
            "step_params": 8e9,
            "tile_tokens": 0.0,
            "prompt_tokens": 1000,
            "prefill_params": 7e9,
            "chunks": 1,
            "chunk_bytes": 16e9,
            "attention_flop": 1e11,
        }
        | changes
    )


def test_a_step_on_one_gpu():
    memory = (16e9 + 4 * 1e8) / (2e9 * 0.8)
    arithmetic = 4 * 2 * 8e9 * 1.5 / (3e11 * 0.5)
    expected = 32 * 0.05 + memory + arithmetic + 3 * 0.02
    assert roofline.step(facts(), FITTED) == pytest.approx(expected)


def test_two_gpus_share_the_work_and_pay_for_the_collectives():
    memory = (16e9 / 2 + 4 * 1e8 / 2) / (2e9 * 0.8)
    arithmetic = 4 * 2 * 8e9 * 1.5 / (2 * 3e11 * 0.5)
    collectives = 2 * 32 * 0.01 + 4 * 2 * 32 * 4096 * 2 * 2.0 / 4e8
    expected = 32 * 0.05 + memory + arithmetic + collectives + 3 * 0.02
    two = facts(tensor_parallel_size=2, cache_ranks=2)
    assert roofline.step(two, FITTED) == pytest.approx(expected)


def test_a_step_takes_as_long_as_its_whole_tiles_where_those_take_longer():
    needed = (16e9 + 4 * 1e8) / (2e9 * 0.8) + 4 * 2 * 8e9 * 1.5 / (3e11 * 0.5)
    tiles = 1000 * 2 * 8e9 * 1.5 / (3e11 * 0.5)
    others = 32 * 0.05 + 3 * 0.02
    few, many = facts(tile_tokens=4.0), facts(tile_tokens=1000.0)
    assert roofline.step(few, FITTED) == pytest.approx(needed + others, rel=1e-3)
    assert roofline.step(many, FITTED) == pytest.approx(tiles + others, rel=1e-3)
    assert roofline.step(many, FITTED, padding=0.0) == pytest.approx(needed + others)


def test_a_quantised_layer_may_launch_several_layers_worth_of_kernels():
    assert roofline.launches(32, None, 0.0, 2.4) == pytest.approx(76.8)
    assert roofline.launches(32, 8, 0.125, 2.0) == pytest.approx(128.0)


def test_a_prefill_on_one_gpu():
    products = 2 * 7e9 * 1000 / (3e11 * 0.5)
    streaming = 16e9 / (2e9 * 0.8)
    expected = products + streaming + 32 * 0.1 + 1e11 * 2.0 / 3e11
    assert roofline.prefill(facts(), FITTED) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ranks", "kv_heads", "compressed", "expected"),
    [(1, 8, False, 1), (4, 8, False, 4), (8, 4, False, 4), (8, 1, True, 1), (8, None, False, 1)],
)
def test_heads_are_split_and_latents_are_not(
    ranks: int, kv_heads: int | None, compressed: bool, expected: int
):
    assert roofline.cache_ranks(ranks, kv_heads, compressed) == expected


def test_overlap_lies_between_the_longer_and_the_sum():
    assert roofline.overlap(3.0, 4.0, 1.0) == 7.0
    assert roofline.overlap(3.0, 4.0, 2.0) == 5.0
    assert 4.0 < roofline.overlap(3.0, 4.0, 8.0) < 4.1


@pytest.mark.parametrize(("group_cost", "times"), [(0.0, 1.0), (0.5, 2.0), (1.0, 4.0)])
def test_query_heads_reread_the_cache_that_they_share(group_cost: float, times: float):
    """Four query heads to a cached one."""
    fitted = SimpleNamespace(**{**vars(FITTED), "group_cost": group_cost})
    more = roofline.step(facts(query_groups=4), fitted) - roofline.step(facts(), fitted)
    assert more == pytest.approx((times - 1) * 4 * 1e8 / (2e9 * 0.8))


def test_a_cache_that_is_copied_is_moved_for_every_query_head():
    assert roofline.cache_passes(4096, 1024, copied=False) == 1.0
    assert roofline.cache_passes(4096, 4096, copied=True) == 5.0
    assert roofline.cache_passes(4096, 1024, copied=True) == 11.0


def test_an_all_reduce_moves_its_data_twice_less_a_share():
    """Two layers of 1,000 values of 2 bytes, two all-reduces each, over 4 GPUs."""
    shape = roofline.Width(2, 1000, 4, 1e6)
    assert roofline.exchange(shape, 1.0) == pytest.approx(2 * 2 * 2000 * 1.5 / 1e6)
    assert roofline.exchange(roofline.Width(2, 1000, 1, 1e6), 1.0) == 0.0
