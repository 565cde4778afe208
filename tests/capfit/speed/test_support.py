from collections.abc import Callable, Hashable
from dataclasses import replace

import pytest
from capfit.data.cells import Cell
from capfit.speed.points import Point, points
from capfit.speed.support import support


@pytest.fixture
def point(cell: Callable[..., Cell]) -> Point:
    [found] = points([cell(metric="decode_tok_s", source="xiongjiedai", n_gpus=1)])
    return found


def of(point: Point, **traits: object) -> Point:
    return replace(point, traits=replace(point.traits, **traits))  # type: ignore[arg-type]


def test_a_point_is_known_by_what_other_groups_have(point: Point):
    here = of(point, gpu="one", kernel="16bit", memory="gddr")
    groups: dict[Point, Hashable] = {
        here: "a",
        of(here, method="other"): "b",
        of(here, gpu="two"): "c",
        of(here, gpu="three", kernel="fp8"): "d",
        of(here, gpu="four", memory="hbm"): "e",
        of(here, gpu="five", flags=("moe",)): "f",
        of(here, gpu="six", engine="alone"): "g",
    }
    found = support(list(groups), groups.__getitem__)
    assert found == [
        *("interpolated", "interpolated", "extrapolated"),
        *("remote", "remote", "remote", "remote"),
    ]


def test_a_group_does_not_speak_for_itself(point: Point):
    twice = [of(point, gpu="one"), of(point, gpu="two")]
    assert support(twice, lambda p: "same") == ["remote", "remote"]


def test_one_stream_tells_of_the_memory_but_not_of_the_gpu(point: Point):
    here, there = of(point, gpu="one"), of(point, gpu="two")
    assert support([here], lambda p: p.gpu, [here, there]) == ["remote"]
    assert support([here], lambda p: p.traits.gpu, [here, there]) == ["extrapolated"]


def test_kernels_for_dense_models_do_not_speak_for_experts(point: Point):
    dense = of(point, gpu="one", kernel="w4a16")
    experts = of(point, gpu="one", kernel="16bit", flags=("moe",))
    both = of(point, gpu="one", kernel="w4a16", flags=("moe",))
    known: dict[Point, Hashable] = {
        dense: "a",
        of(dense, method="other"): "b",
        experts: "c",
        of(experts, method="other"): "d",
        both: "e",
    }
    assert support(list(known), known.__getitem__) == [*["interpolated"] * 4, "remote"]
