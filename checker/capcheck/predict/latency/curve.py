"""How a deployment behaves as its traffic grows."""

from __future__ import annotations

from capcheck.predict.compose import Unloaded
from capcheck.predict.forecast import Load
from capcheck.predict.latency.load import load
from capcheck.records import dataclass, replace

# Shares of the saturation rate; the tail grows fast towards the end.
SHARES = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
AGENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Behaviour at one rate (requests/s over all replicas) or number of agents."""

    at: float
    load: Load


def curve(unloaded: Unloaded) -> list[CurvePoint]:
    """From no load to 95 % of saturation, or up to four times the stated agents.

    Empty when there is no speed or no lengths of requests.
    """
    resolved = unloaded.resolved
    traffic = resolved.deployment.traffic
    if traffic is None:
        return []
    if traffic.agents is not None:
        most = 4 * traffic.agents
        counts = sorted({traffic.agents, *(count for count in AGENTS if count <= most)})
        return [point for count in counts if (point := _at(unloaded, agents=count)) is not None]
    some = _at(unloaded, rate=1e-6)
    saturation = None if some is None else some.load.saturation_rps.value
    if saturation is None:
        return []
    rates = {share * saturation for share in SHARES}
    if traffic.requests_per_second is not None and traffic.requests_per_second < saturation:
        rates.add(traffic.requests_per_second)
    points = (_at(unloaded, rate=rate) for rate in sorted(rates))
    return [point for point in points if point is not None]


def _at(
    unloaded: Unloaded, *, rate: float | None = None, agents: int | None = None
) -> CurvePoint | None:
    resolved = unloaded.resolved
    traffic = resolved.deployment.traffic
    if traffic is None:
        return None
    changed = replace(
        traffic, requests_per_second=rate, peak_requests_per_second=None, agents=agents
    )
    deployment = replace(resolved.deployment, traffic=changed)
    found = load(replace(resolved, deployment=deployment), unloaded.speed, unloaded.forecast.memory)
    if not found.latency_ms.p95.known:
        return None
    return CurvePoint(float(agents if agents is not None else rate or 0.0), found)
