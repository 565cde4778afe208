"""What may give so that something passes: a limit of load, or the load itself."""

from __future__ import annotations

import math

from capcheck.judge import Checked, Context, Started
from capcheck.manifest.deployment import Deployment, Traffic
from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.records import dataclass, replace
from capcheck.search.limits import far_end, gate_of, limited
from capcheck.search.passing import passes
from capcheck.search.sketch import Sketch
from capcheck.search.space import TIMES

# Bounds and figures are sums of the same terms in another order.
ROUNDING = 1e-9

# Rates have three digits: so many steps a decade, from this one (requests/s) on.
STEPS = 900
LEAST_DECADE = -4


@dataclass(frozen=True, slots=True)
class LoadLimit:
    """A limit on latency, utilisation or throughput; `today` states it as loose as can be.

    The figure is its unfavourable end, negative for a minimum.
    """

    today: Checked
    context: Context
    pointer: str
    is_minimum: bool

    def rough(self, alone: Sketch, replicas: int) -> float:
        """That of a lone request, whatever saturates it, or of the roomiest setting."""
        if gate_of(self.pointer) in TIMES:
            return self._lone(alone)
        return self._from(alone, alone.most_rps(end="slow"), replicas)

    def bound(self, alone: Sketch, replicas: int) -> float:
        """That of a lone request, or of the rate that saturates it."""
        return self._from(alone, alone.saturation_rps(end="slow"), replicas)

    def figure(self, started: Started, below: float) -> tuple[float, Checked] | None:
        """First whether it can be less at all, by the slow end alone."""
        stated = started.resolved.deployment
        if below < math.inf:
            tight = limited(stated, self.pointer, -below if self.is_minimum else below).slo
            if not started.restated(slo=tight).passes_at("slow"):
                return None
        checked = started.finish()
        far = far_end(checked, self.context, self.pointer)
        if far is None or not passes(checked, self.today, "slow"):
            return None
        figure = -far if self.is_minimum else far
        return (figure, checked) if figure < below else None

    @property
    def _stated(self) -> Deployment:
        return self.today.resolved.deployment

    def _from(self, alone: Sketch, each_rps: float | None, replicas: int) -> float:
        """Infinite where the stated rate saturates: then no time has an end."""
        stated, gate = self._stated, gate_of(self.pointer)
        traffic, most = stated.traffic, (each_rps or math.inf) * replicas * (1 + ROUNDING)
        busiest = 0.0 if traffic is None else traffic.busiest_rps
        if self.is_minimum:
            output = None if traffic is None else traffic.output_tokens
            return -most * (math.inf if output is None else output.mean)
        if busiest >= most:
            return math.inf
        if gate not in TIMES:
            return busiest / most
        return self._lone(alone)

    def _lone(self, alone: Sketch) -> float:
        lone = alone.lone_ms(end="slow")
        return 0.0 if lone is None else lone[TIMES.index(gate_of(self.pointer))]


@dataclass(frozen=True, slots=True)
class Load:
    """The rate of requests: the figure is the largest that passes, negative."""

    today: Checked

    def rough(self, alone: Sketch, replicas: int) -> float:
        """What saturates the roomiest setting."""
        return self._from(alone.most_rps(end="slow"), replicas)

    def bound(self, alone: Sketch, replicas: int) -> float:
        """What saturates it."""
        return self._from(alone.saturation_rps(end="slow"), replicas)

    def figure(self, started: Started, below: float) -> tuple[float, Checked] | None:
        """The largest rate of three digits, by bisection: more requests break no fewer limits.

        Only a price per token asks for a rate that is not too low.
        """
        traffic = started.resolved.deployment.traffic
        if traffic is None or traffic.requests_per_second is None:
            return None
        failing = _step(traffic.requests_per_second)
        if _rate(failing) < traffic.requests_per_second * (1 - ROUNDING):
            failing += 1
        low = max(0 if below == math.inf else _step(-below) + 1, self._paying(started))
        if low >= failing:
            return None
        best = self._at(started, low)
        while best is not None and failing - low > 1:
            middle = (low + failing) // 2
            found = self._at(started, middle)
            if found is None:
                failing = middle
            else:
                low, best = middle, found
        return None if best is None else (-_rate(low), best)

    def _at(self, started: Started, step: int) -> Checked | None:
        traffic = started.resolved.deployment.traffic
        if traffic is None:
            return None
        slower = started.restated(traffic=at_rate(traffic, _rate(step)))
        if not slower.passes_at("slow"):
            return None
        checked = slower.finish()
        return checked if passes(checked, self.today, "slow") else None

    def _paying(self, started: Started) -> int:
        """The first step at which a limited price per token can be kept."""
        stated, usd = started.resolved.deployment, started.forecast.cost.usd_month.high
        limit, traffic = stated.budget.usd_per_million_tokens, stated.traffic
        if limit is None or usd is None or traffic is None or traffic.output_tokens is None:
            return 0
        tok_s = usd / (3600.0 * HOURS_PER_MONTH) / (limit / 1e6)
        return _step(tok_s / traffic.output_tokens.mean) + 1

    def _from(self, each_rps: float | None, replicas: int) -> float:
        traffic = self.today.resolved.deployment.traffic
        if each_rps is None or traffic is None or not traffic.requests_per_second:
            return -math.inf
        peak = traffic.busiest_rps / traffic.requests_per_second
        return -each_rps * replicas / peak * (1 + ROUNDING)


def at_rate(traffic: Traffic, rate: float) -> Traffic:
    """The traffic at another mean rate; a peak stays as many times as high."""
    peak, mean = traffic.peak_requests_per_second, traffic.requests_per_second
    if peak is not None and mean:
        peak *= rate / mean
    return replace(traffic, requests_per_second=rate, peak_requests_per_second=peak)


def _rate(step: int) -> float:
    """Requests per second at a step: 0.000100, 0.000101, ... 0.000999, 0.00100, ..."""
    decade, digits = divmod(step, STEPS)
    return float(f"{100 + digits}e{LEAST_DECADE + decade - 2}")


def _step(rate: float) -> int:
    """The last step that is not above a rate; the first at least."""
    if rate < _rate(0):
        return 0
    decade = math.floor(math.log10(rate) + ROUNDING)
    digits = math.floor(rate / 10.0 ** (decade - 2) + 1e-6)
    return (decade - LEAST_DECADE) * STEPS + digits - 100
