"""Replay of the published load measurements of Ollama from single-request timings alone.

One slot, first come first served: GPU-busy service S, and a host delay Z that overlaps with other
requests. Nothing is fitted to an open loop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from capcheck.predict.latency.server import Server

from capfit.latency.simulate import simulate_arrivals
from capfit.latency.trace import percentiles_of

# TR128's sweep: one generator per cell, seeded alike, draws 30 prompt lengths and then 30 gaps.
SEED, REQUESTS, PROMPT_TOKENS = 42, 30, (100, 301)


@dataclass(frozen=True, slots=True)
class Service:
    """One request alone: whole wall time, and the part of it that holds the GPU, in ms."""

    wall_ms: float
    gpu_ms: float

    @property
    def host_ms(self) -> float:
        """The rest of the wall time, which overlaps with other requests."""
        return max(0.0, self.wall_ms - self.gpu_ms)


def service(
    *,
    wall_ms: float,
    prefill_ms: float,
    unreported_ms: float,
    decode_ms: float | None = None,
    tokens_per_s: float | None = None,
    gpu_tokens_per_s: float | None = None,
) -> Service:
    """From a report's single-request row: decode as printed, or tokens / decode rate.

    `tokens_per_s` is end to end (tokens / wall), `gpu_tokens_per_s` while decoding; a request holds
    the GPU for `unreported_ms` beside what Ollama reports (`capfit.scaling.turns`).
    """
    if decode_ms is None:
        if tokens_per_s is None or gpu_tokens_per_s is None:
            raise ValueError("needs decode_ms, or both rates")
        decode_ms = tokens_per_s * wall_ms / gpu_tokens_per_s
    return Service(wall_ms, prefill_ms + decode_ms + unreported_ms)


@dataclass(frozen=True, slots=True)
class Answer:
    """Mean and p95 of the wall time in ms; None where the model has no answer."""

    mean: float | None
    p95: float | None


def published_arrivals(rate: float) -> list[float]:
    """TR128's arrivals in ms. Every cell has the same draw, at 1.54 times the nominal rate."""
    rng = np.random.default_rng(SEED)
    rng.integers(*PROMPT_TOKENS, REQUESTS)
    gaps = rng.exponential(1000.0 / rate, REQUESTS)
    return [float(at) for at in np.cumsum(gaps)]


def replayed(single: Service, sent_ms: Sequence[float]) -> Answer:
    """The simulated server under given arrivals."""
    trace = simulate_arrivals(
        _one_slot(single),
        sent_ms=sent_ms,
        prompt_tokens=[1] * len(sent_ms),
        output_tokens=[1] * len(sent_ms),
    )
    wall = percentiles_of(trace.latency_ms)
    return Answer(wall.mean, wall.p95)


def closed_loop_wall_ms(single: Service, *, agents: int, think_ms: float = 0.0) -> float:
    """Mean wall time of `agents` clients on one slot: max(Z + S, N S - think)."""
    return max(single.wall_ms, agents * single.gpu_ms - think_ms)


def tr133(single: Service, rate: float) -> Answer:
    """TR133 SS9.1: M/D/1 with the whole wall time as service, and p95 = S + 3 W."""
    load = rate * single.wall_ms / 1000.0
    if load >= 1.0:
        return Answer(None, None)
    wait = load * single.wall_ms / (2.0 * (1.0 - load))
    return Answer(single.wall_ms + wait, single.wall_ms + 3.0 * wait)


def mm_c(single: Service, rate: float, servers: int) -> Answer:
    """M/M/c with the whole wall time as mean service (Erlang C); p95 of the wait, plus a mean S."""
    offered = rate * single.wall_ms / 1000.0
    if offered >= servers:
        return Answer(None, None)
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    delayed = last / (math.fsum(terms) + last)
    gap = single.wall_ms / (servers - offered)
    tail = gap * math.log(delayed / 0.05) if delayed > 0.05 else 0.0
    return Answer(single.wall_ms + delayed * gap, single.wall_ms + tail)


def errors(pairs: Sequence[tuple[float | None, float]]) -> tuple[int, float, float, float]:
    """Rows answered, and mean absolute, mean signed and worst error of them, in percent."""
    found = [100.0 * (got / true - 1.0) for got, true in pairs if got is not None]
    if not found:
        return 0, math.nan, math.nan, math.nan
    magnitude = [abs(error) for error in found]
    return len(found), float(np.mean(magnitude)), float(np.mean(found)), max(magnitude)


def _one_slot(single: Service) -> Server:
    def step_ms(*, sequences: float, context_tokens: float) -> float:
        return 0.0

    def prefill_ms(*, tokens: float, context_tokens: float = 0.0) -> float:
        return single.gpu_ms

    return Server(step_ms, prefill_ms, slots=1, host_delay_ms=single.host_ms)
