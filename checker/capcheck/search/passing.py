"""When an alternative may be offered, and by how much it misses when it may not."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.finding import Gate
from capcheck.judge import Checked, Started
from capcheck.numbers import amount, interval
from capcheck.predict.forecast import Quality
from capcheck.predict.latency.ends import End
from capcheck.resolution.resolved import Resolved

# A cheaper configuration must not be a riskier one: findings that it may not add. Those of the
# first set follow from memory and format alone, those of the second fade with more replicas.
LASTING_RISKS = frozenset({"quality-concerning", "vram-low-headroom"})
FADING_RISKS = frozenset(
    {
        "high-utilisation",
        "kv-pool-below-concurrency",
        "kv-pool-limits-batch",
        "queue-loss",
        "queue-unstable",
    }
)
RISKS = LASTING_RISKS | FADING_RISKS | {"many-replicas"}

# TR133 SS7.5: a drop below three points is negligible. Without a stated floor no more is offered.
NEGLIGIBLE_DROP = 0.03


def passes(candidate: Checked, today: Checked, end: End) -> bool:
    """Every gate holds at this end, and nothing that the manifest left open gets worse.

    At the slow end every interval is inside its limit: it surely passes.
    """
    held = all(holds(gate, end) for gate in candidate.gates.values())
    allowed = ("pass",) if end == "slow" else ("pass", "borderline")
    return held and candidate.verdict in allowed and reservation(candidate, today) is None


def holds(gate: Gate, end: End) -> bool:
    """Whether the gate passes; at the end "value" a borderline one with its value inside does."""
    if gate.verdict == "pass":
        return True
    return end == "value" and gate.verdict == "borderline" and distance(gate, end) <= 0.0


def binding_gate(gates: Iterable[Gate]) -> Gate | None:
    """The gate that misses its limit by the most; None when all pass.

    What does not start has no latency: memory that surely lacks comes first.
    """
    broken = [gate for gate in gates if gate.verdict != "pass"]
    lacking = [gate for gate in broken if gate.name == "vram" and gate.verdict == "fail"]
    return max(lacking or broken, key=distance, default=None)


def distance(gate: Gate, end: End = "slow") -> float:
    """By what share of the limit the unfavourable end of the interval (or the value) misses it.

    Infinite when there is no such end: an unknown, or a queue without bound.
    """
    if gate.estimate is None or not gate.limit or gate.estimate.value is None:
        return float("inf")
    far = gate.estimate.high if gate.sense == "max" else gate.estimate.low
    if end == "value":
        far = gate.estimate.value
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


def reservation(
    candidate: Checked | Started, today: Checked, among: frozenset[str] = RISKS
) -> str | None:
    """Why a configuration is not offered even where it passes every gate; None when it may be.

    `among` are the risks to look for.
    """
    before = {found.rule for found in today.findings}
    risks = sorted({found.rule for found in candidate.findings if found.rule in among} - before)
    if risks:
        return f"passes, with {', '.join(risks)}"
    kept = "quality" in candidate.gates
    if not kept and not keeps_quality(candidate.resolved, candidate.forecast.quality, today):
        return "passes, but the quality lost is not known or not negligible, and no floor is stated"
    if _narrower_cache(candidate, today):
        dtype = candidate.resolved.engine.kv_cache_dtype if candidate.resolved.engine else ""
        return f"passes, but what a {dtype} KV cache costs in quality is not predicted"
    return None


def _narrower_cache(candidate: Checked | Started, today: Checked) -> bool:
    before, after = today.resolved.engine, candidate.resolved.engine
    if before is None or after is None:
        return False
    return after.kv_bytes_per_element < before.kv_bytes_per_element


def keeps_quality(candidate: Resolved, quality: Quality, today: Checked) -> bool:
    """Without a stated floor, quantisation may cost what is negligible, or what it costs today."""
    before = today.resolved
    if candidate.model != before.model or before.quant is None or candidate.quant is None:
        return False
    if candidate.quant.bits_per_weight >= before.quant.bits_per_weight:
        return True
    drop, drop_today = quality.drop.value, today.forecast.quality.drop.value
    return drop is not None and drop <= max(NEGLIGIBLE_DROP, drop_today or 0.0)
