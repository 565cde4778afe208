"""SS12: the ten spot checks, by TR133's own formulas and by the checker."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.predict.cost import HOURS_PER_MONTH, usd_per_million_tokens

from capfit.tr133.artifact import printed
from capfit.tr133.review import ours
from capfit.tr133.review.finding import Finding, Status
from capfit.tr133.validate import spot_checks

# What SS12 prints for each check.
PRINTED = ("7.52 GB", "17.82 GB", "2.64 GB", "146.3 > 95.9", "0.544 ≥ 0.389", "1.0000", "0.189",
           "$0.097 < $0.972", "$0.1944", "$25.20")  # fmt: skip

_UNITS = (
    "6.42 GB of weights (5.98 GiB) are taken as GiB and multiplied by 1.058, and one layer's eager "
    "attention scores are left out; TR123 measured 6.70 GiB after the prefill, below the peak"
)


def findings() -> Iterator[Finding]:
    """All ten; a check that asserts an inequality is met whatever its figures."""
    theirs = spot_checks(printed())
    fast = ours.decode_tok_s("llama3.2-1b", "Q8_0", "ollama")
    slow = ours.decode_tok_s("llama3.2-3b", "Q4_K_M", "ollama")
    answers: tuple[tuple[str, Status, str], ...] = (
        (
            f"{ours.vram_gib('llama3.2-3b', 'FP16', 'transformers', 2048):.2f} GiB",
            "corrected",
            _UNITS,
        ),
        (
            f"{ours.vram_gib('llama3.1-8b', 'FP16', 'transformers', 2048):.2f} GiB",
            "corrected",
            "the same unit slip on 16.06 GB of weights (14.96 GiB); nobody measured this cell",
        ),
        (
            f"{ours.vram_gib('llama3.2-3b', 'Q4_K_M', 'ollama', 2048):.2f} GiB",
            "corrected",
            "Q4_K_M has 5.01 bits per weight on this model, not 4.5: the file is 1.87 GiB",
        ),
        (
            f"{fast:.0f} > {slow:.0f} tok/s",
            "corrected",
            "146.3 averages two clock states of the card, and the tags that were pulled are Q8_0 "
            "and Q4_K_M, not FP16",
        ),
        (
            f"{ours.score('llama3.2-1b', 'Q8_0', 'composite_tr133'):.3f} (Q8_0) ≥ "
            f"{ours.score('llama3.2-1b', 'Q2_K', 'composite_tr133'):.3f}",
            "corrected",
            "0.544 averages a base and an instruct run; the same variant's reference is its Q8_0",
        ),
        ("1", "reproduced", "true of either convention of Amdahl's law"),
        (
            f"{ours.eta('llama3.2-3b', 'Q4_K_M', 'ollama', 8):.3f}",
            "corrected",
            "one server, first come, first served; TR129 measured 0.171. SS6.2 prints 0.270 for "
            "the same pair",
        ),
        (
            f"${usd_per_million_tokens(usd_per_hour=0.035, tok_s=100):.4f} < "
            f"${usd_per_million_tokens(usd_per_hour=0.035, tok_s=10):.3f}",
            "reproduced",
            "arithmetic",
        ),
        (
            f"${usd_per_million_tokens(usd_per_hour=0.035, tok_s=50):.4f}",
            "reproduced",
            "arithmetic",
        ),
        (
            f"${0.035 * HOURS_PER_MONTH:.2f}",
            "corrected",
            f"a year has 8760 hours, a month {HOURS_PER_MONTH:g}, not 720",
        ),
    )
    for check, text, (found, status, why) in zip(theirs, PRINTED, answers, strict=True):
        by_form = f"its formula gives {check.value:.4g}"
        yield Finding(f"SS12 {check.number}", check.check, text, found, status, f"{by_form}; {why}")
