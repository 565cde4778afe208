"""The grid on which the analytic batch server is compared with its simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from capcheck.predict.latency.batch_server import closed_loop, open_loop
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Behaviour, Percentiles, Server
from capcheck.predict.latency.work import work_of

from capfit.latency.simulate import simulate_closed, simulate_open
from capfit.latency.trace import Trace, percentiles_of

# The model was developed against the first set; the second was held out.
SEEDS = {"tuned": 20261123, "held-out": 20270401}

METRICS = ("ttft_ms", "tpot_ms", "latency_ms")
LOADS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SLOTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Timings:
    """Linear step and prefill times in ms: one made-up engine and GPU."""

    step: float
    per_sequence: float
    per_cached_token: float
    prefill: float
    per_prompt_token: float

    def step_ms(self, *, sequences: float, context_tokens: float) -> float:
        """One decode step."""
        return (
            self.step
            + self.per_sequence * sequences
            + self.per_cached_token * sequences * context_tokens
        )

    def prefill_ms(self, *, tokens: float, context_tokens: float = 0.0) -> float:
        """One prompt or chunk, with attention to what is cached."""
        pairs = tokens * (context_tokens + tokens / 2.0)
        return self.prefill + self.per_prompt_token * (tokens + pairs / 50_000.0)


@dataclass(frozen=True, slots=True)
class Point:
    """One server under one load: open at `load` times its saturation rate, or `agents` closed."""

    timings: Timings
    slots: int
    chunked: bool
    budget: int
    kv_tokens: float | None
    prompt: Lengths
    output: Lengths
    load: float | None
    agents: int | None
    think_time_s: float

    @property
    def server(self) -> Server:
        """The engine copy under test."""
        return Server(
            step_ms=self.timings.step_ms,
            prefill_ms=self.timings.prefill_ms,
            slots=self.slots,
            kv_tokens=self.kv_tokens,
            chunked_prefill=self.chunked,
            max_num_batched_tokens=self.budget,
        )

    @property
    def requests_per_second(self) -> float:
        """The open loop's rate."""
        work = work_of(self.server, prompt=self.prompt, output=self.output)
        return (self.load or 0.0) * work.saturation_per_ms * 1000.0

    def predict(self) -> Behaviour:
        """The analytic answer."""
        if self.agents is not None:
            return closed_loop(
                self.server,
                agents=self.agents,
                think_time_s=self.think_time_s,
                prompt=self.prompt,
                output=self.output,
            )
        return open_loop(
            self.server,
            requests_per_second=self.requests_per_second,
            prompt=self.prompt,
            output=self.output,
        )

    def simulate(self, *, requests: int, seed: int) -> Trace:
        """One replication, its first 15 % dropped."""
        if self.agents is not None:
            trace = simulate_closed(
                self.server,
                agents=self.agents,
                think_time_s=self.think_time_s,
                prompt=self.prompt,
                output=self.output,
                requests=requests,
                seed=seed,
                think_cv=1.0,
            )
        else:
            trace = simulate_open(
                self.server,
                requests_per_second=self.requests_per_second,
                prompt=self.prompt,
                output=self.output,
                requests=requests,
                seed=seed,
            )
        return trace.after(0.15)


def points(*, count: int = 240, seed: int = SEEDS["tuned"]) -> Iterator[Point]:
    """Seeded points over load, slots, lengths, spread, chunking, KV bound; every third is closed.

    A closed loop of fixed lengths and fixed thinking repeats the pattern it starts in for ever, so
    closed points draw both.
    """
    rng = np.random.default_rng(seed)
    for index in range(count):
        closed = index % 3 == 2
        slots = int(rng.choice(SLOTS))
        spreads = (0.5, 1.0) if closed else (0.0, 0.5, 1.0)
        prompt = Lengths(_log_uniform(rng, 64, 8192), float(rng.choice([0.0, 0.0, 0.5])))
        output = Lengths(_log_uniform(rng, 16, 1024), float(rng.choice(spreads)))
        step = float(_log_uniform(rng, 5, 60))
        limited = slots >= 16 and rng.random() < 0.33
        tokens = prompt.mean + output.length_biased_mean
        agents = max(1, round(slots * float(rng.choice([0.25, 0.5, 1.0, 1.5, 3.0]))))
        yield Point(
            timings=Timings(
                step=step,
                per_sequence=step * float(rng.uniform(0.002, 0.02)),
                per_cached_token=step * float(rng.uniform(0.2, 2.0)) * 1e-5,
                prefill=float(rng.uniform(2, 10)),
                per_prompt_token=step * float(rng.uniform(0.002, 0.012)),
            ),
            slots=slots,
            chunked=bool(rng.random() < 0.5),
            budget=int(rng.choice([512, 2048, 8192])),
            kv_tokens=max(2.0, slots * float(rng.uniform(0.3, 0.7))) * tokens if limited else None,
            prompt=prompt,
            output=output,
            load=None if closed else float(rng.choice(LOADS)),
            agents=agents if closed else None,
            think_time_s=float(rng.choice([0.0, 0.0, 1.0, 5.0])) if closed else 0.0,
        )


def reference(point: Point, *, requests: int, replications: int) -> dict[str, Percentiles]:
    """Simulated percentiles of each metric: the mean over replications."""
    runs = [point.simulate(requests=requests, seed=seed) for seed in range(replications)]
    found = {}
    for metric in METRICS:
        each = [percentiles_of(getattr(run, metric)) for run in runs]
        found[metric] = Percentiles(
            *(
                math.fsum(getattr(one, part) for one in each) / len(each)
                for part in ("mean", "p50", "p90", "p95", "p99")
            )
        )
    return found


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> int:
    return round(math.exp(float(rng.uniform(math.log(low), math.log(high)))))
