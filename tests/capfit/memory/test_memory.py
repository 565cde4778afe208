"""The memory fit: what it recovers from made-up cells, and the targets on models held out."""

import math
from functools import lru_cache
from pathlib import Path
from statistics import fmean, median

import pytest
from capfit import memory
from capfit.data.tables import read
from capfit.memory.cases import cases
from capfit.memory.intervals import bounds
from capfit.memory.transformers import FORMS, Sizes, eager, fit, predicted_gib

FOLDER = Path(__file__).parents[3] / "fitting" / "data"


@lru_cache(maxsize=1)
def data():
    return read(FOLDER)


@lru_cache(maxsize=1)
def held_out():
    return memory.hold_out(data())


def errors(backend: str, *metrics: str) -> list[float]:
    return [
        abs(row.error) for row in held_out() if row.backend == backend and row.metric in metrics
    ]


def test_transformers_are_within_two_percent_on_models_held_out():
    found = errors("transformers", "allocated_peak_gib", "allocated_after_prefill_gib")
    assert len(found) == 28
    assert fmean(found) < 0.02


def test_llama_cpp_is_within_four_percent_on_models_held_out():
    found = errors("llama.cpp", "buffers_gib", "device_peak_gib")
    assert len(found) >= 27
    assert fmean(found) < 0.04


def test_vllm_pools_are_within_five_percent_at_the_median():
    found = errors("vllm", "kv_cache_tokens")
    assert len(found) >= 28
    assert median(found) < 0.05


def test_nothing_that_ran_out_of_memory_is_called_a_fit():
    found = memory.outcomes(data())
    assert sum(outcome.outcome in ("oom", "no-memory", "spill") for outcome in found) >= 30
    assert [outcome for outcome in found if outcome.false_fit] == []


def test_every_held_out_row_has_an_interval_around_it_and_its_baselines():
    for row in held_out():
        assert row.low <= row.predicted <= row.high, row
        assert set(row.baselines) == {"TR133", "2 bytes x params x 1.2", "class mean"}


@pytest.mark.parametrize(
    ("residuals", "expected"),
    [
        ([], (0.0, 0.0)),
        ([("a", 0.2)], (0.0, 0.2)),
        ([("a", -0.1), ("a", 0.2), ("b", 0.3)], (-0.1, 0.3)),
        # 40 groups: one in twenty on each side may lie outside.
        ([(str(i), i / 100) for i in range(40)], (0.0, 0.38)),
    ],
)
def test_bounds_are_those_of_the_worst_of_each_group(residuals, expected):
    assert bounds(residuals) == expected


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_has_physical_numbers(form):
    law = fit(cases(data()), form)
    assert min(law["logits_copies"], law["workspace_gib"], *law["eager_widths"]) >= 0
    errors = [
        abs(math.log(predicted_gib({**law, "fused_widths": [0, 0]}, sizes) / sizes.measured))
        for _, sizes in eager(cases(data()))
    ]
    assert fmean(errors) < 0.03


def test_the_peak_is_the_larger_of_logits_and_scores():
    law = {"logits_copies": 1.0, "eager_widths": [2.0, 1.0], "workspace_gib": 0.5}
    sizes = Sizes(10.0, 1.0, 4.0, 3.0, 0.25, 0.5, 0.0, "allocated_peak_gib")
    assert predicted_gib(law, sizes) == 10.0 + 0.5 + max(4.0, 3.0 + 2 * 0.25 + 0.5)
    after = Sizes(10.0, 1.0, 4.0, 30.0, 0.0, 0.0, 0.0, "allocated_after_prefill_gib")
    assert predicted_gib(law, after) == 14.5
