"""The least that one limit has to give for something to pass."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.finding import Gate
from capcheck.numbers import amount, enough
from capcheck.records import dataclass
from capcheck.search.alternative import Alternative
from capcheck.search.passing import distance


@dataclass(frozen=True, slots=True)
class Relaxation:
    """With this limit at `needed` and all others as they are, `by` would surely pass.

    `needed` has the digits that are shown, rounded to the side where they are enough.
    """

    gate: Gate
    needed: float
    by: Alternative

    @property
    def text(self) -> str:
        """`with p95 latency ≤ 3.40 s`."""
        sign = "≤" if self.gate.sense == "max" else "≥"
        return f"with {self.gate.label} {sign} {amount(self.needed, self.gate.unit)}"


def relaxations(evaluated: Iterable[Alternative]) -> tuple[Relaxation, ...]:
    """Of the configurations that break one limit only, the nearest for each limit; nearest first.

    The limits of the device and of the engine are no promises: they do not give.
    """
    best: dict[str, tuple[float, Relaxation]] = {}
    for offered in evaluated:
        broken = [gate for gate in offered.gates if gate.verdict != "pass"]
        if len(broken) != 1 or broken[0].name in ("vram", "support"):
            continue
        (gate,) = broken
        short = distance(gate)
        if gate.limit is None or gate.estimate is None or short == float("inf"):
            continue
        far = gate.estimate.high if gate.sense == "max" else gate.estimate.low
        if far is None or (gate.name in best and best[gate.name][0] <= short):
            continue
        best[gate.name] = short, Relaxation(gate, enough(far, gate.unit, gate.sense), offered)
    return tuple(found for _, found in sorted(best.values(), key=lambda pair: pair[0]))
