"""The least that one limit, or the load, has to give for something to pass."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from capcheck.finding import Gate
from capcheck.judge import Checked, Context, judge, start
from capcheck.manifest.deployment import Deployment, Traffic
from capcheck.numbers import amount, enough
from capcheck.records import dataclass, replace
from capcheck.rules.case import Limit
from capcheck.search.alternative import Alternative
from capcheck.search.cheapest import Cheapest
from capcheck.search.least import least
from capcheck.search.limits import beyond_policy, far_end, gate_of, limited, limits, loosened
from capcheck.search.offer import alternative
from capcheck.search.passing import passes
from capcheck.search.prospects import Prospects
from capcheck.search.replication import Replication
from capcheck.search.slack import Load, LoadLimit, at_rate
from capcheck.search.space import Family, Space

# Less by as much as no figure that is shown.
LESS = 1.0 - 1e-6

MONTHLY = "/budget/monthly_usd"
RATE = "/traffic/requests_per_second"


@dataclass(frozen=True, slots=True)
class Relaxation:
    """With this limit at `needed` and all others as they are, `by` would surely pass.

    The gate `load` is the stated rate. `needed` has the digits that are shown, rounded to the side
    where they are enough.
    """

    gate: Gate
    needed: float
    by: Alternative

    @property
    def text(self) -> str:
        """`with p95 latency ≤ 3.40 s`, `with at most 3.20 requests/s`."""
        shown = amount(self.needed, self.gate.unit)
        if self.gate.name == "load":
            peak = self.by.resolved.deployment.traffic
            return f"with at most {shown}{_peak(peak, self.needed)}"
        sign = "≤" if self.gate.sense == "max" else "≥"
        return f"with {self.gate.label} {sign} {shown}"

    @property
    def share(self) -> float:
        """How much of the limit, or of the load, has to be given."""
        if not self.gate.limit:
            return float("inf")
        return abs(self.needed / self.gate.limit - 1.0)


def relaxations(today: Checked, context: Context, families: Space) -> tuple[Relaxation, ...]:
    """For each limit the least that is enough, and the largest load; what gives least first.

    The limits of the device and of the engine are no promises: they do not give. Those of a policy
    are looked at like the manifest's own.
    """
    asked = _Question(today, beyond_policy(context), families)
    found = [_of(limit, asked) for limit in limits(today, asked.context)]
    found.append(_of_load(asked))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.share))


@dataclass(frozen=True)
class _Question:
    """What is relaxed, and where a configuration is looked for that then passes."""

    today: Checked
    context: Context
    families: Space

    @property
    def stated(self) -> Deployment:
        """Today's."""
        return self.today.resolved.deployment

    @cached_property
    def able(self) -> list[Family]:
        """Those that do not lack memory, quality or speed whatever they cost and whatever comes."""
        prospects = Prospects(self.today, self.context, Replication(self.today.resolved))
        return [family for family in self.families if not prospects.short_by(family)]

    def restated(self, deployment: Deployment) -> Checked:
        """Today's, with what it has to keep stated otherwise."""
        return replace(self.today, resolved=replace(self.today.resolved, deployment=deployment))

    def cheapest(self, there: Checked, among: Iterable[Family], by: Checked) -> Checked:
        """The cheapest `among` those that may keep what is asked for `there`; `by` does."""
        return next(iter(Cheapest(there, self.context, among)), by)

    def passing(self, deployment: Deployment, today: Checked) -> Checked | None:
        """What is stated judged, where it surely passes as an alternative to `today`."""
        started = start(deployment, self.context)
        checked = started.finish() if started.passes_at("slow") else None
        return checked if checked is not None and passes(checked, today, "slow") else None


def _of(limit: Limit, asked: _Question) -> Relaxation | None:
    """The relaxation of one limit."""
    name, stated = gate_of(limit.pointer), asked.stated
    loose = asked.restated(loosened(stated, limit.pointer))
    by: Checked | None = None
    near: Iterable[Family] = ()
    if name == "budget":
        by = _least_budget(limit, loose, asked)
        far = None if by is None else far_end(by, asked.context, limit.pointer)
    elif name in ("quality", "safety"):
        by = _best_weights(limit, loose, asked)
        far = None if by is None else far_end(by, asked.context, limit.pointer)
    else:
        axis = LoadLimit(loose, asked.context, limit)
        reached = least(loose, asked.context, asked.families, axis)
        if reached is None:
            return None
        by, near = reached.by, reached.families
        far = -reached.figure if limit.sense == "min" else reached.figure
    if far is None or by is None:
        return None
    needed = enough(far, limit.unit, limit.sense)
    there = asked.restated(limited(stated, limit.pointer, needed))
    if near:
        by = asked.cheapest(there, near, by)
        # Where fewer replicas keep it, they may do even better by a hair.
        kept = enough(far_end(by, asked.context, limit.pointer) or far, limit.unit, limit.sense)
        needed = max(needed, kept) if limit.sense == "min" else min(needed, kept)
        there = asked.restated(limited(stated, limit.pointer, needed))
    by = asked.passing(there.resolved.deployment, there) or by
    gate = Gate(
        name=name,
        verdict="fail",
        estimate=limit.estimate,
        limit=limit.limit,
        sense=limit.sense,
        unit=limit.unit,
        place=stated.at(limit.pointer),
        label=limit.label,
    )
    return Relaxation(gate, needed, _as_stated(by, asked))


def _of_load(asked: _Question) -> Relaxation | None:
    """The largest rate with which something passes; None in a closed loop."""
    today, stated = asked.today, asked.stated
    traffic = stated.traffic
    if traffic is None or traffic.requests_per_second is None:
        return None
    reached = least(today, asked.context, asked.able, Load(today))
    if reached is None:
        return None
    rate = -reached.figure
    there = asked.restated(replace(stated, traffic=at_rate(traffic, rate)))
    by = asked.passing(there.resolved.deployment, today)
    by = by or asked.cheapest(there, reached.families, reached.by)
    gate = Gate(
        name="load",
        verdict="fail",
        estimate=None,
        limit=traffic.requests_per_second,
        sense="max",
        unit="requests/s",
        place=stated.at(RATE),
        label="load",
    )
    return Relaxation(gate, rate, _as_stated(by, asked))


def _least_budget(limit: Limit, loose: Checked, asked: _Question) -> Checked | None:
    """The cheapest that passes without the limit: the first of the search that has none.

    Where the search goes by another cost (that of the fewest replicas of a range, of one GPU that
    may be several, of a month in a closed loop) it goes on below what was found.
    """
    pointer, context = limit.pointer, asked.context
    best, today = None, loose
    while (found := next(iter(Cheapest(today, context, asked.able)), None)) is not None:
        best, far = found, far_end(found, context, pointer)
        if far is None or _is_in_order(found, pointer):
            break
        today = asked.restated(limited(loose.resolved.deployment, pointer, far * LESS))
    own = asked.passing(loose.resolved.deployment, loose)
    if own is None:
        return best
    far, least_far = (far_end(one, context, pointer) for one in (own, best or own))
    return best if far is None or least_far is None or least_far < far else own


def _is_in_order(found: Checked, pointer: str) -> bool:
    """Whether what costs less a month keeps a smaller limit."""
    cost, traffic = found.forecast.cost, found.resolved.deployment.traffic
    if cost.usd_month.low != cost.usd_month.high:
        return False
    if pointer == MONTHLY:
        return cost.usd_month.value == cost.usd_month_max.value
    return traffic is None or traffic.agents is None


def _best_weights(limit: Limit, loose: Checked, asked: _Question) -> Checked | None:
    """The best of the formats that miss the limit with which something passes.

    Quality and safety are the weights' own: the same on every GPU.
    """
    context, families = asked.context, asked.families
    groups: dict[tuple[str, str, str], list[Family]] = {}
    for family in families:
        groups.setdefault(family.weights, []).append(family)
    missing: list[tuple[float, list[Family]]] = []
    for group in groups.values():
        first = start(group[0].of(loose.resolved.deployment), context)
        far = far_end(first, context, limit.pointer)
        if far is not None:
            short = far - limit.limit if limit.sense == "max" else limit.limit - far
            missing.append((short, group))
    own = asked.passing(loose.resolved.deployment, loose)
    for _, group in sorted(missing, key=lambda pair: pair[0]):
        if own is not None and group[0].weights == _weights(own):
            return own
        found = next(iter(Cheapest(loose, context, group)), None)
        if found is not None:
            return found
    return None


def _weights(checked: Checked) -> tuple[str, ...]:
    resolved = checked.resolved
    return tuple(one.name for one in (resolved.model, resolved.quant, resolved.backend) if one)


def _peak(stated: Traffic | None, rate: float) -> str:
    """The peak that goes with another mean rate, where one is stated."""
    if stated is None or stated.peak_requests_per_second is None:
        return ""
    peak = at_rate(stated, rate).peak_requests_per_second or 0.0
    return f" ({amount(peak, 'requests/s')} at the peak)"


def _as_stated(by: Checked, asked: _Question) -> Alternative:
    """A configuration as an alternative to today's, held to all limits and the load of today's."""
    stated = asked.stated
    deployment = replace(
        by.resolved.deployment,
        traffic=stated.traffic,
        slo=stated.slo,
        quality=stated.quality,
        safety=stated.safety,
        budget=stated.budget,
    )
    return alternative(judge(deployment, asked.context), asked.today)
