"""Latency under load of one engine copy that runs many requests together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from capcheck.predict.latency.arrival import service_spread
from capcheck.predict.latency.draws import DRAWS, percentile_of, percentiles_of
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.occupancy import Occupancy, closed_rate_per_ms
from capcheck.predict.latency.passage import Passage, Times, closed_passage, open_passage
from capcheck.predict.latency.server import Behaviour, Limits, Parts, Percentiles, Server
from capcheck.predict.latency.single_server import (
    in_turns,
    is_exact,
    one_at_a_time,
    percentile_ms,
    round_ms,
    takes_turns,
)
from capcheck.predict.latency.work import Work, work_of
from capcheck.records import replace

# Nothing is asked of a request.
NO_LIMITS = Limits()


# A search judges the slow end by itself before all three.
@lru_cache(maxsize=64)
def open_loop(
    server: Server,
    *,
    requests_per_second: float,
    prompt: Lengths,
    output: Lengths,
    limits: Limits = NO_LIMITS,
) -> Behaviour:
    """Poisson arrivals at `requests_per_second` on one engine copy."""
    work = work_of(server, prompt=prompt, output=output)
    return under_rate(work, requests_per_second / 1000.0, limits)


def under_rate(work: Work, rate_per_ms: float, limits: Limits = NO_LIMITS) -> Behaviour:
    """`open_loop` for work that is known already."""
    rate = max(1e-12, rate_per_ms)
    if rate >= work.saturation_per_ms:
        return _unstable(work, rate)
    behaviour = _behaviour(open_passage(work, rate), limits)
    return one_at_a_time(work, rate, behaviour)


def percentile_under_rate(work: Work, rate_per_ms: float, metric: str, percentile: int) -> float:
    """One figure of `under_rate`, infinite where the queue is unstable."""
    rate = max(1e-12, rate_per_ms)
    if rate >= work.saturation_per_ms:
        return math.inf
    if is_exact(work) and metric != "tpot":
        return percentile_ms(work, rate, metric, percentile)
    return percentile_of(open_passage(work, rate).values(metric), percentile)


@lru_cache(maxsize=64)
def closed_loop(
    server: Server,
    *,
    agents: int,
    think_time_s: float,
    prompt: Lengths,
    output: Lengths,
    limits: Limits = NO_LIMITS,
) -> Behaviour:
    """`agents` clients on one engine copy, each thinking `think_time_s` between its requests.

    The mean latency follows from the cycle by Little's law: agents / throughput - think time.
    """
    work = work_of(server, prompt=prompt, output=output)
    away = away_ms(server, think_time_s)
    passage = closed_passage(work, agents=agents, away_ms=away)
    behaviour = _behaviour(passage, limits)
    inside = agents / passage.occupancy.arrivals_per_ms - think_time_s * 1000.0
    behaviour = replace(
        behaviour,
        latency_ms=replace(latency_of(behaviour), mean=inside),
        parts_ms=_parts_of(behaviour, inside),
    )
    return in_turns(work, agents, away, behaviour)


def away_ms(server: Server, think_time_s: float) -> float:
    """How long a client is neither waiting nor served between two requests."""
    return think_time_s * 1000.0 + server.host_delay_ms


def loop_rate_per_ms(work: Work, *, agents: int, away_ms: float) -> float:
    """Requests that `closed_loop` completes."""
    if takes_turns(work):
        return agents / round_ms(work, agents, away_ms)
    return closed_rate_per_ms(work, agents=agents, away_ms=away_ms)


def _parts_of(behaviour: Behaviour, inside: float) -> Parts:
    """The parts scaled to the mean that follows from the cycle; the host's delay is known."""
    parts = behaviour.parts_ms or Parts(0.0, 0.0, 0.0, 0.0)
    rest = parts.queue + parts.prefill + parts.decode
    scale = max(0.0, inside - parts.host) / rest if rest > 0.0 else 1.0
    return Parts(parts.queue * scale, parts.host, parts.prefill * scale, parts.decode * scale)


def latency_of(behaviour: Behaviour) -> Percentiles:
    """The latency of a stable behaviour."""
    if behaviour.latency_ms is None:
        raise ValueError("an unstable queue has no latency")
    return behaviour.latency_ms


def _unstable(work: Work, rate: float) -> Behaviour:
    saturation = work.saturation_per_ms
    return Behaviour(
        stable=False,
        saturation_rps=saturation * 1000.0,
        capacity_tok_s=saturation * 1000.0 * work.output.mean,
        throughput_tok_s=saturation * 1000.0 * work.output.mean,
        utilisation=rate / saturation,
        busy=1.0,
        mean_running=None,
        mean_waiting=None,
        loss_rate=0.0 if work.server.max_queue is None else 1.0 - saturation / rate,
        good=0.0,
        preemption=work.kv_limited,
        queue_wait_ms=None,
        ttft_ms=None,
        tpot_ms=None,
        latency_ms=None,
        parts_ms=None,
    )


def _behaviour(passage: Passage, limits: Limits) -> Behaviour:
    work, occupancy, times = passage.work, passage.occupancy, passage.all_times
    waits, firsts, decodes, ttfts, latencies, _ = times
    delay = work.server.host_delay_ms
    wait_for_slot, latency = percentiles_of(waits), percentiles_of(latencies)
    saturation = work.saturation_per_ms
    throughput = occupancy.arrivals_per_ms
    return Behaviour(
        stable=True,
        saturation_rps=saturation * 1000.0,
        capacity_tok_s=saturation * 1000.0 * work.output.mean,
        throughput_tok_s=throughput * 1000.0 * work.output.mean,
        utilisation=min(1.0, throughput / saturation),
        busy=1.0 - occupancy.running[0],
        mean_running=throughput * (latency.mean - wait_for_slot.mean - delay),
        mean_waiting=throughput * wait_for_slot.mean,
        loss_rate=_loss(work, occupancy),
        good=_good(times, limits) / DRAWS,
        preemption=work.kv_limited and occupancy.queued > 0.01,
        queue_wait_ms=wait_for_slot,
        ttft_ms=percentiles_of(ttfts),
        tpot_ms=percentiles_of(passage.values("tpot")),
        latency_ms=latency,
        parts_ms=Parts(wait_for_slot.mean, delay, sum(firsts) / DRAWS, sum(decodes) / DRAWS),
    )


def _good(times: Times, limits: Limits) -> int:
    """How many draws keep all limits."""
    kept = list(_kept(times, limits))
    return sum(map(all, zip(*kept, strict=True))) if kept else DRAWS


def _kept(times: Times, limits: Limits) -> Iterator[list[bool]]:
    """Which draws keep each of the limits that are stated."""
    if limits.ttft_ms < math.inf:
        yield [ttft <= limits.ttft_ms for ttft in times.ttfts]
    if limits.latency_ms < math.inf:
        yield [latency <= limits.latency_ms for latency in times.latencies]
    if limits.tpot_ms < math.inf:
        pairs = zip(times.decodes, times.steps, strict=True)
        yield [decode <= limits.tpot_ms * max(1.0, count) for decode, count in pairs]


def _loss(work: Work, occupancy: Occupancy) -> float:
    """Share of arrivals that find slots and queue full, from the share that would without a limit.

    With q that share and x the load, (1 - x) q / (1 - x q): exact for M/G/1/K and M/M/c/K (Tijms, A
    First Course in Stochastic Models, 2003, section 9.8). Beyond the slots q falls as the heavy-
    traffic tail does, load^(2 / (spread of gaps + spread of work)) (Kingman 1962). Of a closed
    loop, whose states are listed, the chain is cut off.
    """
    limit = work.server.max_queue
    if limit is None:
        return 0.0
    full, seen, load = work.server.slots + limit, occupancy.seen, occupancy.queue_ratio
    if load <= 0.0:
        below = math.fsum(seen[: full + 1])
        return seen[full] / below if full < len(seen) and below > 0.0 else 0.0
    spread = work.server.arrival_spread + min(1.0, service_spread(work))
    decay = float(load ** (2.0 / spread))
    beyond = max(0.0, 1.0 - math.fsum(seen)) * decay ** max(0, full - len(seen))
    share = min(1.0, math.fsum(seen[full:]) + beyond)
    return (1.0 - load) * share / (1.0 - load * share)
