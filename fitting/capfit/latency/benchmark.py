"""A serving benchmark, request by request: clients that start together, for a few rounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from capcheck.predict.compose import Unloaded
from capcheck.predict.latency.batch_server import closed_loop
from capcheck.predict.latency.burst import burst
from capcheck.predict.latency.ends import pool_of, server_at
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Percentiles, Server
from capcheck.predict.latency.work import work_of
from capcheck.predict.speed.engine_copy import Speed

from capfit.data.protocol import Protocol, protocol_of
from capfit.data.setting import Setting
from capfit.latency.simulate import run_agents
from capfit.latency.trace import Trace, percentiles_of


@dataclass(frozen=True, slots=True)
class Spread:
    """What a benchmark would print: latencies, and output tokens per second of all clients."""

    ttft_ms: Percentiles
    tpot_ms: Percentiles
    latency_ms: Percentiles
    total_tok_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """One engine copy in a benchmark: `clients` of it that send requests of nominal lengths."""

    server: Server
    protocol: Protocol
    clients: int
    prompt_tokens: float
    output_tokens: float

    @property
    def step_ms(self) -> float:
        """A decode step of all clients, at the mean context."""
        return self.server.step_ms(
            sequences=min(self.clients, self.server.slots),
            context_tokens=self.prompt_tokens + self.output_tokens / 2.0,
        )

    @property
    def unseen_ms(self) -> float:
        """From the first token to the first text that the client sees."""
        return (self.protocol.first_seen - 1) * self.step_ms


def benchmark(unloaded: Unloaded, setting: Setting) -> Spread | None:
    """What the benchmark behind a setting would print, from the speeds of its deployment."""
    resolved, speed = unloaded.resolved, unloaded.speed
    engine, prompt, output = resolved.engine, setting.prompt_tokens, setting.output_tokens
    if not isinstance(speed, Speed) or engine is None or not prompt or not output:
        return None
    copies = engine.data_parallel_size
    pool = pool_of(unloaded.forecast.memory, prompt + output)
    run = Run(
        server=server_at("value", resolved, engine, speed, pool),
        protocol=protocol_of(setting),
        clients=-(-(setting.concurrency or 1) // copies),
        prompt_tokens=prompt,
        output_tokens=output,
    )
    found = _in_step(run) if run.protocol.in_step > 1 else _simulated(run)
    return replace(found, total_tok_s=found.total_tok_s * copies)


def _simulated(run: Run) -> Spread:
    trace = simulate_benchmark(
        run.server,
        run.protocol,
        clients=run.clients,
        prompt_tokens=run.prompt_tokens,
        output_tokens=run.output_tokens,
    )
    # What comes before the first text is no time per token after it.
    after = max(1.0, run.output_tokens * run.protocol.length_share - 1.0)
    seen = 1.0 - min(0.9, (run.protocol.first_seen - 1) / after)
    wall_ms = float((trace.latency_ms + trace.sent_ms).max())
    return Spread(
        percentiles_of(trace.ttft_ms).shifted(run.unseen_ms),
        percentiles_of(trace.tpot_ms * seen),
        percentiles_of(trace.latency_ms),
        1000.0 * float(trace.output_tokens.sum()) / wall_ms,
    )


def _in_step(run: Run) -> Spread:
    """One round is a burst of all clients; in the others those that stay together come as one.

    After the first token a request decodes among all the clients, as in a loop that has settled,
    and prompts hold it up for all of their time.
    """
    server = replace(run.server, prefill_beside=1.0)
    prompt, output, rounds = Lengths(run.prompt_tokens), Lengths(run.output_tokens), run.protocol
    work = work_of(server, prompt=prompt, output=output)
    groups = {
        1.0 / rounds.rounds: burst(work, run.clients),
        1.0 - 1.0 / rounds.rounds: burst(work, min(run.clients, rounds.in_step)),
    }
    parts = [(share, asdict(found.ttft_ms)) for share, found in groups.items()]
    ttft = Percentiles(**{name: sum(w * one[name] for w, one in parts) for name in parts[0][1]})
    settled = closed_loop(
        server, agents=run.clients, think_time_s=0.0, prompt=prompt, output=output
    )
    tpot = settled.tpot_ms
    if tpot is None:
        raise ValueError("a closed loop is stable")
    return Spread(
        ttft,
        tpot,
        ttft.shifted(tpot.mean * max(0.0, run.output_tokens - 1.0)),
        settled.throughput_tok_s,
    )


def simulate_benchmark(
    server: Server,
    protocol: Protocol,
    *,
    clients: int,
    prompt_tokens: float,
    output_tokens: float,
    seed: int = 0,
) -> Trace:
    """Every request of `clients` that send `protocol.rounds` each, the initial burst included.

    Lengths are uniform between the protocol's shortest and the nominal ones.
    """
    rng = np.random.default_rng(seed)
    count = round(clients * protocol.rounds)

    def lengths(nominal: float) -> list[int]:
        least = max(1, int(nominal * protocol.shortest))
        drawn: list[int] = rng.integers(least, max(least, round(nominal)) + 1, count).tolist()
        return drawn

    return run_agents(
        server,
        starts_ms=[0.0] * clients,
        prompt_tokens=lengths(prompt_tokens),
        output_tokens=lengths(output_tokens),
        think_ms=[0.0] * count,
        poll_steps=protocol.polls(clients),
    )
