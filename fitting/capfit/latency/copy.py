"""One engine copy of a deployment, to be simulated at its share of the traffic."""

from __future__ import annotations

from dataclasses import dataclass

from capcheck.predict.forecast import Memory
from capcheck.predict.latency.ends import pool_of, server_at
from capcheck.predict.latency.lengths import Lengths, lengths_of
from capcheck.predict.latency.server import Server
from capcheck.predict.speed.engine_copy import Speed
from capcheck.resolution.resolved import Resolved

from capfit.latency.simulate import simulate_closed, simulate_open
from capfit.latency.trace import Trace


@dataclass(frozen=True, slots=True)
class Copy:
    """A server at the point estimate and its share of the load: a rate, or agents."""

    server: Server
    requests_per_second: float
    agents: int | None
    think_time_s: float


def one_copy(resolved: Resolved, speed: Speed, memory: Memory) -> Copy | None:
    """The fullest copy; None without an engine, lengths, or a rate or agents."""
    traffic, engine = resolved.deployment.traffic, resolved.engine
    if traffic is None or engine is None:
        return None
    if traffic.prompt_tokens is None or traffic.output_tokens is None:
        return None
    tokens = lengths_of(traffic.prompt_tokens).mean + lengths_of(traffic.output_tokens).mean
    server = server_at("value", resolved, engine, speed, pool_of(memory, tokens))
    copies = resolved.replicas_min * engine.data_parallel_size
    if traffic.agents is not None:
        return Copy(server, 0.0, -(-traffic.agents // copies), traffic.think_time_s)
    rate = traffic.busiest_rps / copies
    return Copy(server, rate, None, 0.0) if rate > 0.0 else None


def replication(copy: Copy, *, prompt: Lengths, output: Lengths, requests: int, seed: int) -> Trace:
    """One run from empty, its warm-up included."""
    if copy.agents is None:
        return simulate_open(
            copy.server,
            requests_per_second=copy.requests_per_second,
            prompt=prompt,
            output=output,
            requests=requests,
            seed=seed,
        )
    return simulate_closed(
        copy.server,
        agents=copy.agents,
        think_time_s=copy.think_time_s,
        prompt=prompt,
        output=output,
        requests=requests,
        seed=seed,
    )
