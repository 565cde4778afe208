"""TR133's ten spot checks and its printed VRAM and cost figures, reproduced or refuted.

`tr133_*` are TR133's own formulas with its own constants (SS4.1, SS6.1, SS8.1), so that a printed
figure is refuted by its own arithmetic, not by ours. Ours come from the predictors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import pytest
from capcheck.manifest.deployment import Deployment, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.predict.coefficients import load as load_coefficients
from capcheck.predict.cost import HOURS_PER_MONTH, usd_per_million_tokens
from capcheck.predict.footprint.weights import loaded_bytes
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.load import load
from capcheck.predict.memory.device import memory
from capcheck.predict.quality import quality
from capcheck.predict.speed.engine_copy import decode_tok_s, speed
from capcheck.registry.tables import load as load_registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Resolved

REGISTRY = load_registry()
COEFFICIENTS = load_coefficients()
GIB = 2**30
TR133_HOURS_PER_MONTH = 24 * 30

# TR133 Appendix A: params in billions, layers, KV heads, head size.
TR133_MODELS = {
    "qwen2.5-0.5b": (0.49, 24, 2, 64),
    "llama3.2-1b": (1.24, 16, 8, 64),
    "qwen2.5-1.5b": (1.54, 28, 2, 128),
    "phi-2": (2.78, 32, 32, 80),
    "llama3.2-3b": (3.21, 28, 8, 128),
    "llama3.1-8b": (8.03, 32, 8, 128),
}
TR133_BITS = {"FP16": 16.0, "Q4_K_M": 4.5}


def tr133_vram(model: str, quant: str, context: int) -> float:
    """SS4.1 with SS4.2's overhead 1.058 and activation coefficient 0.00455."""
    params, layers, kv_heads, head_size = TR133_MODELS[model]
    weights = params * TR133_BITS[quant] / 8
    cache = 2 * layers * context * kv_heads * head_size * 2 / GIB
    return weights * 1.058 + cache + 0.00455 * layers * (context / 1024) ** 2


def tr133_efficiency(agents: int, serial: float) -> float:
    """SS6.1 as stated: 1 / (s + (1 - s) N)."""
    return 1 / (serial + (1 - serial) * agents)


def tr133_efficiency_as_tabulated(agents: int, serial: float) -> float:
    """The other convention, 1 / (1 + s (N - 1)): what the table of SS6.2 holds."""
    return 1 / (1 + serial * (agents - 1))


def resolved(model: str, quant: str, backend: str, **serving: int) -> Resolved:
    deployment = Deployment(
        name="d",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 1, 1, 2),
        model=model,
        quant=quant,
        backend=backend,
        gpu="RTX 4080 Laptop 12GB",
        serving=Serving(**serving),
    )
    return resolve(deployment, REGISTRY)[0]


def our_memory(model: str, quant: str, backend: str, context: int) -> Memory:
    return memory(resolved(model, quant, backend, max_model_len=context), COEFFICIENTS)


def our_quality(model: str, quant: str, benchmark: str) -> float | None:
    return quality(
        REGISTRY.model(model).spec,
        REGISTRY.quant(quant, backend="ollama").spec,
        benchmark=benchmark,
        backend=REGISTRY.backend("ollama").spec,
        coefficients=COEFFICIENTS,
    ).score.value


def our_decode(model: str, quant: str) -> float | None:
    request = resolved(model, quant, "ollama", max_model_len=4096)
    return decode_tok_s(speed(request, COEFFICIENTS), context_tokens=512).value


def our_throughput(*, agents: int) -> float | None:
    """Ollama, llama3.2-3b, TR129's closed loop of `agents` on one machine."""
    request = resolved("llama3.2-3b", "Q4_K_M", "ollama", max_model_len=4096)
    traffic = Traffic(agents=agents, prompt_tokens=Tokens(150), output_tokens=Tokens(128))
    request = replace(request, deployment=replace(request.deployment, traffic=traffic))
    behaviour = load(request, speed(request, COEFFICIENTS), memory(request, COEFFICIENTS))
    return behaviour.throughput_tok_s.value


@dataclass(frozen=True)
class SpotCheck:
    """One row of SS12: what TR133 printed, what its formula gives, and the correct value."""

    number: int
    printed: float
    by_its_formula: float
    correct: float
    ours: float | None
    why: str
    tolerance: float = 0.02


SPOT_CHECKS = [
    SpotCheck(
        1, 7.52, tr133_vram("llama3.2-3b", "FP16", 2048), 7.18,
        our_memory("llama3.2-3b", "FP16", "transformers", 2048).needed.value,
        "6.42 GB of weights are taken as GiB and multiplied by 1.058: they are 5.98 GiB, the cache "
        "0.22, one layer's eager scores 0.95; TR123 measured 6.70 GiB after the prefill",
    ),
    SpotCheck(
        2, 17.82, tr133_vram("llama3.1-8b", "FP16", 2048), 16.52,
        our_memory("llama3.1-8b", "FP16", "transformers", 2048).needed.value,
        "the same unit slip on 16.06 GB of weights (14.96 GiB); nobody measured this cell",
    ),
    SpotCheck(
        3, 2.64, tr133_vram("llama3.2-3b", "Q4_K_M", 2048), 2.79,
        our_memory("llama3.2-3b", "Q4_K_M", "ollama", 2048).needed.value,
        "Q4_K_M has 5.01 bits per weight on this model, not 4.5: the file is 1.87 GiB",
    ),
    SpotCheck(
        4, 146.3 / 95.9, 146.3 / 95.9, 1.65,
        (our_decode("llama3.2-1b", "Q8_0") or 0) / (our_decode("llama3.2-3b", "Q4_K_M") or 1),
        "146.3 pools two clock states, and the tags are Q8_0 and Q4_K_M, not FP16: the ratio in "
        "one session (TR127, 512 tokens) is 162.6 / 98.7",
        tolerance=0.10,
    ),
    SpotCheck(
        5, 0.544 - 0.389, 0.544 - 0.389, 0.530 - 0.389,
        (our_quality("llama3.2-1b", "Q8_0", "composite_tr133") or 0)
        - (our_quality("llama3.2-1b", "Q2_K", "composite_tr133") or 0),
        "0.544 averages a base and an instruct run; the instruct reference is its own Q8_0",
    ),
    SpotCheck(6, 1.0, tr133_efficiency(1, 0.387), 1.0, tr133_efficiency_as_tabulated(1, 0.387),
              "true in either convention"),
    SpotCheck(
        7, 0.189, tr133_efficiency(8, 0.387), 0.17,
        (our_throughput(agents=8) or 0) / (8 * (our_throughput(agents=1) or 1)),
        "one server, first come first served: TR129 measured 0.16 to 0.18; SS6.2's table prints "
        "0.270 for the same pair",
        tolerance=0.15,
    ),
    SpotCheck(8, 0.097, 0.035 / (100 * 3600) * 1e6, 0.0972,
              usd_per_million_tokens(usd_per_hour=0.035, tok_s=100), "arithmetic"),
    SpotCheck(9, 0.1944, 0.035 / (50 * 3600) * 1e6, 0.1944,
              usd_per_million_tokens(usd_per_hour=0.035, tok_s=50), "arithmetic"),
    SpotCheck(10, 25.20, 0.035 * TR133_HOURS_PER_MONTH, 25.55, 0.035 * HOURS_PER_MONTH,
              "a year has 8760 hours: a month 730, not 720"),
]  # fmt: skip


@pytest.mark.parametrize("check", SPOT_CHECKS, ids=lambda check: f"check-{check.number}")
def test_tr133s_formula_gives_its_printed_figure(check: SpotCheck):
    assert check.by_its_formula == pytest.approx(check.printed, rel=0.005)


@pytest.mark.parametrize("check", SPOT_CHECKS, ids=lambda check: f"check-{check.number}")
def test_ours_is_the_correct_figure(check: SpotCheck):
    assert check.ours == pytest.approx(check.correct, rel=check.tolerance)


def test_what_the_checks_assert_holds():
    """SS12's own conditions, on our figures."""
    vram = {check.number: check.ours for check in SPOT_CHECKS}
    assert 3 <= vram[1] <= 12
    assert 8 <= vram[2] <= 30
    assert vram[3] < vram[1]
    assert our_decode("llama3.2-1b", "Q8_0") > our_decode("llama3.2-3b", "Q4_K_M")
    assert our_quality("llama3.2-1b", "F16", "mmlu_arc_rescored") > our_quality(
        "llama3.2-1b", "Q2_K", "mmlu_arc_rescored"
    )


def test_exact_weights_against_tr133s_decimal_ones():
    spec = REGISTRY.model("llama3.2-3b").spec
    fp16 = loaded_bytes(spec, REGISTRY.quant("FP16", backend="transformers").spec)
    q4_k_m = loaded_bytes(spec, REGISTRY.quant("Q4_K_M", backend="ollama").spec)
    assert fp16 / GIB == pytest.approx(5.984, abs=0.001)
    assert q4_k_m / GIB == pytest.approx(1.873, abs=0.001)


# SS4.3: model, context, TR133's "actual" (it has no source), its printed prediction.
VRAM_TABLE = [
    ("qwen2.5-0.5b", 512, 2.12, 1.09),
    ("qwen2.5-0.5b", 2048, 2.19, 1.10),
    ("llama3.2-1b", 2048, 3.67, 2.72),
    ("qwen2.5-1.5b", 2048, 4.46, 3.30),
    ("phi-2", 2048, 7.71, 6.60),
    ("llama3.2-3b", 2048, 8.93, 7.52),
    ("llama3.2-1b", 8192, 3.89, 2.80),
    ("llama3.2-1b", 16384, 4.33, 3.04),
    ("qwen2.5-1.5b", 8192, 4.67, 3.38),
    ("qwen2.5-1.5b", 32768, 6.18, 5.47),
    ("phi-2", 8192, 8.38, 7.45),
    ("llama3.2-3b", 8192, 9.14, 7.77),
    ("llama3.2-3b", 16384, 9.98, 8.47),
    ("llama3.2-3b", 32768, 12.63, 12.40),
    ("llama3.1-8b", 512, 16.64, 17.15),
    ("llama3.1-8b", 2048, 17.11, 17.82),
    ("llama3.1-8b", 8192, 18.79, 19.82),
]


def test_four_of_seventeen_printed_predictions_come_from_the_printed_formula():
    reproduced = [
        (model, context)
        for model, context, _, printed in VRAM_TABLE
        if tr133_vram(model, "FP16", context) == pytest.approx(printed, rel=0.02)
    ]
    assert reproduced == [
        ("qwen2.5-0.5b", 512),
        ("llama3.2-3b", 2048),
        ("llama3.1-8b", 512),
        ("llama3.1-8b", 2048),
    ]


def test_ss17_2_the_32k_cross_check_is_off_by_eleven_times():
    """SS17.2 prints 12.40 and calls the quadratic term proven; the formula says 140.8."""
    assert tr133_vram("llama3.2-3b", "FP16", 32768) == pytest.approx(140.8, abs=0.1)


def test_ss4_5_the_activation_term_at_32k_is_three_times_the_printed_one():
    """SS4.5 prints "about 45.5 GB" for 32 layers at 32K tokens."""
    activation_gb = 0.00455 * 32 * 32**2
    assert activation_gb == pytest.approx(149.1, abs=0.1)


def test_ss4_4_the_bias_has_the_wrong_sign():
    """SS4.4 prints +0.25 GB, "the safe direction"; its own table underpredicts by 0.76 GB."""
    errors = [printed - actual for *_, actual, printed in VRAM_TABLE]
    assert sum(errors) / len(errors) == pytest.approx(-0.76, abs=0.01)
    assert sum(map(abs, errors)) / len(errors) == pytest.approx(1.01, abs=0.02)
    assert sqrt(sum(e * e for e in errors) / len(errors)) == pytest.approx(1.08, abs=0.01)


@pytest.mark.parametrize(
    ("model", "after_prefill_gib"),
    [  # TR123 8.2: allocated with cache and logits alive, so never above the peak
        ("llama3.2-1b", 2.8626),
        ("qwen2.5-1.5b", 3.5189),
        ("phi-2", 6.0059),
        ("llama3.2-3b", 6.7017),
    ],
)
def test_ss4_3_actual_is_above_the_peak(model: str, after_prefill_gib: float):
    """SS4.3's "actual" has no source; the peak lies between TR123's measurement and it."""
    claimed = next(actual for m, c, actual, _ in VRAM_TABLE if (m, c) == (model, 2048))
    peak = our_memory(model, "FP16", "transformers", 2048).needed.value
    assert after_prefill_gib < peak < claimed


# SS6.2: pair, serial fraction, efficiency of 8 agents as tabulated.
SERIAL_FRACTIONS = [
    ("llama3.2-1b ollama", 0.533, 0.228),
    ("llama3.2-3b ollama", 0.387, 0.270),
    ("qwen2.5-1.5b ollama", 0.455, 0.249),
    ("llama3.2-1b vllm", 0.813, 0.154),
    ("llama3.2-3b vllm", 0.917, 0.135),
    ("qwen2.5-1.5b vllm", 0.875, 0.143),
    ("llama3.2-1b tgi", 0.827, 0.151),
    ("llama3.2-3b tgi", 0.915, 0.135),
    ("qwen2.5-1.5b tgi", 0.896, 0.139),
]


@pytest.mark.parametrize(("pair", "serial", "tabulated"), SERIAL_FRACTIONS)
def test_ss6_2_the_table_was_printed_with_the_other_convention(
    pair: str, serial: float, tabulated: float
):
    assert tr133_efficiency_as_tabulated(8, serial) == pytest.approx(tabulated, rel=0.08)
    if "ollama" not in pair:
        assert tr133_efficiency(8, serial) > 2.5 * tabulated


def test_ss17_4_the_category_error_is_a_slip():
    """SS17.4: "137.4 x 8 x eta(8, 0.813)" is printed as 169; the stated formula gives 476.

    TR130 measured 559.
    """
    by_its_formula = 137.4 * 8 * tr133_efficiency(8, 0.813)
    assert by_its_formula == pytest.approx(476, abs=1)
    as_printed = 137.4 * 8 * tr133_efficiency_as_tabulated(8, 0.813)
    assert as_printed == pytest.approx(169.2, rel=0.04)
    assert abs(by_its_formula / 559 - 1) < 0.15 < abs(169.2 / 559 - 1)


# SS8.2: monthly at 720 hours, and ours at 730.
@pytest.mark.parametrize(
    ("usd_per_hour", "printed", "ours"),
    [
        (0.020, 14.40, 14.60),
        (0.035, 25.20, 25.55),
        (0.060, 43.20, 43.80),
        (1.60, 1152, 1168),
        (2.50, 1800, 1825),
    ],
)
def test_ss8_2_monthly_costs(usd_per_hour: float, printed: float, ours: float):
    assert usd_per_hour * TR133_HOURS_PER_MONTH == pytest.approx(printed)
    assert usd_per_hour * HOURS_PER_MONTH == pytest.approx(ours)


# SS8.3: tokens per second, printed $ per million, printed "times cheaper" than $5.00.
@pytest.mark.parametrize(
    ("tok_s", "printed", "times_cheaper"),
    [(95.9, 0.101, 49), (146.3, 0.066, 76), (57.2, 0.170, 29), (117.9, 0.082, 61)],
)
def test_ss8_3_local_against_api(tok_s: float, printed: float, times_cheaper: int):
    ours = usd_per_million_tokens(usd_per_hour=0.035, tok_s=tok_s)
    assert ours == pytest.approx(printed, abs=6e-4)
    assert 5.00 / ours == pytest.approx(times_cheaper, abs=1)


def test_ss8_2_the_hourly_rate_does_not_follow_from_its_derivation():
    """$1,500 over 5 years of 8-hour days is the printed $0.103/h, and 200 W at $0.15 is $0.030/h,
    not $0.035/h: the $0.035/h that everything rests on is neither, nor their sum."""
    amortised = 1500 / (5 * 365 * 8)
    electricity = 0.200 * 0.15
    assert amortised == pytest.approx(0.103, abs=5e-4)
    assert electricity == pytest.approx(0.030)
    assert amortised + electricity == pytest.approx(0.133, abs=5e-4)


def test_ss17_1_gpt2_cost():
    assert usd_per_million_tokens(usd_per_hour=0.035, tok_s=398.5) == pytest.approx(
        0.0244, abs=5e-5
    )


def test_budget_of_the_sweep_at_25_dollars_is_missed_by_55_cents():
    """SS13c prints a $25.20 recommendation under a budget of $25."""
    missed_by = 0.035 * HOURS_PER_MONTH - 25
    assert missed_by == pytest.approx(0.55)
    assert 0.035 * TR133_HOURS_PER_MONTH > 25
