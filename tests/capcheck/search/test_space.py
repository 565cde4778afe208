"""Families: in which order they come, who shares them, and what their manifest entries state."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from capcheck.judge import judge
from capcheck.manifest.deployment import AlternativesScope, Deployment, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.search.space import space

TODAY = Deployment(
    name="chat",
    path="capcheck.yaml",
    place=Place("capcheck.yaml", 2, 3, 7),
    model="llama3.1-8b",
    quant="FP8",
    backend="vllm",
    gpu="L4 24GB",
    serving=Serving(max_model_len=8192),
    traffic=Traffic(requests_per_second=0.5, prompt_tokens=Tokens(512), output_tokens=Tokens(256)),
)


@pytest.fixture
def families(context):
    return lambda stated: space(judge(stated, context).resolved, context)


def test_they_come_by_the_price_of_their_hardware_each_once(families):
    found = list(families(TODAY))
    costs = [family.usd_month(1) for family in found]
    assert costs == sorted(costs)
    assert len({family.order for family in found}) == len(found) > 1000
    entries = {
        (one.model, one.quant, one.backend, one.gpu, one.gpus_per_replica, one.serving)
        for one in (family.of(TODAY) for family in found)
    }
    assert len(entries) == len(found)


def test_only_those_asked_for_are_made(families):
    rare = replace(TODAY, serving=Serving(max_model_len=7777))
    found = families(rare)
    first = list(islice(found, 3))
    assert len(found._made) < 10
    assert list(islice(found, 3)) == first


@pytest.mark.parametrize(
    ("changed", "shared"),
    [
        ({"traffic": Traffic(requests_per_second=3.0)}, True),
        ({"name": "rag"}, True),
        ({"traffic": None}, False),
        ({"gpu": "L40S 48GB"}, False),
        ({"alternatives": AlternativesScope(keep=("gpu",))}, False),
        ({"serving": Serving(max_model_len=4096)}, False),
        ({"reserved_gib": 2.0}, False),
        ({"provider": "aws"}, False),
    ],
)
def test_deployments_that_leave_the_same_axes_open_share_them(families, changed, shared):
    assert (families(TODAY) is families(replace(TODAY, **changed))) == shared


def test_an_entry_states_ranks_and_stages_for_its_gpus(families):
    for family in families(TODAY):
        stated, gpus = family.of(TODAY), family.hardware.gpus
        ranks = (stated.serving.tensor_parallel_size or 1) * (
            stated.serving.pipeline_parallel_size or 1
        )
        assert (stated.gpus_per_replica or ranks) == gpus
        if gpus > 8:
            assert (stated.serving.pipeline_parallel_size or 1) > 1
        assert stated.replicas.min == 1


def test_an_unknown_model_has_none(families):
    assert list(families(replace(TODAY, model="no-such-model"))) == []
