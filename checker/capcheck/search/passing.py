"""When an alternative may be offered, and by how much it misses when it may not."""

from __future__ import annotations

from capcheck.finding import Gate
from capcheck.judge import Checked, Started
from capcheck.numbers import amount, interval

# A cheaper configuration must not be a riskier one: findings that it may not add.
RISKS = frozenset(
    {
        "high-utilisation",
        "kv-pool-below-concurrency",
        "kv-pool-limits-batch",
        "many-replicas",
        "quality-concerning",
        "queue-loss",
        "queue-unstable",
        "vram-low-headroom",
    }
)

# TR133 SS7.5: a drop below three points is negligible. Without a stated floor no more is offered.
NEGLIGIBLE_DROP = 0.03


def surely_passes(candidate: Checked, today: Checked) -> bool:
    """Every interval is inside its limit, and nothing that the manifest left open gets worse."""
    return candidate.verdict == "pass" and reservation(candidate, today) is None


def binding_gate(checked: Checked) -> Gate | None:
    """The gate that misses its limit by the most; None when all pass."""
    broken = [gate for gate in checked.gates.values() if gate.verdict != "pass"]
    return max(broken, key=distance, default=None)


def distance(gate: Gate) -> float:
    """By what share of the limit the unfavourable end of the interval misses it.

    Infinite when there is no such end: an unknown, or a queue without bound.
    """
    if gate.estimate is None or not gate.limit or gate.estimate.value is None:
        return float("inf")
    far = gate.estimate.high if gate.sense == "max" else gate.estimate.low
    if far is None:
        return float("inf")
    return far / gate.limit - 1 if gate.sense == "max" else 1 - far / gate.limit


def miss_text(gate: Gate) -> str:
    """`p95 latency 3.20 s (2.90–3.60) against 3.00 s: 20 % from surely passing`."""
    if gate.estimate is None or gate.limit is None:
        return f"{gate.label}: {gate.verdict}"
    if gate.estimate.value is None:
        return f"{gate.label}: {gate.estimate.basis}"
    short = distance(gate)
    by = "" if short == float("inf") else f": {100 * short:.0f} % from surely passing"
    shown = interval(gate.estimate, gate.unit)
    return f"{gate.label} {shown} against {amount(gate.limit, gate.unit)}{by}"


def reservation(candidate: Checked | Started, today: Checked) -> str | None:
    """Why a configuration is not offered even where it passes every gate; None when it may be."""
    before = {found.rule for found in today.findings}
    risks = sorted({found.rule for found in candidate.findings if found.rule in RISKS} - before)
    if risks:
        return f"passes, with {', '.join(risks)}"
    if not _keeps_quality(candidate, today):
        return "passes, but the quality lost is not known or not negligible, and no floor is stated"
    return None


def _keeps_quality(candidate: Checked | Started, today: Checked) -> bool:
    """Without a stated floor, quantisation may cost what is negligible, or what it costs today."""
    if "quality" in candidate.gates:
        return True
    before, after = today.resolved, candidate.resolved
    if after.model != before.model or before.quant is None or after.quant is None:
        return False
    if after.quant.bits_per_weight >= before.quant.bits_per_weight:
        return True
    drop, drop_today = candidate.forecast.quality.drop.value, today.forecast.quality.drop.value
    return drop is not None and drop <= max(NEGLIGIBLE_DROP, drop_today or 0.0)
