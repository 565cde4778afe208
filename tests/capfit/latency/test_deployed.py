"""A measured setting as a deployment."""

from dataclasses import replace
from pathlib import Path

import pytest
from capcheck.predict import coefficients
from capcheck.registry.tables import load
from capfit.data.rows import Serving
from capfit.data.tables import read
from capfit.latency.deployed import unloaded

FOLDER = Path(__file__).parents[3] / "fitting" / "data"


@pytest.fixture(scope="module")
def setting():
    return next(
        setting
        for setting in read(FOLDER).cells(Serving).by_setting()
        if setting.source == "aic_silicon" and setting.n_gpus == 4 and setting.model.is_moe
    )


@pytest.mark.parametrize(
    ("conditions", "sizes"),
    [
        ((("sharding", "data"),), (2, 1, 2)),
        ((("sharding", "pipeline"),), (2, 2, 1)),
        ((("attention_data_parallel_size", 2),), (4, 1, 1)),
    ],
)
def test_every_gpu_is_used_as_the_row_says(setting, conditions, sizes):
    one = replace(setting, tensor_parallel_size=2, conditions=conditions)
    found = unloaded(one, load(), coefficients.load(None))
    assert found is not None
    engine = found.resolved.engine
    assert engine is not None
    assert (
        engine.tensor_parallel_size,
        engine.pipeline_parallel_size,
        engine.data_parallel_size,
    ) == sizes


def test_no_lengths_no_deployment(setting):
    nothing = replace(setting, prompt_tokens=None)
    assert unloaded(nothing, load(), coefficients.load(None)) is None
