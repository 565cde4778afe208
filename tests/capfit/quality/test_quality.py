"""The quality fit: what it recovers from made-up drops, and the targets on models held out."""

import math
from functools import lru_cache
from pathlib import Path
from statistics import fmean

import pytest
from capcheck.registry.tables import load
from capfit import quality
from capfit.data.tables import read
from capfit.quality.drops import Drop
from capfit.quality.section import FORMS, Law, fit_law, section
from capfit.quality.validate import divergences, drops

FOLDER = Path(__file__).parents[3] / "fitting" / "data"


@lru_cache(maxsize=1)
def data():
    return read(FOLDER)


@lru_cache(maxsize=1)
def held_out():
    return quality.hold_out(data())


def rmse(*kinds: str) -> float:
    off = [row.predicted - row.measured for row in held_out() if row.backend in kinds]
    return math.sqrt(fmean(error**2 for error in off))


def test_four_bits_and_more_are_within_one_and_a_half_points():
    assert rmse("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0") <= 0.015


def test_three_bits_are_within_five_points():
    assert rmse("Q3_K_S") <= 0.05


@pytest.mark.parametrize("kind", ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "FP8", "8-bit weights"])
def test_every_mild_format_is_within_one_and_a_half_points_on_average(kind: str):
    errors = [abs(row.predicted - row.measured) for row in held_out() if row.backend == kind]
    assert len(errors) >= 4
    assert fmean(errors) <= 0.015


@pytest.mark.parametrize(("kind", "n"), [("NVFP4", 3), ("MXFP4", 2), ("FP8", 4)])
def test_formats_of_few_models_are_as_uncertain_as_they_are(kind: str, n: int):
    rows = [row for row in held_out() if row.backend == kind]
    assert len(rows) == n
    assert all(row.low <= row.measured <= row.high for row in rows)


MODELS = [load().model(name).spec for name in ("llama3.2-1b", "qwen2.5-7b", "llama3.3-70b")]
NO_CONSTANTS = {
    "tiers": {},
    "composite_half_width": 0.1,
    "low_bit": {"size_unit_b": 3.0, "divergence": {}},
    "alike": {},
}


@pytest.mark.parametrize(
    ("form", "expected"),
    [(FORMS[0], 0.04), (FORMS[1], (2 * 0.03 + 4 * 0.04) / 6), (FORMS[2], 0.03)],
)
def test_kin_speak_for_a_format_of_few_models(form, expected):
    made = [Drop("NVFP4", model, 0.7, 0.67, 500) for model in MODELS[:2]]
    made += [Drop("MXFP4", MODELS[2], 0.7, 0.64, 500)]
    low = [
        Drop(kind, model, 0.7, 0.5, 500)
        for kind in ("Q4_K_M", "Q3_K_S", "Q2_K")
        for model in MODELS
    ]
    divergence = {"Q4_K_M": 0.03, "Q3_K_S": 0.2, "Q2_K": 0.45}
    found = section([*made, *low], divergence, NO_CONSTANTS, form)["drops"]
    assert found["NVFP4"]["drop"] == pytest.approx(expected)
    # Student's 5 % point of two degrees of freedom, the scatter of the three, a fourth model.
    scatter = 0.03 * math.sqrt(1 / 3)
    assert found["NVFP4"]["spread"] == pytest.approx(2.919986 * scatter * math.sqrt(4 / 3))


def test_baselines_and_intervals_are_there():
    for row in held_out():
        assert row.low <= row.predicted <= row.high
        assert set(row.baselines) == {"TR133", "no loss", "class mean"}


def test_the_law_is_recovered_from_scores_that_follow_it():
    models = [load().model(name).spec for name in ("llama3.2-1b", "qwen2.5-7b", "llama3.3-70b")]
    law = Law(-1.5, 1.2, -0.6, 3.0)
    divergence = {"Q6_K": 0.005, "Q5_K_M": 0.01, "Q4_K_M": 0.03, "Q3_K_S": 0.2, "Q2_K": 0.45}
    made = [
        Drop(kind, model, 0.7, law.score(0.7, size, model), 500)
        for kind, size in divergence.items()
        for model in models
    ]
    found = fit_law(made, divergence, FORMS[0], unit_b=3.0)
    assert (found.scale, found.divergence_exponent, found.size_exponent) == pytest.approx(
        (-1.5, 1.2, -0.6), rel=0.01
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_low_bits_are_in_the_mean_or_in_the_law(form):
    constants = {
        "tiers": {},
        "composite_half_width": 0.1,
        "low_bit": {"size_unit_b": 3.0, "divergence": {}},
        "alike": {"Q5_0": "Q5_K_M"},
    }
    found = section(drops(data()), divergences(data()), constants, form)
    assert ("Q3_K_S" in found["drops"]) is not form.law
    assert ("Q3_K_S" in found["low_bit"]["divergence"]) is form.law
    assert found["drops"]["Q5_0"]["drop"] == found["drops"]["Q5_K_M"]["drop"]
    assert all(entry["drop"] >= 0 for entry in found["drops"].values())
