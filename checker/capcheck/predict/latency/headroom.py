"""The largest rate that keeps every stated limit."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache

from capcheck.estimate import Estimate, unknown, weakest
from capcheck.manifest.deployment import Slo
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.batch_server import percentile_under_rate
from capcheck.predict.latency.ends import End, pool_of, server_at
from capcheck.predict.latency.lengths import lengths_of
from capcheck.predict.latency.work import Work, without_idle_bound, work_of
from capcheck.predict.speed.engine_copy import Speed
from capcheck.resolution.resolved import Resolved

# Rates between none and saturation; between the two where a limit is first broken it is
# interpolated.
PLACES = 32

# How fast the excess typically grows on the scale of `_strain`, where only one point is known.
STEEPNESS = 1.5


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
        server = server_at(end, resolved, engine, speed, pool)
        server = without_idle_bound(server, prompt, output)
        work = work_of(server, prompt=prompt, output=output)
        rate = traffic.busiest_rps / copies / 1000.0
        stated, known = rate / work.saturation_per_ms, {}
        if 0.0 < stated < 1.0:
            known[stated] = _excess(work, rate, slo)
        return 1000.0 * copies * largest_rate_per_ms(work, slo, known)

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
        "largest rate that keeps every stated limit",
    )


def largest_rate_per_ms(work: Work, slo: Slo, known: Mapping[float, float] | None = None) -> float:
    """One copy's largest rate at which no limit is broken: its excess rises with the rate.

    `known` are excesses at shares of the saturation rate: hints of where to look, no more.
    """
    excesses = dict(known or {})
    low, high = -1, PLACES  # a limit is first broken above the one, at the other or before
    while high - low > 1:
        place = max(low + 1, min(high - 1, _crossing(excesses)))
        share = place / PLACES
        excess = _excess(work, share * work.saturation_per_ms, slo)
        excesses[share] = excess
        if excess > 0.0:
            high = place
        else:
            low = place
    if low < 0:
        return 0.0
    part = 0.0
    if high < PLACES:
        below, above = excesses[low / PLACES], excesses[high / PLACES]
        part = below / (below - above)
    return (low + part) / PLACES * work.saturation_per_ms


def _crossing(excesses: Mapping[float, float]) -> int:
    """The place where the excess seems to pass zero: on the line through the nearest two known."""
    if not excesses:
        return PLACES // 3
    kept = sorted(share for share, excess in excesses.items() if excess <= 0.0)
    broken = sorted(share for share, excess in excesses.items() if excess > 0.0)
    around = [*kept[-1:], *broken[:1]] if kept and broken else kept[-2:] or broken[:2]
    first, last = around[0], around[-1]
    slope = STEEPNESS
    if first != last:
        rise = (excesses[last] - excesses[first]) / (_strain(last) - _strain(first))
        slope = max(rise, STEEPNESS / 5.0)
    return bisect_left(_strains(), _strain(first) - excesses[first] / slope)


def _strain(share: float) -> float:
    """A scale on which excess grows about evenly: its tail takes off towards saturation."""
    return 0.7 * share - 0.3 * math.log(1.02 - share)


@lru_cache(maxsize=1)
def _strains() -> tuple[float, ...]:
    """At half a place below each, so that the nearest place is found."""
    return tuple(_strain((place + 0.5) / PLACES) for place in range(PLACES))


def _excess(work: Work, rate_per_ms: float, slo: Slo) -> float:
    """log(figure / limit) of the limit that is broken most, or is nearest to it."""
    found = [-math.inf]
    if slo.max_utilisation is not None:
        utilisation = min(1.0, rate_per_ms / work.saturation_per_ms)
        found.append(math.log(max(utilisation, 1e-12) / slo.max_utilisation))
    for limit in slo.latency:
        figure = percentile_under_rate(work, rate_per_ms, limit.metric, limit.percentile)
        found.append(math.log(max(figure, 1e-9) / limit.limit_ms))
    return max(found)
