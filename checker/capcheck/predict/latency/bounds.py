"""Bounds that cost next to nothing: what a search can rule out before it predicts a load."""

from __future__ import annotations

from capcheck.estimate import Estimate
from capcheck.manifest.deployment import Slo
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.ends import End, alone_at, pool_of, server_at
from capcheck.predict.latency.lengths import Lengths, lengths_of
from capcheck.predict.latency.traffic import Demand
from capcheck.predict.latency.work import prefill_work_ms, saturation_per_ms
from capcheck.predict.speed.engine_copy import Speed
from capcheck.resolution.resolved import Resolved


def saturation_rps(
    resolved: Resolved, speed: Speed | Estimate, memory: Memory | None, *, end: End = "value"
) -> float | None:
    """Requests per second at which one replica saturates, at one end of the interval.

    Without `memory` the KV cache is enough.

    That of `load` divided by the replicas; None where `load` has none either.
    """
    lengths = _lengths(resolved)
    if isinstance(speed, Estimate) or resolved.engine is None or lengths is None:
        return None
    prompt, output = lengths
    pool = None if memory is None else pool_of(memory, prompt.mean + output.mean)
    server = alone_at(end, resolved, resolved.engine, speed, pool)
    copies = resolved.engine.data_parallel_size
    return 1000.0 * copies * saturation_per_ms(server, prompt=prompt, output=output)


def surely_breaks(
    resolved: Resolved, speed: Speed | Estimate, memory: Memory, slo: Slo, *, end: End = "value"
) -> bool:
    """Whether what `load` predicts at one end surely breaks a limit of `slo`, from part of it.

    True is certain; False says nothing.
    """
    traffic, lengths = resolved.deployment.traffic, _lengths(resolved)
    if isinstance(speed, Estimate) or resolved.engine is None or traffic is None or lengths is None:
        return False
    prompt, output = lengths
    pool = pool_of(memory, prompt.mean + output.mean)
    server = server_at(end, resolved, resolved.engine, speed, pool)
    copies = resolved.replicas_min * resolved.engine.data_parallel_size
    return Demand(traffic, copies, prompt, output).surely_breaks(server, slo)


def unloaded_ms(
    resolved: Resolved, speed: Speed | Estimate, *, end: End = "value"
) -> tuple[float, float, float] | None:
    """TTFT, TPOT and end-to-end latency of a lone request of median lengths, in ms.

    No number of replicas brings a percentile from p50 upwards below them. None without lengths.
    """
    lengths = _lengths(resolved)
    if isinstance(speed, Estimate) or resolved.engine is None or lengths is None:
        return None
    prompt, output = lengths
    server = alone_at(end, resolved, resolved.engine, speed, None)
    context = prompt.mean + output.length_biased_mean / 2.0
    first = server.host_delay_ms + prefill_work_ms(server, prompt.at_normal(0.0))
    step = server.step_ms(sequences=1.0, context_tokens=context)
    return first, step, first + step * (output.at_normal(0.0) - 1.0)


def _lengths(resolved: Resolved) -> tuple[Lengths, Lengths] | None:
    traffic = resolved.deployment.traffic
    if traffic is None or traffic.prompt_tokens is None or traffic.output_tokens is None:
        return None
    return lengths_of(traffic.prompt_tokens), lengths_of(traffic.output_tokens)
