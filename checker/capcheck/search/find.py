"""The cheapest configurations that surely pass, as edits of today's manifest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import islice

from capcheck.judge import Checked, Context, Started
from capcheck.predict.forecast import Forecast
from capcheck.records import dataclass, replace
from capcheck.search.alternative import Alternative
from capcheck.search.cheapest import Cheapest
from capcheck.search.nearest import near_misses, why_not
from capcheck.search.offer import alternative
from capcheck.search.pareto import NO_FRONT, Front, front, is_surely_beaten, unbeaten
from capcheck.search.passing import binding_gate, miss_text
from capcheck.search.ranking import ranked
from capcheck.search.relax import Relaxation, relaxations
from capcheck.search.space import Space, space
from capcheck.search.wanted import BEST, Wanted


@dataclass(frozen=True, slots=True)
class Search:
    """What the search found. `nothing_passes` says why `alternatives` is empty.

    `likely` is the cheapest that passes at the point estimate, `front` spans all that surely pass,
    and `why_not` are families that would be cheaper and do not pass: looked for when thorough only.
    """

    alternatives: tuple[Alternative, ...] = ()
    near_misses: tuple[Alternative, ...] = ()
    nothing_passes: str | None = None
    relaxations: tuple[Relaxation, ...] = ()
    likely: Alternative | None = None
    front: Front = NO_FRONT
    why_not: tuple[Alternative, ...] = ()


def find(today: Checked, context: Context, wanted: Wanted = BEST) -> Search:
    """Alternatives that surely pass and, where today's passes, are cheaper.

    Ranked by cost, then quality (TR133 SS10.3), then how little they change, unless `wanted` says
    otherwise.
    """
    current = today.forecast.cost.usd_month.value
    if today.gates["support"].verdict == "cannot-predict":
        return Search()
    if today.verdict == "pass" and current is None:
        return Search()
    ceiling = math.inf
    if today.verdict == "pass" and current is not None:
        ceiling = current * (1 - 1e-6)
    families = space(today.resolved, context)
    every = wanted.thorough or wanted.rank != "cost"
    passing: list[Alternative] = []
    cheapest = Cheapest(today, context, families, ceiling_usd_month=ceiling)
    if wanted.thorough:
        # The front spans what is dearer than today's too.
        passing += [alternative(today, today)] if today.verdict == "pass" else []
        dearer = unbeaten(families, today, context, passing, above_usd_month=ceiling)
        cheapest = Cheapest(today, context, dearer)
        cheapest.worth = partial(_is_worth, passing, wanted, ceiling)
    for one in islice(cheapest, None if every else wanted.shown):
        passing.append(alternative(one, today))
    found = [one for one in passing if one.edits and _usd(one.forecast) <= ceiling]
    search = Search(alternatives=tuple(ranked(found, wanted.rank)[: wanted.shown]))
    if wanted.thorough:
        search = replace(
            search,
            front=front(passing),
            likely=_likely(today, context, families, ceiling, found),
            why_not=why_not(today, cheapest, found),
        )
    if found or today.verdict == "pass":
        return search
    relaxed = relaxations(today, context, families)
    nearest = near_misses(today, cheapest, [one.by for one in relaxed])
    return replace(
        search,
        near_misses=nearest,
        relaxations=relaxed,
        nothing_passes=_why_nothing(nearest, today),
    )


def _is_worth(
    passing: Sequence[Alternative],
    wanted: Wanted,
    ceiling_usd_month: float,
    candidate: Started,
) -> bool:
    """Whether an alternative may be ranked among the shown, or may be on the front.

    `passing` has today's own too, without edits: of what costs less that beats none.
    """
    if _usd(candidate.forecast) > ceiling_usd_month:
        return not is_surely_beaten(candidate, passing)
    cheaper = [one for one in passing if one.edits]
    if wanted.rank != "cost" or wanted.shown is None or len(cheaper) < wanted.shown:
        return True
    return not is_surely_beaten(candidate, cheaper)


def _usd(forecast: Forecast) -> float:
    usd = forecast.cost.usd_month.value
    return math.inf if usd is None else usd


def _likely(
    today: Checked,
    context: Context,
    families: Space,
    ceiling: float,
    sure: Sequence[Alternative],
) -> Alternative | None:
    """The cheapest at the point estimate, where that costs less than what surely passes."""
    if sure and sure[0].usd_month is not None:
        ceiling = min(ceiling, sure[0].usd_month * (1 - 1e-6))
    found = next(
        iter(Cheapest(today, context, families, end="value", ceiling_usd_month=ceiling)), None
    )
    return None if found is None else alternative(found, today)


def _why_nothing(nearest: tuple[Alternative, ...], today: Checked) -> str:
    """The binding gate and its distance, of the configuration that misses by the least."""
    if nearest:
        return f"nothing surely passes; nearest: {nearest[0].binding}"
    broken = binding_gate(today.gates.values())
    if broken is None:
        return "nothing that the search may change surely passes"
    return f"nothing surely passes; today: {miss_text(broken)}"
