"""One slot and fixed lengths: M/D/1 and taking turns, whose waiting times are known exactly."""

from __future__ import annotations

from capcheck.predict.latency.queueing import md1_wait_quantile
from capcheck.predict.latency.server import Behaviour, Parts, Percentiles
from capcheck.predict.latency.work import Work
from capcheck.records import replace


def takes_turns(work: Work) -> bool:
    """One slot serves requests of one length, so that the waits of a closed loop are `in_turns`."""
    lengths_vary = work.output.cv > 0.0 or work.prompt.cv > 0.0
    return work.slots == 1 and not lengths_vary


def is_exact(work: Work) -> bool:
    """Whether the waits of an open loop are those of `one_at_a_time`."""
    return takes_turns(work) and work.server.arrival_spread == 1.0


def percentile_ms(work: Work, rate_per_ms: float, metric: str, percentile: int) -> float:
    """The `ttft` or `latency` of `one_at_a_time`, where that is exact and stable."""
    service = work.completion_ms[1]
    wait = md1_wait_quantile(rate=rate_per_ms, service=service, share=percentile / 100.0)
    own = service if metric == "latency" else work.prefill_ms
    return wait + (work.server.host_delay_ms + own)


def one_at_a_time(work: Work, rate_per_ms: float, behaviour: Behaviour) -> Behaviour:
    """`behaviour` with exact waits where one slot serves requests of one length, else as it is.

    TR133 SS9.1 is this queue with p95 = S + 3 W; the true p95 of the wait is 7 W at a load of 0.2
    and 3.2 W at 0.9.
    """
    if not is_exact(work):
        return behaviour
    service = work.completion_ms[1]
    load = rate_per_ms * service

    def at(share: float) -> float:
        return md1_wait_quantile(rate=rate_per_ms, service=service, share=share)

    mean = load * service / (2.0 * (1.0 - load))
    wait = Percentiles(mean, at(0.50), at(0.90), at(0.95), at(0.99))
    first = work.server.host_delay_ms + work.prefill_ms
    return replace(
        behaviour,
        busy=load,
        queue_wait_ms=wait,
        ttft_ms=wait.shifted(first),
        latency_ms=wait.shifted(work.server.host_delay_ms + service),
        parts_ms=_parts(work, mean),
    )


def round_ms(work: Work, agents: int, away_ms: float) -> float:
    """The time in which each agent has its turn."""
    service = work.completion_ms[1]
    return max(away_ms + service, agents * service)


def turns_ms(work: Work, agents: int, away_ms: float, metric: str) -> float:
    """The `ttft` or `latency` of every request of `in_turns`, where that is exact."""
    own = work.prefill_ms if metric == "ttft" else work.completion_ms[1]
    waited = round_ms(work, agents, away_ms) - away_ms - work.completion_ms[1]
    return waited + work.server.host_delay_ms + own


def in_turns(work: Work, agents: int, away_ms: float, behaviour: Behaviour) -> Behaviour:
    """`behaviour` of a closed loop, exact where one slot serves requests of one length.

    The agents fall into a round: wall = max(Z + S, N S - think), with `away_ms` = Z + think. On
    Ollama's closed loops within 1.2 % (TR129, 24 rows) and 5 % (TR130, 12 rows) of the measured
    rates.
    """
    if not takes_turns(work):
        return behaviour
    service = work.completion_ms[1]
    cycle = round_ms(work, agents, away_ms)
    wait = cycle - away_ms - service
    waits = Percentiles(wait, wait, wait, wait, wait)
    delay = work.server.host_delay_ms
    rate = agents / cycle
    return replace(
        behaviour,
        throughput_tok_s=rate * 1000.0 * work.output.mean,
        utilisation=min(1.0, rate * service),
        busy=min(1.0, rate * service),
        mean_running=rate * service,
        mean_waiting=rate * wait,
        queue_wait_ms=waits,
        ttft_ms=waits.shifted(delay + work.prefill_ms),
        latency_ms=waits.shifted(delay + service),
        parts_ms=_parts(work, wait),
    )


def _parts(work: Work, wait: float) -> Parts:
    service = work.completion_ms[1]
    return Parts(wait, work.server.host_delay_ms, work.prefill_ms, service - work.prefill_ms)
