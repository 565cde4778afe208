"""A deployment's traffic on its engine copies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from capcheck.manifest.deployment import LatencyLimit, Slo, Traffic
from capcheck.predict.latency.batch_server import NO_LIMITS, closed_loop, open_loop
from capcheck.predict.latency.breach import surely_breaks
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Behaviour, Limits, Server
from capcheck.predict.latency.work import prefill_work_ms, work_of
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

    @property
    def busiest_rps(self) -> float:
        """The rate that latencies are judged at: the peak where one is stated."""
        traffic = self.traffic
        return max(traffic.requests_per_second or 0.0, traffic.peak_requests_per_second or 0.0)

    def on(self, server: Server) -> Total:
        """Behaviour of the deployment when each copy is this server."""
        return self._closed(server) if self.traffic.agents is not None else self._open(server)

    def surely_breaks(self, server: Server, slo: Slo) -> bool:
        """Whether `on` such servers surely breaks a limit of `slo`, for a fraction of the work.

        Of an open loop; nothing is said of a closed one. False: it may hold.
        """
        if self.traffic.agents is not None or self.traffic.requests_per_second is None:
            return False
        rate = self.busiest_rps / self.copies / 1000.0
        return _surely_breaks(server, rate, self.prompt, self.output, slo)

    def _open(self, server: Server) -> Total:
        copies, output = self.copies, self.output
        copy = open_loop(
            server,
            requests_per_second=self.busiest_rps / copies,
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
            goodput_rps=self.busiest_rps * (1.0 - copy.loss_rate) * copy.good,
        )

    def _closed(self, server: Server) -> Total:
        """Agents spread evenly; where they do not divide, latency is that of the fullest copy."""
        agents, copies = self.traffic.agents or 1, self.copies
        fewer, fuller_copies = divmod(agents, copies)
        fullest = self._loop(server, fewer + 1 if fuller_copies else fewer)
        throughput = fullest.throughput_tok_s * (fuller_copies or copies)
        if fuller_copies and fewer:
            throughput += self._loop(server, fewer).throughput_tok_s * (copies - fuller_copies)
        return Total(
            copy=fullest,
            throughput_tok_s=throughput,
            capacity_tok_s=fullest.capacity_tok_s * copies,
            saturation_rps=fullest.saturation_rps * copies,
            goodput_rps=throughput / self.output.mean * fullest.good,
            agent_tok_s=throughput / agents,
            scaling_efficiency=throughput / agents / self._lone_tok_s(server),
        )

    def _loop(self, server: Server, agents: int) -> Behaviour:
        return closed_loop(
            server,
            agents=agents,
            think_time_s=self.traffic.think_time_s,
            prompt=self.prompt,
            output=self.output,
            limits=self.limits,
        )

    def _lone_tok_s(self, server: Server) -> float:
        """Tokens per second of an agent that has a copy to itself."""
        context = self.prompt.mean + self.output.length_biased_mean / 2.0
        step = server.step_ms(sequences=1.0, context_tokens=context)
        busy = prefill_work_ms(server, self.prompt.mean) + (self.output.mean - 1.0) * step
        cycle = server.host_delay_ms + busy + 1000.0 * self.traffic.think_time_s
        return 1000.0 * self.output.mean / cycle


# What surely passes and what likely does are searched one after the other.
@lru_cache(maxsize=256)
def _surely_breaks(
    server: Server, rate_per_ms: float, prompt: Lengths, output: Lengths, slo: Slo
) -> bool:
    work, most = work_of(server, prompt=prompt, output=output), slo.max_utilisation
    if most is not None and rate_per_ms / work.saturation_per_ms > most:
        return True
    return surely_breaks(work, rate_per_ms, slo.latency)


def limits_of(stated: Sequence[LatencyLimit]) -> Limits:
    """The tightest stated limit of each latency, whatever its percentile."""
    tightest: Mapping[str, float] = {
        metric: min((one.limit_ms for one in stated if one.metric == metric), default=math.inf)
        for metric in ("ttft", "tpot", "latency")
    }
    return Limits(tightest["ttft"], tightest["tpot"], tightest["latency"])
