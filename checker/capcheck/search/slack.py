"""What may give so that something passes: a limit of load, or the load itself."""

from __future__ import annotations

import math

from capcheck.judge import Checked, Context, Started
from capcheck.manifest.deployment import Deployment, Traffic
from capcheck.numbers import enough
from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.records import dataclass, replace
from capcheck.rules.case import Limit
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
    limit: Limit

    def rough(self, alone: Sketch, replicas: int) -> float:
        """That of a lone request, whatever saturates it, or of the roomiest setting."""
        if gate_of(self.limit.pointer) in TIMES:
            return self._lone(alone)
        return self.bound(alone, alone.most_rps(end="slow"), replicas)

    def bound(self, alone: Sketch, each_rps: float | None, replicas: int) -> float:
        """That of a lone request, or of the rate that saturates all.

        Infinite where the stated rate does: then no time has an end.
        """
        most = (each_rps or math.inf) * replicas * (1 + ROUNDING)
        traffic, busiest = self._stated.traffic, self._busiest
        if self._is_minimum:
            output = None if traffic is None else traffic.output_tokens
            return -most * (math.inf if output is None else output.mean)
        if busiest >= most:
            return math.inf
        if gate_of(self.limit.pointer) not in TIMES:
            return busiest / most
        return self._lone(alone)

    def likely(self, alone: Sketch, each_rps: float | None, replicas: int) -> float:
        """A time grows with the load as if requests shared one server."""
        bound = self.bound(alone, each_rps, replicas)
        if each_rps is None or gate_of(self.limit.pointer) not in TIMES or bound == math.inf:
            return bound
        return bound / (1.0 - self._busiest / (each_rps * replicas * (1 + 2 * ROUNDING)))

    def shown(self, figure: float) -> float:
        """What is said, and found again, is rounded to the side where it is enough."""
        if self._is_minimum:
            return max(figure, -enough(-figure, self.limit.unit, "min"))
        return max(figure, enough(figure, self.limit.unit, "max"))

    def asked(self, figure: float) -> Deployment:
        """With this as the limit."""
        limit = -figure if self._is_minimum else figure
        return limited(self._stated, self.limit.pointer, limit)

    def figure(self, started: Started, below: float) -> tuple[float, Checked] | None:
        """First whether it can be less at all, by the slow end alone."""
        if below < math.inf:
            tight = self.asked(self.shown(below)).slo
            if not started.restated(slo=tight).passes_at("slow"):
                return None
        checked = started.finish()
        far = far_end(checked, self.context, self.limit.pointer)
        if far is None or not passes(checked, self.today, "slow"):
            return None
        figure = -far if self._is_minimum else far
        return (figure, checked) if figure < below else None

    @property
    def _is_minimum(self) -> bool:
        return self.limit.sense == "min"

    @property
    def _stated(self) -> Deployment:
        return self.today.resolved.deployment

    @property
    def _busiest(self) -> float:
        traffic = self._stated.traffic
        return 0.0 if traffic is None else traffic.busiest_rps

    def _lone(self, alone: Sketch) -> float:
        lone = alone.lone_ms(end="slow")
        return 0.0 if lone is None else lone[TIMES.index(gate_of(self.limit.pointer))]


@dataclass(frozen=True, slots=True)
class Load:
    """The rate of requests: the figure is the largest that passes, negative."""

    today: Checked

    def rough(self, alone: Sketch, replicas: int) -> float:
        """What saturates the roomiest setting."""
        return self.bound(alone, alone.most_rps(end="slow"), replicas)

    def bound(self, _: Sketch, each_rps: float | None, replicas: int) -> float:
        """What saturates all."""
        traffic = self.today.resolved.deployment.traffic
        if each_rps is None or traffic is None or not traffic.requests_per_second:
            return -math.inf
        peak = traffic.busiest_rps / traffic.requests_per_second
        return -each_rps * replicas / peak * (1 + ROUNDING)

    def likely(self, alone: Sketch, each_rps: float | None, replicas: int) -> float:
        """Of that the share at which times reach their limits as if requests shared one server."""
        lone = dict(zip(TIMES, alone.lone_ms(end="slow") or (0.0,) * len(TIMES), strict=True))
        slo = self.today.resolved.deployment.slo
        shares = [1.0 - lone[limit.metric] / limit.limit_ms for limit in slo.latency]
        return self.bound(alone, each_rps, replicas) * max(0.0, min(shares, default=1.0))

    def shown(self, figure: float) -> float:
        """Rates are those that are shown."""
        return figure

    def asked(self, figure: float) -> Deployment:
        """At this rate."""
        stated = self.today.resolved.deployment
        traffic = None if stated.traffic is None else at_rate(stated.traffic, -figure)
        return replace(stated, traffic=traffic)

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
