"""A deployment's traffic on its engine copies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from capcheck.manifest.deployment import LatencyLimit, Slo, Traffic
from capcheck.predict.latency.batch_server import (
    NO_LIMITS,
    away_ms,
    closed_loop,
    loop_rate_per_ms,
    open_loop,
)
from capcheck.predict.latency.breach import MARGIN, loop_surely_breaks, surely_breaks
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Behaviour, Limits, Server
from capcheck.predict.latency.work import prefill_work_ms, without_idle_bound, work_of
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Total:
    """One copy's behaviour, and the whole deployment's figures.

    `agent_tok_s` and `scaling_efficiency` are None in an open loop.
    """

    copy: Behaviour
    throughput_tok_s: float
    capacity_tok_s: float
    saturation_rps: float
    goodput_rps: float
    agent_tok_s: float | None = None
    scaling_efficiency: float | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What arrives: traffic over `copies` engine copies, and the limits that it is held to."""

    traffic: Traffic
    copies: int
    prompt: Lengths
    output: Lengths
    limits: Limits = NO_LIMITS

    def on(self, server: Server) -> Total:
        """Behaviour of the deployment when each copy is this server."""
        server = without_idle_bound(server, self.prompt, self.output)
        if self.traffic.agents is None:
            return self._open(server)
        return self._closed(server.alone)  # agents come back whatever other copies there are

    def surely_breaks(self, server: Server, slo: Slo) -> bool:
        """Whether `on` such servers surely breaks a limit of `slo`, for a fraction of the work.

        False: it may hold.
        """
        traffic, least = self.traffic, slo.min_throughput_tok_s
        server = without_idle_bound(server, self.prompt, self.output)
        if traffic.agents is not None:
            alone, agents = server.alone, self._spread[0][0]
            if least is not None and self._agents_tok_s(alone) < least / MARGIN:
                return True
            lengths = self.prompt, self.output
            return _loop_surely_breaks(alone, agents, traffic.think_time_s, *lengths, slo)
        if least is not None and self._capacity_tok_s(server) < least / MARGIN:
            return True
        if traffic.requests_per_second is None:
            return False
        rate = self.traffic.busiest_rps / self.copies / 1000.0
        return _surely_breaks(server, rate, self.prompt, self.output, slo)

    def _open(self, server: Server) -> Total:
        copies, output = self.copies, self.output
        copy = open_loop(
            server,
            requests_per_second=self.traffic.busiest_rps / copies,
            prompt=self.prompt,
            output=output,
            limits=self.limits,
        )
        capacity = copy.capacity_tok_s * copies
        rate = self.traffic.requests_per_second or 0.0
        return Total(
            copy=copy,
            throughput_tok_s=min(rate * output.mean, capacity),
            capacity_tok_s=capacity,
            saturation_rps=copy.saturation_rps * copies,
            goodput_rps=self.traffic.busiest_rps * (1.0 - copy.loss_rate) * copy.good,
        )

    def _closed(self, server: Server) -> Total:
        """Latency is that of the fullest copy."""
        agents, copies = self.traffic.agents or 1, self.copies
        fullest = closed_loop(
            server,
            agents=self._spread[0][0],
            think_time_s=self.traffic.think_time_s,
            prompt=self.prompt,
            output=self.output,
            limits=self.limits,
        )
        throughput = self._agents_tok_s(server)
        return Total(
            copy=fullest,
            throughput_tok_s=throughput,
            capacity_tok_s=fullest.capacity_tok_s * copies,
            saturation_rps=fullest.saturation_rps * copies,
            goodput_rps=throughput / self.output.mean * fullest.good,
            agent_tok_s=throughput / agents,
            scaling_efficiency=throughput / agents / self._lone_tok_s(server),
        )

    @property
    def _spread(self) -> list[tuple[int, int]]:
        """Agents of a copy, and how many copies have as many: evenly, the fullest first."""
        fewer, fuller = divmod(self.traffic.agents or 1, self.copies)
        spread = [(fewer + 1, fuller), (fewer, self.copies - fuller)]
        return [(agents, copies) for agents, copies in spread if agents and copies]

    def _capacity_tok_s(self, server: Server) -> float:
        """Tokens per second of all copies when every slot is busy."""
        work = work_of(server, prompt=self.prompt, output=self.output)
        return 1000.0 * work.saturation_per_ms * self.output.mean * self.copies

    def _agents_tok_s(self, server: Server) -> float:
        """Tokens per second of all agents."""
        work = work_of(server, prompt=self.prompt, output=self.output)
        away = away_ms(server, self.traffic.think_time_s)
        rate = sum(
            copies * loop_rate_per_ms(work, agents=agents, away_ms=away)
            for agents, copies in self._spread
        )
        return 1000.0 * rate * self.output.mean

    def _lone_tok_s(self, server: Server) -> float:
        """Tokens per second of an agent that has a copy to itself."""
        context = self.prompt.mean + self.output.length_biased_mean / 2.0
        step = server.step_ms(sequences=1.0, context_tokens=context)
        busy = prefill_work_ms(server, self.prompt.mean) + (self.output.mean - 1.0) * step
        cycle = server.host_delay_ms + busy + 1000.0 * self.traffic.think_time_s
        return 1000.0 * self.output.mean / cycle


# What surely passes and what likely does are searched one after the other.
@lru_cache(maxsize=1024)
def _surely_breaks(
    server: Server, rate_per_ms: float, prompt: Lengths, output: Lengths, slo: Slo
) -> bool:
    work, most = work_of(server, prompt=prompt, output=output), slo.max_utilisation
    if most is not None and rate_per_ms / work.saturation_per_ms > most:
        return True
    return surely_breaks(work, rate_per_ms, slo.latency)


# A search tries the same replicas with other settings that leave the server as it is.
@lru_cache(maxsize=1024)
def _loop_surely_breaks(
    server: Server, agents: int, think_time_s: float, prompt: Lengths, output: Lengths, slo: Slo
) -> bool:
    work, most = work_of(server, prompt=prompt, output=output), slo.max_utilisation
    away = away_ms(server, think_time_s)
    if most is not None and most < 1.0:
        rate = loop_rate_per_ms(work, agents=agents, away_ms=away)
        if rate / work.saturation_per_ms > most * MARGIN:
            return True
    return loop_surely_breaks(work, agents=agents, away_ms=away, limits=slo.latency)


def limits_of(stated: Sequence[LatencyLimit]) -> Limits:
    """The tightest stated limit of each latency, whatever its percentile."""
    tightest: Mapping[str, float] = {
        metric: min((one.limit_ms for one in stated if one.metric == metric), default=math.inf)
        for metric in ("ttft", "tpot", "latency")
    }
    return Limits(tightest["ttft"], tightest["tpot"], tightest["latency"])
