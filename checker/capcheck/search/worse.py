"""What an alternative gives up against today's configuration, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from capcheck.estimate import Estimate
from capcheck.numbers import amount
from capcheck.predict.forecast import Forecast

# A difference within this share of today's figure is none.
NOTICED = 0.02

Sense = Literal["max", "min"]
FIGURES: tuple[tuple[str, str, Sense, Callable[[Forecast], Estimate]], ...] = (
    ("p95 latency", "ms", "max", lambda it: it.load.latency_ms.p95),
    ("p95 TTFT", "ms", "max", lambda it: it.load.ttft_ms.p95),
    ("p95 TPOT", "ms", "max", lambda it: it.load.tpot_ms.p95),
    ("quality", "", "min", lambda it: it.quality.score),
    ("capacity", "tok/s", "min", lambda it: it.load.capacity_tok_s),
    ("cost", "$/month", "max", lambda it: it.cost.usd_month),
)


def worse(today: Forecast, candidate: Forecast) -> tuple[str, ...]:
    """`p95 latency 2.10 s → 3.40 s (+62 %)`, one per figure that is worse.

    A quality score is compared on one benchmark only; what is not known any more is named.
    """
    found = []
    for label, unit, sense, figure in FIGURES:
        before, after = figure(today), figure(candidate)
        if label == "quality" and today.quality.benchmark != candidate.quality.benchmark:
            continue
        if before.value is None:
            continue
        if after.value is None:
            found.append(f"{label} {amount(before.value, unit)} → unknown")
            continue
        change = after.value / before.value - 1.0 if before.value else 0.0
        if (change if sense == "max" else -change) > NOTICED:
            shown = f"{amount(before.value, unit)} → {amount(after.value, unit)}"
            sign = "−" if change < 0 else "+"
            found.append(f"{label} {shown} ({sign}{100 * abs(change):.0f} %)")
    return tuple(found)
