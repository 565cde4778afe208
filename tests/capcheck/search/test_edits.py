"""The least that has to be written to get from one deployment to another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capcheck.manifest.deployment import Deployment, Replicas, Serving
from capcheck.place import Place
from capcheck.search.alternative import Edit
from capcheck.search.edits import disruption, edits

HERE = Place("capcheck.yaml", 2, 3, 7)
TODAY = Deployment(
    name="chat",
    path="capcheck.yaml",
    place=HERE,
    model="llama3.1-8b",
    quant="BF16",
    backend="vllm",
    gpu="L4 24GB",
    serving=Serving(max_model_len=8192),
)


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (TODAY, []),
        (replace(TODAY, quant="FP8"), [("/quant", "FP8", "BF16")]),
        (
            replace(TODAY, replicas=Replicas(3, 3), serving=Serving(max_model_len=1024)),
            [("/serving/max_model_len", 1024, 8192), ("/replicas", 3, None)],
        ),
        (
            replace(TODAY, gpu="A40 48GB", serving=replace(TODAY.serving, tensor_parallel_size=2)),
            [("/serving/tensor_parallel_size", 2, None), ("/gpu", "A40 48GB", "L4 24GB")],
        ),
        # Unsetting is no edit: an alternative only sets fields.
        (replace(TODAY, quant=None), []),
    ],
)
def test_edits_name_what_changed_lightest_first(candidate, expected):
    assert [(x.pointer, x.value, x.previous) for x in edits(TODAY, candidate)] == [
        (f"/deployments/chat{pointer}", value, previous) for pointer, value, previous in expected
    ]


def test_a_stated_number_of_replicas_is_the_previous_value():
    today = replace(TODAY, replicas=Replicas(4, 4), places={"/replicas": HERE})
    found = edits(today, replace(today, replicas=Replicas(2, 2)))
    assert found == (Edit("/deployments/chat/replicas", 2, 4),)


def test_a_stated_range_is_edited_at_its_ends():
    places = {"/replicas/min": HERE, "/replicas/max": HERE}
    today = replace(TODAY, replicas=Replicas(2, 4), places=places)
    found = edits(today, replace(today, replicas=Replicas(3, 4)))
    assert found == (Edit("/deployments/chat/replicas/min", 3, 2),)


def test_names_are_escaped_as_json_pointers():
    today = replace(TODAY, name="a/b~c")
    found = edits(today, replace(today, quant="FP8"))
    assert [x.pointer for x in found] == ["/deployments/a~1b~0c/quant"]
    assert disruption(found, "/deployments/a~1b~0c") == disruption(
        edits(TODAY, replace(TODAY, quant="FP8")), "/deployments/chat"
    )


def test_a_setting_disturbs_less_than_a_gpu_and_that_less_than_a_model():
    ranks = [
        disruption(edits(TODAY, candidate), "/deployments/chat")
        for candidate in (
            replace(TODAY, serving=Serving(max_model_len=1024)),
            replace(TODAY, replicas=Replicas(2, 2)),
            replace(TODAY, quant="FP8"),
            replace(TODAY, gpu="A40 48GB"),
            replace(TODAY, backend="sglang"),
            replace(TODAY, model="qwen3-8b"),
        )
    ]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
