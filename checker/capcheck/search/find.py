"""The cheapest configurations that surely pass, as edits of today's manifest."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import islice

from capcheck.judge import Checked, Context
from capcheck.search.alternative import Alternative
from capcheck.search.cheapest import Cheapest, Miss
from capcheck.search.edits import edits
from capcheck.search.needs import needs
from capcheck.search.passing import binding_gate, distance, miss_text, reservation
from capcheck.search.space import families

# TR133 SS10.3: one recommendation and the next four.
SHOWN = 5
NEAR_MISSES = 3
NEAR_TRIED = 12


@dataclass(frozen=True, slots=True)
class Search:
    """What the search found. `nothing_passes` says why `alternatives` is empty."""

    alternatives: tuple[Alternative, ...] = ()
    near_misses: tuple[Alternative, ...] = ()
    nothing_passes: str | None = None


def find(today: Checked, context: Context, *, shown: int | None = SHOWN) -> Search:
    """Alternatives that surely pass and, where today's passes, are cheaper.

    Ranked by cost, then quality (TR133 SS10.3), then how little they change. `shown` None gives
    all of them.
    """
    current = today.forecast.cost.usd_month.value
    if today.gates["support"].verdict == "cannot-predict":
        return Search()
    if today.verdict == "pass" and current is None:
        return Search()
    ceiling = math.inf
    if today.verdict == "pass" and current is not None:
        ceiling = current * (1 - 1e-6)
    cheapest = Cheapest(
        today, context, families(today.resolved, context.registry), ceiling_usd_month=ceiling
    )
    ranked = tuple(_alternative(one, today) for one in islice(cheapest, shown))
    if ranked or today.verdict == "pass":
        return Search(alternatives=ranked)
    nearest = _nearest(today, cheapest)
    return Search(near_misses=nearest, nothing_passes=_why_nothing(nearest, today))


def _nearest(today: Checked, cheapest: Cheapest) -> tuple[Alternative, ...]:
    """The few that miss by the least: bounds first, since load is dear to predict."""
    waiting: list[tuple[float, int, Miss | Alternative]] = [
        (miss.at_least, index, miss)
        for index, miss in enumerate(cheapest.misses)
        if miss.at_least < math.inf
    ]
    heapq.heapify(waiting)
    found: list[Alternative] = []
    tried = 0
    while waiting and len(found) < NEAR_MISSES:
        _, index, one = heapq.heappop(waiting)
        if isinstance(one, Alternative):
            found.append(one)
        elif tried < NEAR_TRIED:
            tried += 1
            offered = _alternative(cheapest.nearest(one), today)
            if offered.edits and _distance(offered) < math.inf:
                heapq.heappush(waiting, (_distance(offered), index, offered))
    return tuple(found)


def _alternative(checked: Checked, today: Checked) -> Alternative:
    usd, usd_today = (one.forecast.cost.usd_month.value for one in (checked, today))
    broken = binding_gate(checked)
    return Alternative(
        edits=edits(today.resolved.deployment, checked.resolved.deployment),
        verdict=checked.verdict,
        resolved=checked.resolved,
        forecast=checked.forecast,
        gates=tuple(checked.gates.values()),
        usd_month=usd,
        saving_usd_month=None if usd is None or usd_today is None else usd_today - usd,
        needs=needs(today.resolved, checked.resolved),
        binding=reservation(checked, today) if broken is None else miss_text(broken),
    )


def _distance(offered: Alternative) -> float:
    return max((distance(gate) for gate in offered.gates if gate.verdict != "pass"), default=0.0)


def _why_nothing(nearest: tuple[Alternative, ...], today: Checked) -> str:
    """The binding gate and its distance, of the configuration that misses by the least."""
    if nearest:
        return f"nothing surely passes; nearest: {nearest[0].binding}"
    broken = binding_gate(today)
    if broken is None:
        return "nothing that the search may change surely passes"
    return f"nothing surely passes; today: {miss_text(broken)}"
