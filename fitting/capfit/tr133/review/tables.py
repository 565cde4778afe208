"""The other tables of TR133, recomputed from themselves or from published rows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from capcheck.predict.cost import HOURS_PER_MONTH, usd_per_million_tokens
from capcheck.registry.matches import GpuMatch
from capcheck.registry.tables import load as registry_tables

from capfit.data.rows import Scaling
from capfit.data.score_rows import Tr133Vram
from capfit.data.tables import Data
from capfit.tr133.artifact import printed
from capfit.tr133.planner import (
    AVERAGE_TOKENS,
    BITS,
    REFERENCE_GB_S,
    SHAPES,
    efficiency,
)
from capfit.tr133.planner import (
    HOURS_PER_MONTH as TR133_HOURS,
)
from capfit.tr133.review.claims import own_table
from capfit.tr133.review.cross_checks import as_tabulated
from capfit.tr133.review.finding import Finding, Record, entry
from capfit.tr133.review.ours import LAPTOP

# SS6.2: eta(8) as tabulated.
_TABULATED = {
    "llama3.2-1b/ollama": 0.228, "llama3.2-3b/ollama": 0.270, "qwen2.5-1.5b/ollama": 0.249,
    "llama3.2-1b/vllm": 0.154, "llama3.2-3b/vllm": 0.135, "qwen2.5-1.5b/vllm": 0.143,
    "llama3.2-1b/tgi": 0.151, "llama3.2-3b/tgi": 0.135, "qwen2.5-1.5b/tgi": 0.139,
}  # fmt: skip
# SS8.2: dollars per hour and month; SS8.3: tokens/s, dollars per million, times cheaper than $5.
_MONTHS = ((0.020, 14.40), (0.035, 25.20), (0.060, 43.20), (1.60, 1152.0), (2.50, 1800.0))
_AGAINST_API = ((95.9, 0.101, 49), (146.3, 0.066, 76), (57.2, 0.170, 29), (117.9, 0.082, 61))
# SS9.2: model/backend, printed tokens/s, printed cross-check in ms.
_SERVICE = {
    "llama3.2-1b/ollama": (146.3, 875), "qwen2.5-1.5b/ollama": (139.6, 917),
    "llama3.2-3b/ollama": (95.9, 1335), "llama3.2-1b/vllm": (137.4, 931),
    "qwen2.5-1.5b/vllm": (97.3, 1316), "llama3.2-3b/vllm": (57.2, 2238),
    "llama3.2-1b/tgi": (117.9, 1086), "qwen2.5-1.5b/tgi": (76.0, 1684),
    "llama3.2-3b/tgi": (48.3, 2650),
}  # fmt: skip
# Appendix B: bandwidth in GB/s and its ratio to the reference.
_RATIOS = (
    (272, 0.49), (288, 0.52), (504, 0.91), (556, 1.00), (717, 1.29), (1008, 1.81), (936, 1.68),
    (760, 1.37), (1555, 2.80), (2039, 3.67), (3352, 6.03), (300, 0.54), (320, 0.58),
)  # fmt: skip
_DELTAS = {
    "Q8_0": (0.017, 0.042), "Q6_K": (0.017, 0.033), "Q5_K_M": (0.004, 0.038),
    "Q4_K_M": (0.018, 0.035), "Q3_K_S": (-0.029, 0.032), "Q2_K": (-0.104, 0.059),
}  # fmt: skip


def findings(data: Data, record: Record) -> Iterator[Finding]:
    """Section by section."""
    yield from _vram(data)
    yield from _throughput(data, record)
    yield from _scaling(data)
    yield from _quality(record)
    yield from _cost()
    yield from _latency()
    yield _hardware()


def _vram(data: Data) -> Iterator[Finding]:
    rows = data.rows(Tr133Vram)
    form = printed()
    same = [
        row
        for row in rows
        if math.isclose(
            form.vram_gb(SHAPES[row.model], BITS["FP16"], context_tokens=row.context_tokens),
            row.claimed_predicted_gb,
            rel_tol=0.02,
        )
    ]
    yield Finding(
        "SS4.3",
        "predicted column of the memory table",
        f"{len(rows)} predictions",
        f"{len(same)} of them follow from the printed formula within 2 %",
        "corrected",
        "; ".join(f"{row.model} at {row.context_tokens}" for row in same)
        + ". The coefficient 0.00455 cannot have made the others",
    )
    own = own_table(data)
    yield Finding(
        "SS4.4",
        "bias +0.25 GB, the safe direction",
        "MAE 1.01, RMSE 1.71, MAPE 8.9 %, bias +0.25",
        f"MAE {own.mae:.2f}, RMSE {own.rmse:.2f}, MAPE {100 * own.mape:.1f} %, bias "
        f"{own.bias:+.2f}",
        "corrected",
        "from its own seventeen rows: it predicts too little memory, the unsafe direction",
    )
    activation = 0.00455 * 32 * 32**2
    yield Finding(
        "SS4.5",
        "activation of 32 layers at 32K tokens",
        "about 45.5 GB",
        f"{activation:.1f} GB",
        "corrected",
        "0.00455 x 32 x 32²",
    )
    under = sum(row.claimed_error_gb < -1.0 for row in rows)
    over = sum(row.claimed_error_gb > 1.0 for row in rows)
    yield Finding(
        "SS15.1",
        "residual buckets: 10 below −1 GB, 5 within, 2 above",
        "10 / 5 / 2",
        f"{under} / {len(rows) - under - over} / {over}",
        "reproduced" if (under, over) == (10, 2) else "corrected",
        "counted in SS4.3",
    )


def _throughput(data: Data, record: Record) -> Iterator[Finding]:
    form = printed()
    yield Finding(
        "SS5.2",
        "look-up table",
        "22 entries",
        f"{len(form.throughput)} entries",
        "corrected",
        "its Ollama rows are filed under FP16; the tags that were pulled are Q8_0 (llama3.2 1b) "
        "and "
        "Q4_K_M. Three Ollama rates average two clock states",
    )
    rates = {
        (row.source, row.model): row.baseline_tok_s
        for row in data.rows(Scaling)
        if row.backend == "ollama" and row.baseline_tok_s and row.source in ("TR129", "TR130")
    }
    models = ("llama3.2-1b", "qwen2.5-1.5b", "llama3.2-3b")
    yield Finding(
        "SS5.2",
        "Ollama rates from TR129 and TR130 together",
        ", ".join(f"{form.throughput[model, 'ollama', 'FP16']:.1f}" for model in models),
        "; ".join(
            f"{model} {rates['TR129', model]:.1f} and {rates['TR130', model]:.1f}"
            for model in models
        ),
        "corrected",
        "a mean of two speeds at which the card ran by turns is a speed at which it never ran",
    )
    yield Finding(
        "SS5.3",
        "multipliers 1.3 (Q8_0) to 2.3 (Q2_K)",
        "defaults",
        "not constants: they depend on size, engine and card",
        "corrected",
        "they were never measured, as SS5.3 says. The gain of fewer bytes is what the time outside "
        "of memory leaves of it, and formats below Q4 unpack more slowly",
    )
    decode = entry(record, "decode, one stream", "model", "all")
    rule = decode["baselines"]["TR133, refitted"]
    yield Finding(
        "SS5.4",
        "tok/s = 72.1 B^−0.089 for models that were not measured",
        "",
        f"MAPE {decode['baselines']['TR133']['mean']:,.0f} % as printed, {rule['mean']:.0f} % "
        "refitted",
        "corrected",
        f"{decode['n']:,} rows, model held out; the roofline: {decode['mean']:.1f} %. Nearly flat "
        "because engines and formats were mixed, not because size does not matter",
    )


def _scaling(data: Data) -> Iterator[Finding]:
    serial = printed().serial
    close = sum(
        math.isclose(as_tabulated(s, 8), _TABULATED["/".join(pair)], rel_tol=0.08)
        for pair, s in serial.items()
    )
    stated = sum(
        math.isclose(efficiency(s, 8), _TABULATED["/".join(pair)], rel_tol=0.08)
        for pair, s in serial.items()
    )
    yield Finding(
        "SS6.2",
        "eta(8) of nine pairs from 1/(s + (1−s) N)",
        "0.135 to 0.270",
        f"{stated} of 9 follow from the stated formula, {close} from 1/(1 + s (N−1))",
        "corrected",
        "the table was printed with the other convention of s",
    )
    yield Finding(
        "SS6.3",
        "default fractions of unseen models: vLLM 0.15, optimistic",
        "eta(8) better than Ollama's",
        f"vLLM {efficiency(0.15, 8):.3f}, Ollama {efficiency(0.45, 8):.3f}",
        "corrected",
        "under the stated formula a smaller s is worse: the default makes vLLM scale worse than "
        "Ollama",
    )
    yield Finding(
        "SS6.4, SS6.5, SS15.3",
        "errors of scaling by backend and by N",
        "R² 0.647; mean errors −0.02 to −0.07",
        "",
        "cannot be tested",
        "the 1,763 records are not published; the published cells are in SS17.3 and SS17.4 above",
    )


def _quality(record: Record) -> Iterator[Finding]:
    scores = printed().quality_scores
    models = sorted({model for model, quant in scores if quant == "FP16"} - {"gpt2"})
    found = {}
    for quant in _DELTAS:
        drops = [scores[model, quant] - scores[model, "FP16"] for model in models]
        found[quant] = (statistics.fmean(drops), statistics.pstdev(drops))
    same = sum(abs(found[quant][0] - mean) < 0.0015 for quant, (mean, _) in _DELTAS.items())
    spread = sum(abs(found[quant][1] - std) < 0.0015 for quant, (_, std) in _DELTAS.items())
    yield Finding(
        "SS7.4",
        "mean deltas from FP16, and their spread",
        "; ".join(f"{quant} {mean:+.3f} ± {std:.3f}" for quant, (mean, std) in _DELTAS.items()),
        "; ".join(f"{quant} {mean:+.3f} ± {std:.3f}" for quant, (mean, std) in found.items()),
        "reproduced" if same == len(_DELTAS) == spread else "corrected",
        f"from its own matrix (four models): {same} of {len(_DELTAS)} means and {spread} spreads "
        "agree. The FP16 reference mixes base and instruct checkpoints, so the deltas are no "
        "quantisation's",
    )
    yield Finding(
        "SS7.2",
        "FP16 baselines from TR124",
        "phi-2 0.534, llama3.2-1b 0.544",
        "TR124 prints 0.635 and 0.561 to 0.563",
        "corrected",
        "the other three agree with TR124; these two average base and instruct runs",
    )
    yield Finding(
        "SS7.5, App. D",
        "tiers by the drop from FP16",
        "< 3, 3 to 10, 10 to 15, > 15 points",
        "kept, from the same variant's own reference",
        "reproduced",
        "the bounds are a choice. llama3.2-3b at Q2_K is negligible against TR133's FP16 (0.538) "
        "and "
        f"{100 * (scores['llama3.2-3b', 'Q8_0'] - scores['llama3.2-3b', 'Q2_K']):.1f} points below "
        "its own Q8_0",
    )
    yield Finding(
        "SS7.1",
        "0.5 for a model that was never scored",
        "0.5, a conservative midpoint",
        "unknown: the gate answers cannot-predict",
        "corrected",
        f"{sum(score < 0.5 for score in scores.values())} of its own {len(scores)} scores are "
        "below "
        "0.5, so it is not conservative",
    )


def _cost() -> Iterator[Finding]:
    right = all(math.isclose(rate * TR133_HOURS, month) for rate, month in _MONTHS)
    yield Finding(
        "SS8.2",
        "monthly costs",
        ", ".join(f"${month:,.2f}" for _, month in _MONTHS),
        ", ".join(f"${rate * HOURS_PER_MONTH:,.2f}" for rate, _ in _MONTHS),
        "corrected",
        f"arithmetic at 720 hours ({'all right' if right else 'not all right'}); a month has 730",
    )
    amortised, power = 1500 / (5 * 365 * 8), 0.200 * 0.15
    yield Finding(
        "SS8.2",
        "$0.035 an hour for an RTX 4080",
        "$0.103 amortised, about $0.035 of electricity, so $0.035",
        f"${amortised:.3f} amortised, ${power:.3f} of electricity, ${amortised + power:.3f} "
        "together",
        "corrected",
        "the rate that everything rests on is neither part nor their sum; prices come from a dated "
        "table or the user instead",
    )
    errors = [
        abs(usd_per_million_tokens(usd_per_hour=0.035, tok_s=rate) - cost)
        for rate, cost, _ in _AGAINST_API
    ]
    yield Finding(
        "SS8.3",
        "dollars per million tokens, local",
        ", ".join(f"${cost:.3f}" for _, cost, _ in _AGAINST_API),
        ", ".join(
            f"${usd_per_million_tokens(usd_per_hour=0.035, tok_s=rate):.3f}"
            for rate, _, _ in _AGAINST_API
        ),
        "reproduced" if max(errors) < 6e-4 else "corrected",
        "at full use of one stream; at real traffic idle hours are paid for too",
    )


def _latency() -> Iterator[Finding]:
    fits = sum(abs(AVERAGE_TOKENS / rate * 1e3 - check) < 1.5 for rate, check in _SERVICE.values())
    yield Finding(
        "SS9.2",
        "service times, with 128 tokens over the rate as a cross-check",
        "nine pairs",
        f"the arithmetic of {fits} of {len(_SERVICE)} is right",
        "reproduced" if fits == len(_SERVICE) else "corrected",
        "but they are wall times with a client's 200 ms in them: what occupies the GPU is the part "
        "that queues",
    )
    yield Finding(
        "SS9.3",
        "a cap of 70 % on utilisation",
        "0.70",
        "kept as a warning",
        "reproduced",
        "a policy, not a measurement; `limits` in the manifest changes it",
    )


def _hardware() -> Finding:
    right = sum(abs(gb_s / REFERENCE_GB_S - ratio) < 0.006 for gb_s, ratio in _RATIOS)
    found = registry_tables().gpu(LAPTOP)
    card = found.spec.bandwidth_gb_s if isinstance(found, GpuMatch) else None
    return Finding(
        "App. B",
        "bandwidth ratios to the reference card",
        f"{REFERENCE_GB_S:.0f} GB/s for the reference",
        f"{card or 0:g} GB/s; the arithmetic of {right} of {len(_RATIOS)} ratios is right",
        "corrected",
        "a 192-bit bus at 18 Gbit/s; every cross-card prediction scaled from 556 is "
        f"{100 * (1 - (card or 0) / REFERENCE_GB_S):.0f} % low",
    )
