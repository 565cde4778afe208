"""What each predictor is to reach on held-out groups, and what would help where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from capfit.validate.record import ALL, Record
from capfit.validate.stored import QUALITY

EACH = "each"


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on one figure of one slice; `backend` EACH asks it of every engine.

    `statistic` is a column of the record's tables: errors must stay within the limit, R² must reach
    it. `needs` says what data would help where it is missed.
    """

    predictor: str
    held_out: str
    backend: str
    statistic: str
    limit: float
    needs: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A target held against the record."""

    target: Target
    backend: str
    unit: str
    value: float
    reached: bool


_ARCHIVES = (
    "complete start-up logs (weights, activation, non-torch memory, graphs, pool) of further "
    "releases and cards"
)
_PEAKS = (
    "device peaks that say what else held memory, which attention kernel ran and which "
    "micro-batch was set"
)
_STREAMS = (
    "one-stream rates of the same few models and formats on each further card, with the engine's "
    "version; Intel cards, and cards that one source alone measured, are the worst"
)
_PROMPTS = (
    "prompt rates at several prompt lengths with the build and micro-batch stated: half of the "
    "error is software that its rows do not name"
)
_SERVED = (
    "served runs that state how clients start, how many rounds they run and whether a prefix cache "
    "was on; per-request logs would settle it"
)
_AGENTS = "rates of 2 to 16 agents from a load generator that does not slow down itself"
_SCORES = (
    "scores of more models per format on one benchmark with a thousand items and more: at 485 "
    "items noise alone is 2 points"
)
_LOADED = "open loops of other engines, with arrival times"

_MILD = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M")

TARGETS = (
    Target("VRAM peak, eager attention", "model", "transformers", "mean", 2.0, _PEAKS),
    Target("VRAM peak, fused attention", "model", "transformers", "mean", 2.0, _PEAKS),
    Target("VRAM peak", "model", "llama.cpp", "mean", 4.0, _PEAKS),
    Target("VRAM at start-up", "model", "llama.cpp", "mean", 4.0, _PEAKS),
    Target("KV pool, tokens", "model", "vllm", "median", 5.0, _ARCHIVES),
    Target("decode, one stream", "model", ALL, "mean", 10.0, _STREAMS),
    Target("decode, one stream", "GPU", ALL, "mean", 15.0, _STREAMS),
    Target("decode, one stream", "GPU", ALL, "median", 8.0, _STREAMS),
    Target("prefill, one prompt", "model", ALL, "mean", 20.0, _PROMPTS),
    Target("prefill, one prompt", "GPU", ALL, "mean", 35.0, _PROMPTS),
    Target("TPOT in a benchmark", "model", EACH, "median", 12.0, _SERVED),
    Target("TTFT in a benchmark", "model", EACH, "median", 25.0, _SERVED),
    Target("total output rate under load", "model", EACH, "median", 15.0, _SERVED),
    Target("output rate, static batch", "model", ALL, "median", 15.0, _SERVED),
    Target("scaling, eta of N agents", "model", EACH, "r2", 0.95, _AGENTS),
    *(Target(QUALITY, "model", name, "mean", 1.5, _SCORES) for name in _MILD),
    Target(QUALITY, "model", "Q3_K_S", "mean", 5.0, _SCORES),
    Target("latency of an open loop, mean", "nothing", "ollama", "mean", 7.0, _LOADED),
    Target("latency of an open loop, p95", "nothing", "ollama", "mean", 10.0, _LOADED),
)


def outcomes(record: Record, targets: tuple[Target, ...] = TARGETS) -> Iterator[Outcome]:
    """Every target that the record can answer."""
    for target in targets:
        for table in record["tables"]:
            value = table[target.statistic]
            if _speaks(table, target, record) and value is not None:
                reached = (
                    value >= target.limit if target.statistic == "r2" else value <= target.limit
                )
                yield Outcome(target, table["backend"], table["unit"], value, reached)


def _speaks(table: Mapping[str, Any], target: Target, record: Record) -> bool:
    if (table["predictor"], table["held_out"]) != (target.predictor, target.held_out):
        return False
    if target.backend == EACH:
        return bool(table["backend"] != ALL)
    if target.backend == ALL and table["backend"] != ALL:
        # A slice with one backend has no line for all of them together.
        return not any(
            (other["predictor"], other["held_out"], other["backend"])
            == (target.predictor, target.held_out, ALL)
            for other in record["tables"]
        )
    return bool(table["backend"] == target.backend)
