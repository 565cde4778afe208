"""The largest rate that keeps every stated limit."""

from __future__ import annotations

import math

from capcheck.estimate import Estimate, unknown, weakest
from capcheck.manifest.deployment import Slo
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.batch_server import under_rate
from capcheck.predict.latency.ends import End, pool_of, server_at
from capcheck.predict.latency.lengths import lengths_of
from capcheck.predict.latency.server import Behaviour
from capcheck.predict.latency.work import Work, work_of
from capcheck.predict.speed.engine_copy import Speed
from capcheck.resolution.resolved import Resolved

# Halvings of the range from no load to saturation; the last bracket is interpolated.
HALVINGS = 5


def headroom_rps(resolved: Resolved, speed: Speed | Estimate, memory: Memory) -> Estimate:
    """Requests per second, over all replicas, up to which every latency limit and the cap on
    utilisation hold; 0 when a lone request already breaks one.

    Each end of the interval is the headroom with the times at that end.
    """
    deployment = resolved.deployment
    traffic, slo = deployment.traffic, deployment.slo
    if isinstance(speed, Estimate) or resolved.engine is None:
        return unknown("needs a speed")
    if traffic is None or traffic.prompt_tokens is None or traffic.output_tokens is None:
        return unknown("needs traffic: prompt_tokens and output_tokens, or a profile")
    if traffic.agents is not None:
        return unknown("a closed loop has no rate of its own")
    if not slo.latency and slo.max_utilisation is None:
        return unknown("needs a limit on latency or utilisation")
    prompt, output = lengths_of(traffic.prompt_tokens), lengths_of(traffic.output_tokens)
    engine, pool = resolved.engine, pool_of(memory, prompt.mean + output.mean)
    copies = resolved.replicas_min * engine.data_parallel_size

    def at(end: End) -> float:
        work = work_of(server_at(end, resolved, engine, speed, pool), prompt=prompt, output=output)
        return 1000.0 * copies * largest_rate_per_ms(work, slo)

    value, fast, slow = at("value"), at("fast"), at("slow")
    return Estimate(
        value,
        min(value, fast, slow),
        max(value, fast, slow),
        weakest(
            speed.step_provenance,
            speed.prefill_provenance,
            "assumed" if pool is None else pool.provenance,
        ),
        "largest rate that keeps every stated limit, by bisection",
    )


def largest_rate_per_ms(work: Work, slo: Slo) -> float:
    """One copy's largest rate at which no limit is broken: its excess rises with the rate."""
    low, high = 0.0, 1.0
    below = _excess(under_rate(work, 0.0), slo)
    if below > 0.0:
        return 0.0
    above = math.inf
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        excess = _excess(under_rate(work, middle * work.saturation_per_ms), slo)
        if excess > 0.0:
            high, above = middle, excess
        else:
            low, below = middle, excess
    share = below / (below - above) if above < math.inf else 0.0
    return (low + share * (high - low)) * work.saturation_per_ms


def _excess(behaviour: Behaviour, slo: Slo) -> float:
    """log(figure / limit) of the limit that is broken most, or is nearest to it."""
    found = [-math.inf]
    if slo.max_utilisation is not None:
        found.append(math.log(max(behaviour.utilisation, 1e-12) / slo.max_utilisation))
    by_metric = {
        "ttft": behaviour.ttft_ms,
        "tpot": behaviour.tpot_ms,
        "latency": behaviour.latency_ms,
    }
    for limit in slo.latency:
        latency = by_metric[limit.metric]
        if latency is None:
            return math.inf
        figure = {50: latency.p50, 90: latency.p90, 95: latency.p95, 99: latency.p99}
        found.append(math.log(max(figure[limit.percentile], 1e-9) / limit.limit_ms))
    return max(found)
