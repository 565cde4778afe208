"""Scores, references, drops and tiers; and what stays unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capcheck.predict.coefficients import load as load_coefficients
from capcheck.predict.evidence import Score, published
from capcheck.predict.forecast import Quality
from capcheck.predict.quality import quality, tier
from capcheck.registry.specs import BackendSpec, QuantSpec
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()
COEFFICIENTS = load_coefficients()
TIERS = COEFFICIENTS.section("quality")["tiers"]


def drop_of(quant: str, key: str = "drop") -> float:
    return COEFFICIENTS.section("quality")["drops"][quant][key]


def predict(
    model: str,
    quant: str,
    backend: str = "ollama",
    benchmark: str | None = None,
    evidence: tuple[Score, ...] | None = None,
) -> Quality:
    return quality(
        REGISTRY.model(model).spec,
        REGISTRY.quant(quant, backend=backend).spec,
        benchmark=benchmark,
        backend=REGISTRY.backend(backend).spec,
        evidence=evidence,
        coefficients=COEFFICIENTS,
    )


# TR133 App. D, all 35 rows.
COMPOSITE = {
    "gpt2": {"FP16": 0.290},
    "llama3.2-1b": {
        "FP16": 0.544, "Q8_0": 0.530, "Q6_K": 0.530, "Q5_K_M": 0.531, "Q4_K_M": 0.540,
        "Q3_K_S": 0.504, "Q2_K": 0.389,
    },
    "llama3.2-3b": {
        "FP16": 0.538, "Q8_0": 0.628, "Q6_K": 0.626, "Q5_K_M": 0.625, "Q4_K_M": 0.624,
        "Q3_K_S": 0.582, "Q2_K": 0.582,
    },
    "phi-2": {
        "FP16": 0.534, "Q8_0": 0.540, "Q6_K": 0.526, "Q5_K_M": 0.534, "Q4_K_M": 0.522,
        "Q3_K_S": 0.526, "Q2_K": 0.492,
    },
    "qwen2.5-1.5b": {
        "FP16": 0.584, "Q8_0": 0.569, "Q6_K": 0.586, "Q5_K_M": 0.526, "Q4_K_M": 0.584,
        "Q3_K_S": 0.472, "Q2_K": 0.321,
    },
    "llama3.1-8b": {
        "Q8_0": 0.635, "Q6_K": 0.633, "Q5_K_M": 0.623, "Q4_K_M": 0.638, "Q3_K_S": 0.639,
        "Q2_K": 0.590,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "quant", "score"),
    [(model, quant, score) for model, row in COMPOSITE.items() for quant, score in row.items()],
)
def test_every_cell_of_tr133s_table_is_known_within_a_tenth(model: str, quant: str, score: float):
    score_of = predict(model, quant, benchmark="composite_tr133").score
    assert score_of.value == pytest.approx(score, abs=6e-4)
    assert score_of.low == pytest.approx(score_of.value - 0.10, abs=1e-3)
    assert score_of.high == pytest.approx(score_of.value + 0.10, abs=1e-3)
    assert score_of.provenance == "measured"


def test_the_table_has_tr133s_thirty_five_cells():
    rows = [row for row in published() if row.benchmark == "composite_tr133"]
    assert len(rows) == sum(map(len, COMPOSITE.values())) == 35


# TR133's references are base checkpoints, its quants instruct ones. Against the own Q8_0 (phi-2:
# its own FP16, an instruct run) the tiers of SS7.5 move.
@pytest.mark.parametrize(
    ("model", "quant", "reference", "drop", "tier_name"),
    [
        ("llama3.2-3b", "Q4_K_M", 0.628, 0.004, "negligible"),
        ("llama3.2-3b", "Q3_K_S", 0.628, 0.045, "acceptable"),  # TR133: negligible, of a base run
        ("llama3.2-3b", "Q2_K", 0.628, 0.046, "acceptable"),
        ("llama3.2-1b", "Q2_K", 0.530, 0.142, "concerning"),  # TR133: unacceptable
        ("llama3.1-8b", "Q2_K", 0.635, 0.045, "acceptable"),
        ("qwen2.5-1.5b", "Q2_K", 0.569, 0.248, "unacceptable"),
        ("qwen2.5-1.5b", "Q5_K_M", 0.569, 0.043, "acceptable"),
        ("phi-2", "Q2_K", 0.534, 0.042, "acceptable"),
    ],
)
def test_a_quant_is_compared_with_its_own_variant(
    model: str, quant: str, reference: float, drop: float, tier_name: str
):
    prediction = predict(model, quant, benchmark="composite_tr133")
    assert prediction.reference.value == pytest.approx(reference, abs=6e-4)
    assert prediction.drop.value == pytest.approx(drop, abs=1e-3)
    assert prediction.tier == tier_name


@pytest.mark.parametrize(
    ("drop", "name"),
    [
        (-0.02, "negligible"),
        (0.0299, "negligible"),
        (0.03, "acceptable"),
        (0.0999, "acceptable"),
        (0.10, "concerning"),
        (0.1499, "concerning"),
        (0.15, "unacceptable"),
        (0.5, "unacceptable"),
    ],
)
def test_tier_bounds_are_tr133s(drop: float, name: str):
    assert tier(drop, TIERS) == name


def test_rescored_accuracy_carries_its_items_and_interval():
    prediction = predict("llama3.1-8b", "Q4_K_M", benchmark="mmlu_arc_rescored")
    assert prediction.score.value == 0.697
    assert prediction.score.low == pytest.approx(0.661, abs=1e-3)  # 95 % is 0.654 to 0.736
    assert prediction.score.high == pytest.approx(0.730, abs=1e-3)
    assert prediction.n_items == 485
    assert prediction.reference.value == 0.724
    assert prediction.drop.value == pytest.approx(0.027)


def test_the_own_sixteen_bits_are_the_reference_where_they_were_measured():
    prediction = predict("qwen2.5-1.5b", "Q2_K", benchmark="mmlu_arc_rescored")
    assert prediction.reference.value == 0.652
    assert prediction.tier == "unacceptable"


def test_a_reference_does_not_drop_against_itself():
    prediction = predict("llama3.2-3b", "FP16", "vllm", benchmark="composite_tr133")
    assert prediction.score.value == pytest.approx(0.538, abs=6e-4)
    assert (prediction.drop.value, prediction.drop.low, prediction.drop.high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("model", "backend", "expected"),
    [
        ("llama3.1-8b", "vllm", "mmlu"),
        ("llama3.2-3b", "ollama", "mmlu_5shot"),
        ("phi-2", "ollama", "mmlu_arc_rescored"),
        ("mistral-7b", "ollama", "mmlu_rescored"),
        ("gpt2", "transformers", "composite_tr133"),
    ],
)
def test_without_a_named_benchmark_the_best_known_one_is_reported(
    model: str, backend: str, expected: str
):
    prediction = predict(model, "FP16", backend)
    assert prediction.benchmark == expected
    assert prediction.score.known


def test_an_unmeasured_quant_takes_its_reference_less_its_mean_drop():
    prediction = predict("llama3.1-8b", "FP8", "vllm", benchmark="mmlu")
    assert prediction.reference.value == pytest.approx(0.6796)
    assert prediction.score.value == pytest.approx(0.6796 - drop_of("FP8"))
    assert prediction.score.low < prediction.score.value - 0.011 < prediction.score.value
    assert prediction.score.provenance == "interpolated"


def test_below_four_bits_small_models_lose_more():
    small, large = (
        predict(model, "Q3_K_M", benchmark="mmlu_arc_rescored").drop
        for model in ("llama3.2-1b", "llama3.1-8b")
    )
    assert small.value == pytest.approx(0.06, abs=0.01)
    assert drop_of("Q4_K_M") <= large.value < small.value / 2
    assert small.provenance == "extrapolated"


def test_scores_of_other_engines_files_only_serve_as_a_reference():
    prediction = predict("llama3.2-3b", "AWQ", "vllm", benchmark="mmlu_arc_rescored")
    assert prediction.reference.value == 0.641
    assert prediction.score.provenance == "interpolated"


def test_a_quant_that_nobody_measured_is_unknown_beside_a_known_reference():
    prediction = predict("llama3.1-8b", "NF4", "transformers", benchmark="mmlu")
    assert prediction.score.value is None
    assert prediction.reference.known
    assert "NF4" in prediction.score.basis


def test_an_unknown_model_is_unknown_and_says_how_to_supply_evidence():
    prediction = predict("qwen3-235b-a22b", "FP8", "vllm", benchmark="mmlu")
    assert prediction.score.value is None
    assert "lm-evaluation-harness" in prediction.score.basis


def test_what_a_format_costs_is_known_for_an_unmeasured_model_too():
    fp8 = predict("qwen3-235b-a22b", "FP8", "vllm", benchmark="mmlu")
    assert (fp8.drop.value, fp8.drop.provenance) == (drop_of("FP8"), "extrapolated")
    assert fp8.tier == "negligible"
    assert predict("qwen3-235b-a22b", "BF16", "vllm").drop.value == 0.0
    assert predict("gpt-oss-20b", "MXFP4", "vllm").drop.value == 0.0
    assert predict("qwen3-235b-a22b", "NF4", "vllm").drop.value is None


def test_an_unknown_benchmark_names_the_known_ones():
    prediction = predict("llama3.1-8b", "Q4_K_M", benchmark="gpqa")
    assert prediction.score.value is None
    assert "known: arc_challenge" in prediction.score.basis


def test_a_missing_model_is_said():
    prediction = quality(None, None, benchmark="mmlu", backend=None, coefficients=COEFFICIENTS)
    assert prediction.score.value is None
    assert prediction.benchmark == "mmlu"


def test_supplied_evidence_replaces_the_published_scores():
    row = Score("gpqa", "llama3.1-8b", "instruct", "", "AWQ", 0.30, 0.27, 0.33, 448, "ours.json")
    bf16 = replace(row, quant="BF16", score=0.32, low=0.29, high=0.35)
    prediction = predict("llama3.1-8b", "AWQ", "vllm", "gpqa", evidence=(row, bf16))
    assert prediction.score.value == 0.30
    assert prediction.drop.value == pytest.approx(0.02)
    assert prediction.drop.high == pytest.approx(0.02 + drop_of("AWQ", "spread"))
    assert prediction.n_items == 448


@given(
    st.sampled_from(sorted({row.model for row in published()})),
    st.sampled_from(REGISTRY.quants),
    st.sampled_from(sorted({row.benchmark for row in published()})),
    st.sampled_from(REGISTRY.backends),
)
def test_known_scores_are_shares_inside_their_intervals(
    model: str, quant: QuantSpec, benchmark: str, backend: BackendSpec
):
    prediction = quality(
        REGISTRY.model(model).spec,
        quant,
        benchmark=benchmark,
        backend=backend,
        coefficients=COEFFICIENTS,
    )
    for estimate in (prediction.score, prediction.reference):
        if estimate.known:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    if prediction.drop.known:
        drop = prediction.drop
        assert drop.low <= drop.value <= drop.high
        assert prediction.tier == tier(drop.value, TIERS)


def test_every_published_row_names_registry_entries_and_a_source():
    for row in published():
        assert REGISTRY.model(row.model).spec.name == row.model
        assert any(fmt.name == row.quant for fmt in REGISTRY.quants), row.quant
        assert row.low <= row.score <= row.high
        assert row.source
