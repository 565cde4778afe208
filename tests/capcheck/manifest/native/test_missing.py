"""What is left open, as lines of a manifest."""

from __future__ import annotations

import pytest
from capcheck.manifest.deployment import Blank
from capcheck.manifest.native.missing import NOT_STATED, Missing, comments, missing
from capcheck.place import Place

PLACE = Place("chat.yaml", 1, 1, 2)
STATED = ("/model", "/backend", "/gpu", "/traffic/agents", "/slo/ttft_p95", "/budget/monthly_usd")


def left_open(*places: str, **blanks: str) -> tuple[Missing, ...]:
    return missing(
        dict.fromkeys(places, PLACE),
        {f"/{name.replace('__', '/')}": Blank(why, PLACE) for name, why in blanks.items()},
    )


def test_nothing_is_missing_where_all_is_stated():
    assert left_open(*STATED) == ()


@pytest.mark.parametrize("pointer", ["/model", "/architecture", "/model_config"])
def test_a_model_may_be_stated_in_three_ways(pointer: str):
    assert left_open(pointer, *STATED[1:]) == ()


def test_a_blank_says_why():
    assert left_open(*STATED[:2], *STATED[3:], gpu="any accelerator of AMD") == (
        Missing("gpu", "gpu: NAME", "any accelerator of AMD"),
    )


def test_what_no_file_says_has_a_sample():
    assert left_open(*STATED[:5]) == (Missing("budget", "budget: {monthly_usd: 1000}", NOT_STATED),)


def test_settings_of_the_engine_are_one_map():
    found = left_open(
        *STATED,
        gpus_per_replica="all GPUs of the machine",
        serving__max_num_seqs="unresolved variable SEQS",
        serving__max_model_len="unresolved variable LEN",
    )
    assert [(one.fact, one.line) for one in found] == [
        ("gpus_per_replica", "gpus_per_replica: N"),
        ("serving.max_num_seqs", "serving: {max_num_seqs: N}"),
        ("serving.max_model_len", "serving: {max_model_len: N}"),
    ]
    assert comments(found) == [
        "# gpus_per_replica: N  # all GPUs of the machine",
        "# serving: {max_num_seqs: N, max_model_len: N}  "
        "# unresolved variable SEQS; unresolved variable LEN",
    ]


def test_a_reason_stays_on_its_line():
    assert comments([Missing("gpu", "gpu: NAME", "a\nb: c")]) == ["# gpu: NAME  # a b: c"]
