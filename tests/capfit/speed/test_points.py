from collections.abc import Callable
from dataclasses import replace

import pytest
from capfit.data.cells import Cell
from capfit.speed.points import points
from capfit.speed.running import era, ranks_of

Find = Callable[..., Cell]


def test_a_clean_rate_is_the_time_of_a_step(cell: Find):
    one = cell(metric="decode_tok_s", source="xiongjiedai", n_gpus=1)
    [point] = points([one])
    assert (point.kind, point.sequences) == ("step", 1.0)
    assert point.ms == pytest.approx(1e3 / one.value)


def test_a_wall_rate_of_few_tokens_says_nothing_about_a_step(cell: Find):
    wall = cell(metric="decode_tok_s", source="TR127")
    assert points([wall]) == []


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ({"metric": "prefill_tok_s", "source": "xiongjiedai", "n_gpus": 1}, "prefill"),
        ({"metric": "tpot_ms_mean", "arrival": "closed", "concurrency": 8}, "tpot"),
        ({"metric": "ttft_ms_mean", "arrival": "closed", "concurrency": 8}, "ttft"),
        ({"metric": "total_output_tok_s", "arrival": "static", "concurrency": 16}, "static"),
    ],
)
def test_every_metric_has_its_kind(cell: Find, wanted: dict[str, object], kind: str):
    [point] = points([cell(**wanted)])
    assert point.kind == kind


def test_a_batch_that_does_not_fit_is_left_out(cell: Find):
    one = cell(metric="total_output_tok_s", arrival="static", concurrency=16)
    small = replace(one.setting.gpu, usable_gib=4.0)
    assert points([replace(one, setting=replace(one.setting, gpu=small))]) == []


def test_builds_of_one_engine_are_one_point(all_cells: list[Cell]):
    strix = [c for c in all_cells if c.setting.source == "strixhalo_lhl"]
    found = points(strix)
    assert 0 < len(found) < len(strix)
    keys = {
        (p.traits, p.model, p.quant, *(p.kind, p.prompt, p.output, p.cell.setting.backend.name))
        for p in found
        if p.cell.setting.condition("flash_attention") is False
    }
    found = [p for p in found if p.cell.setting.condition("flash_attention") is False]
    assert len(keys) == len(found)


@pytest.mark.parametrize(
    ("engine", "year", "expected"),
    [
        ("llama.cpp", 2023.9, "2023"),
        ("llama.cpp", 2024.5, "2024"),
        ("llama.cpp", 2025.0, "2025"),
        ("vllm", 2023.9, "2023"),
        ("vllm", 2025.1, "2024"),
        ("vllm", 2025.2, "2025"),
    ],
)
def test_eras_follow_the_engines_releases(engine: str, year: float, expected: str):
    assert era(engine, year) == expected


def test_split_layers_take_turns(cell: Find):
    one = cell(metric="tpot_ms_mean", arrival="closed", tensor_parallel_size=4)
    assert ranks_of(one.setting) == 4
    layered = replace(one.setting, conditions=(("sharding", "layer"),))
    assert ranks_of(layered) == 1
