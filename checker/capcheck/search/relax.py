"""The least that one limit, or the load, has to give for something to pass."""

from __future__ import annotations

import math
from collections.abc import Iterable

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
from capcheck.search.slack import Load, LoadLimit, at_rate
from capcheck.search.space import Family, Space

# Less by as much as no figure that is shown.
LESS = 1.0 - 1e-6

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


def relaxations(
    today: Checked, context: Context, families: Space, *, nothing_passes: bool = False
) -> tuple[Relaxation, ...]:
    """For each limit the least that is enough, and the largest load; what gives least first.

    The limits of the device and of the engine are no promises: they do not give. Those of a policy
    are looked at like the manifest's own. That `nothing_passes` as it is may be known.
    """
    context = beyond_policy(context)
    found = [
        _of(limit, today, context, families, nothing_passes=nothing_passes)
        for limit in limits(today, context)
    ]
    found.append(_of_load(today, context, families))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.share))


def _of(
    limit: Limit, today: Checked, context: Context, families: Space, *, nothing_passes: bool
) -> Relaxation | None:
    """The relaxation of one limit."""
    name, stated = gate_of(limit.pointer), today.resolved.deployment
    loose = _restated(today, loosened(stated, limit.pointer))
    by: Checked | None = None
    near: Iterable[Family] = ()
    if name == "budget":
        known = limit.limit if nothing_passes and _is_paid_as_searched(today, limit) else -math.inf
        by = _least_budget(limit.pointer, loose, context, families, above_usd_month=known)
        far = None if by is None else far_end(by, context, limit.pointer)
    elif name in ("quality", "safety"):
        by = _best_weights(limit, loose, context, families)
        far = None if by is None else far_end(by, context, limit.pointer)
    else:
        reached = least(loose, context, families, LoadLimit(loose, context, limit))
        if reached is None:
            return None
        by, near = reached.by, reached.families
        far = -reached.figure if limit.sense == "min" else reached.figure
    if far is None or by is None:
        return None
    needed = enough(far, limit.unit, limit.sense)
    there = _restated(today, limited(stated, limit.pointer, needed))
    own = judge(there.resolved.deployment, context)
    if passes(own, there, "slow"):
        by = own
    elif name not in ("budget", "quality", "safety"):
        by = next(iter(Cheapest(there, context, near)), by)
        # Where fewer replicas keep it, they may do even better by a hair.
        kept = enough(far_end(by, context, limit.pointer) or far, limit.unit, limit.sense)
        needed = max(needed, kept) if limit.sense == "min" else min(needed, kept)
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
    return Relaxation(gate, needed, _as_stated(by, today, context))


def _of_load(today: Checked, context: Context, families: Space) -> Relaxation | None:
    """The largest rate with which something passes; None in a closed loop."""
    stated = today.resolved.deployment
    traffic = stated.traffic
    if traffic is None or traffic.requests_per_second is None:
        return None
    reached = least(today, context, families, Load(today))
    if reached is None:
        return None
    rate, by = -reached.figure, reached.by
    there = _restated(today, replace(stated, traffic=at_rate(traffic, rate)))
    own = judge(there.resolved.deployment, context)
    cheapest = Cheapest(there, context, reached.families)
    by = own if passes(own, today, "slow") else next(iter(cheapest), by)
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
    return Relaxation(gate, rate, _as_stated(by, today, context))


def _is_paid_as_searched(today: Checked, limit: Limit) -> bool:
    """Whether a budget allows just what costs no more a month by the search's own count.

    It counts the fewest replicas of a range, and the first of the GPUs that a name may mean.
    """
    stated, resolved = today.resolved.deployment.replicas, today.resolved
    is_monthly = limit.pointer == "/budget/monthly_usd"
    return is_monthly and stated.min == stated.max and not resolved.price_variants


def _least_budget(
    pointer: str, loose: Checked, context: Context, families: Space, *, above_usd_month: float
) -> Checked | None:
    """The cheapest that passes without the limit: the first of the search that has none.

    What costs no more than `above_usd_month` is known not to.

    Where the search goes by another cost (that of the fewest replicas of a range, of one GPU that
    may be several, of a month in a closed loop) it goes on below what was found.
    """
    best, today = None, loose
    while (found := _cheapest(today, context, families, above_usd_month)) is not None:
        best, far = found, far_end(found, context, pointer)
        if far is None or _is_in_order(found, pointer):
            break
        today = _restated(loose, limited(loose.resolved.deployment, pointer, far * LESS))
    own = judge(loose.resolved.deployment, context)
    if not passes(own, loose, "slow"):
        return best
    far, least_far = (far_end(one, context, pointer) for one in (own, best or own))
    return best if far is None or least_far is None or least_far < far else own


def _cheapest(
    today: Checked, context: Context, families: Space, above_usd_month: float
) -> Checked | None:
    cheapest = Cheapest(today, context, families, floor_usd_month=above_usd_month)
    return next(iter(cheapest), None)


def _is_in_order(found: Checked, pointer: str) -> bool:
    """Whether what costs less a month keeps a smaller limit."""
    cost, traffic = found.forecast.cost, found.resolved.deployment.traffic
    if cost.usd_month.low != cost.usd_month.high:
        return False
    if pointer == "/budget/monthly_usd":
        return cost.usd_month.value == cost.usd_month_max.value
    return traffic is None or traffic.agents is None


def _best_weights(
    limit: Limit, loose: Checked, context: Context, families: Iterable[Family]
) -> Checked | None:
    """The best of the formats that miss the limit with which something passes.

    Quality and safety are the weights' own: the same on every GPU.
    """
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
    own = judge(loose.resolved.deployment, context)
    for _, group in sorted(missing, key=lambda pair: pair[0]):
        if group[0].weights == _weights(own) and passes(own, loose, "slow"):
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


def _restated(today: Checked, deployment: Deployment) -> Checked:
    """Today's, with what it has to keep stated otherwise."""
    return replace(today, resolved=replace(today.resolved, deployment=deployment))


def _as_stated(by: Checked, today: Checked, context: Context) -> Alternative:
    """A configuration as an alternative to today's, held to all limits and the load of today's."""
    stated = today.resolved.deployment
    deployment = replace(
        by.resolved.deployment,
        traffic=stated.traffic,
        slo=stated.slo,
        quality=stated.quality,
        safety=stated.safety,
        budget=stated.budget,
    )
    return alternative(judge(deployment, context), today)
