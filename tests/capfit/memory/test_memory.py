"""The memory fit: what it recovers from made-up cells, and the targets on models held out."""

import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import fmean, median

import pytest
from capcheck.predict.memory.grow import Sizes
from capfit import memory
from capfit.data.tables import read
from capfit.memory.cases import cases
from capfit.memory.intervals import bounds
from capfit.memory.transformers import (
    FORMS,
    FUSED_FORMS,
    Cell,
    eager,
    fit,
    fit_fused,
    fused,
    predicted_gib,
)

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


def test_fused_attention_is_within_two_percent_on_models_held_out_old_releases_too():
    found = errors("transformers", "device_peak_gib")
    assert len(found) == 128
    assert fmean(found) < 0.02
    old = [case for case, _ in fused(cases(data())) if case.version < (4, 45)]
    assert len(old) == 42


def test_what_stays_after_a_run_is_weights_and_cache():
    found = errors("transformers", "device_after_run_gib")
    assert len(found) == 60
    assert median(found) < 0.005


def test_llama_cpp_is_within_four_percent_on_models_held_out():
    for metric, n in (("buffers_gib", 15), ("device_peak_gib", 12)):
        found = errors("llama.cpp", metric)
        assert len(found) == n
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
        abs(math.log(predicted_gib(law, cell) / cell.measured)) for _, cell in eager(cases(data()))
    ]
    assert fmean(errors) < 0.03


LAW = {
    "logits_copies": 1.0,
    "eager_widths": [2.0, 1.0],
    "fused_widths": [3.0, 1.0],
    "workspace_gib": 0.5,
    "unpacks": ["gptq"],
    "own_head": {"awq": "loading", "fp8": "kept"},
    "eras": [
        {"until": [4, 45], "prompt_logits": 3.0, "caches": 2.0, "rotary_per_layer": True},
        {"until": None, "prompt_logits": 0.0, "caches": 1.0, "rotary_per_layer": False},
    ],
}
RUN = Sizes(
    family="none",
    weights=9.0,
    rotary=0.125,
    head=2.0,
    unpacked=0.25,
    prompt_cache=0.75,
    cache=1.0,
    logits=4.0,
    scores=30.0,
    intermediate=0.25,
    hidden=0.5,
)
OLD, NEW = (4, 38, 2), (4, 46, 0)


@pytest.mark.parametrize(
    ("changed", "release", "metric", "expected"),
    [
        # The prompt's pass without a kernel: scores or logits; weights 9, cache 0.75, workspace .5.
        ({}, None, "allocated_peak_gib", 10.25 + 30.0 + 2 * 0.25 + 0.5),
        ({"scores": 1.0}, None, "allocated_peak_gib", 10.25 + 4.0),
        ({}, None, "allocated_after_prefill_gib", 10.5 + 4.0),
        # With one: a layer's vectors; before 4.45 three copies of the prompt's logits.
        ({}, NEW, "device_peak_gib", 10.25 + 3 * 0.25 + 0.5),
        ({}, OLD, "device_peak_gib", 10.25 + 0.125 + 3 * 4.0 + 0.5),
        # A short prompt and a long answer: two caches at each step of the old era.
        ({"logits": 0.0, "hidden": 0.0, "intermediate": 0.0}, NEW, "device_peak_gib", 10.5),
        ({"logits": 0.0, "hidden": 0.0, "intermediate": 0.0}, OLD, "device_peak_gib", 11.625),
        # What formats add: an unpacked matrix, and an output head while loading or for good.
        ({"family": "gptq"}, NEW, "device_peak_gib", 11.5 + 0.25),
        ({"family": "awq"}, NEW, "device_peak_gib", 11.5),
        ({"family": "awq", "head": 3.0}, NEW, "device_peak_gib", 12.0),
        ({"family": "fp8"}, NEW, "device_peak_gib", 11.5 + 2.0),
        ({"family": "fp8"}, NEW, "device_after_run_gib", 9.0 + 2.0 + 1.0 + 0.5),
        ({}, OLD, "device_after_run_gib", 9.0 + 0.125 + 1.0 + 0.5),
    ],
)
def test_the_peak_is_the_stage_that_holds_most(changed, release, metric, expected):
    cell = Cell(replace(RUN, **changed), release, 0.0, metric)
    assert predicted_gib(LAW, cell) == pytest.approx(expected)


@pytest.mark.parametrize("form", FUSED_FORMS, ids=lambda form: form.name)
def test_what_a_form_ignores_comes_back_empty(form):
    found = fit_fused(cases(data()), LAW, form)
    assert min(found["fused_widths"]) >= 0
    assert {name for name in found if name != "fused_widths"} == set(form.ignored)
    assert not any(found[name] for name in ("unpacks", "own_head") if name in form.ignored)


def test_the_checker_predicts_what_the_fit_does_when_the_prompt_is_the_context():
    law = memory.fit(data())["backends"]["transformers"]
    section = {"backends": {"transformers": {**law, "interval": [1.0, 1.0]}}}
    seen = 0
    for case, cell in (*eager(cases(data())), *fused(cases(data()))):
        whole = case.setting.prompt_tokens is None
        said = case.forecast(section).needed
        if cell.metric == "allocated_peak_gib" and whole:
            assert said.value == pytest.approx(predicted_gib(law, cell))
            seen += 1
        elif cell.metric == "device_peak_gib":
            assert said.high >= predicted_gib(law, cell)
    assert seen == 17


@pytest.mark.parametrize("version", [None, "4.38.2", "4.44.2"])
def test_an_old_or_unknown_release_is_given_room_for_the_prompts_logits(version):
    """Qwen2-1.5B on 4.38.2 took 30.31 GiB at 32768 tokens; 4.46.0 takes 5.62 with Qwen2.5."""
    law = memory.fit(data())["backends"]["transformers"]
    old = next(
        case
        for case, cell in fused(cases(data()))
        if (case.setting.model.name, case.setting.quant.name) == ("qwen2-1.5b", "BF16")
        and case.engine.max_model_len == 32768
    )
    deployment = replace(old.resolved.deployment, backend_version=version)
    resolved = replace(old.resolved, deployment=deployment)
    unknown = replace(old, resolved=resolved).forecast({"backends": {"transformers": law}})
    assert unknown.needed.high >= 30.31
    assert (unknown.needed.low < 6.5) == (version is None)
