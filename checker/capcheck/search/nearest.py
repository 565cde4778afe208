"""What does not pass: the configurations that miss by the least, and why cheaper ones are out."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from itertools import count

from capcheck.judge import Checked
from capcheck.records import dataclass
from capcheck.search.alternative import Alternative
from capcheck.search.cheapest import Cheapest, Miss
from capcheck.search.edits import disruption, root_of_edits
from capcheck.search.offer import alternative
from capcheck.search.passing import distance

# Load is dear to predict: of those whose bounds are best so many are looked at.
NEAR_MISSES = 3
NEAR_TRIED = 12
WHY_NOT = 6
SINGLE_TRIED = 3
SINGLES_LOOKED_INTO = 6
LOOKED_INTO = 400


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest misses, and all that were looked at for them or for a single limit's sake."""

    shown: tuple[Alternative, ...]
    tried: tuple[Alternative, ...]


def near_misses(today: Checked, cheapest: Cheapest) -> Near:
    """Nearest first: every miss waits with its bound until no other bound is lower."""
    order = count()
    waiting: list[tuple[float, int, Miss | Alternative]] = [
        (miss.at_least, next(order), miss) for miss in cheapest.misses if miss.at_least < math.inf
    ]
    heapq.heapify(waiting)
    shown: list[Alternative] = []
    tried: list[Alternative] = []
    left, seen = LOOKED_INTO, [one for one in cheapest.misses if one.started is not None]
    while waiting and len(shown) < NEAR_MISSES:
        _, _, one = heapq.heappop(waiting)
        if isinstance(one, Alternative):
            shown.append(one)
        elif one.started is None and left:
            left -= 1
            for better in cheapest.looked_into(one):
                if better.at_least < math.inf:
                    heapq.heappush(waiting, (better.at_least, next(order), better))
                if better.started is not None:
                    seen.append(better)
        elif one.started is not None and len(tried) < NEAR_TRIED:
            offered = alternative(cheapest.nearest(one), today)
            tried.append(offered)
            if offered.edits and offered.binding and _misses_by(offered) < math.inf:
                heapq.heappush(waiting, (_misses_by(offered), next(order), offered))
    unseen = [one for _, _, one in waiting if isinstance(one, Miss) and one.over_budget <= 0.0]
    unseen.sort(key=lambda one: one.short_by)
    for one in unseen[:SINGLES_LOOKED_INTO]:
        settings = cheapest.looked_into(one) if one.deployment is None else (one,)
        seen += (better for each in settings for better in cheapest.looked_into(each))
    singles = (alternative(cheapest.nearest(one), today) for one in _of_one_limit(seen))
    return Near(tuple(shown), (*tried, *singles))


def _of_one_limit(misses: Sequence[Miss]) -> Iterator[Miss]:
    """Those that money alone is in the way of, and the nearest of those that money is not."""
    affordable = [one for one in misses if one.over_budget <= 0.0 and one.short_by < math.inf]
    dear = [one for one in misses if one.over_budget > 0.0 and one.short_by <= 0.0]
    yield from sorted(affordable, key=lambda one: one.short_by)[:SINGLE_TRIED]
    yield from sorted(dear, key=lambda one: one.over_budget)[:SINGLE_TRIED]


def why_not(
    today: Checked, cheapest: Cheapest, found: Sequence[Alternative]
) -> tuple[Alternative, ...]:
    """What one would try first and why it does not pass: the lightest changes that cost less.

    Each stands for a family that would cost less than the best alternative, or than today.
    """
    best = found[0].usd_month if found else today.forecast.cost.usd_month.value
    ceiling = math.inf if best is None else best
    root = root_of_edits(today.resolved.deployment)
    seen: set[int] = set()
    dropped: list[tuple[tuple[int, int], float, int, Miss]] = []
    for index, miss in enumerate(cheapest.misses):
        if not cheapest.costs_less(miss.family, ceiling):
            continue
        changed = cheapest.edits_to(miss)
        if changed and id(miss.family) not in seen:
            seen.add(id(miss.family))
            dropped.append((disruption(changed, root), miss.at_least, index, miss))
    offered = (
        alternative(cheapest.nearest(one[3], below_usd_month=ceiling), today)
        for one in sorted(dropped)[:WHY_NOT]
    )
    return tuple(one for one in offered if one.edits and one.binding)


def _misses_by(offered: Alternative) -> float:
    return max((distance(gate) for gate in offered.gates if gate.verdict != "pass"), default=0.0)
