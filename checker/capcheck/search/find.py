"""The cheapest configurations that surely pass, as edits of today's manifest."""

from __future__ import annotations

from dataclasses import dataclass

from capcheck.judge import Checked, Context, Started
from capcheck.manifest.deployment import Deployment
from capcheck.predict.forecast import Forecast
from capcheck.search.alternative import Alternative
from capcheck.search.cheapest import MAX_REPLICAS, Cheapest, Miss
from capcheck.search.edits import disruption, edits, root_of
from capcheck.search.needs import needs
from capcheck.search.passing import binding_gate, distance, miss_text, reservation
from capcheck.search.space import Family, families

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
    if today.gates["support"].verdict == "cannot-predict":
        return Search()
    if today.verdict == "pass" and today.forecast.cost.usd_month.value is None:
        return Search()
    passing: list[Alternative] = []
    misses: list[Miss] = []
    cheapest = Cheapest(today, context)

    def worth(started: Started) -> bool:
        """Whether the family could still be among the best, if it passed as it stands."""
        if shown is None or len(passing) < shown:
            return True
        worst = sorted(passing, key=_rank)[shown - 1]
        return _cost_then_quality(started.forecast) <= _cost_then_quality(worst.forecast)

    for family in families(today.resolved, context.registry):
        most_replicas = _affordable(family, today, passing, shown)
        best = cheapest.of(family.deployment, most_replicas, worth) if most_replicas else None
        if isinstance(best, Miss):
            misses.append(best)
        elif best is not None:
            offered = _alternative(best, today)
            if offered.edits and _improves(offered, today):
                passing.append(offered)
    ranked = sorted(passing, key=_rank)[:shown]
    if ranked or today.verdict == "pass":
        return Search(alternatives=tuple(ranked))
    nearest = _nearest(misses, today, cheapest)
    return Search(near_misses=nearest, nothing_passes=_why_nothing(nearest, today))


def _nearest(misses: list[Miss], today: Checked, cheapest: Cheapest) -> tuple[Alternative, ...]:
    """The few that miss by the least, among those whose bound is best: load is dear to predict."""
    promising = sorted(misses, key=lambda one: one.at_least)[:NEAR_TRIED]
    offered = [
        _alternative(cheapest.nearest(one), today)
        for one in promising
        if one.at_least < float("inf")
    ]
    comparable = [one for one in offered if one.edits and _distance(one) < float("inf")]
    return tuple(sorted(comparable, key=_nearness)[:NEAR_MISSES])


def _affordable(
    family: Family, today: Checked, passing: list[Alternative], shown: int | None
) -> int:
    """The most replicas that can still matter: within the budget, and below today's cost where
    today's passes, or no dearer than the worst one shown."""
    each, current = family.usd_month_each, today.forecast.cost.usd_month.value
    passes = today.verdict == "pass"
    if not each:
        return 0 if passes else MAX_REPLICAS
    limits = [MAX_REPLICAS * each]
    budget = today.resolved.deployment.budget.monthly_usd
    if budget is not None:
        limits.append(max(budget, each))
    if passes and current is not None:
        limits.append(current * (1 - 1e-9))
    if shown is not None and len(passing) >= shown:
        limits.append(sorted(found.usd_month or 0.0 for found in passing)[shown - 1])
    return int(min(limits) / each + 1e-9) * family.replicas_each


def _improves(offered: Alternative, today: Checked) -> bool:
    """Where today's passes, only less money is an improvement."""
    saving = offered.saving_usd_month
    return today.verdict != "pass" or (saving is not None and saving > 0)


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


def _rank(offered: Alternative) -> tuple[tuple[float, float], tuple[int, int]]:
    disturbs = disruption(offered.edits, _root(offered.resolved.deployment))
    return _cost_then_quality(offered.forecast), disturbs


def _root(deployment: Deployment) -> str:
    return deployment.root or root_of(deployment.name)


def _cost_then_quality(forecast: Forecast) -> tuple[float, float]:
    usd, quality = forecast.cost.usd_month.value, forecast.quality.score.value
    return float("inf") if usd is None else usd, -(quality or 0.0)


def _distance(offered: Alternative) -> float:
    return max((distance(gate) for gate in offered.gates if gate.verdict != "pass"), default=0.0)


def _nearness(offered: Alternative) -> tuple[float, tuple[tuple[float, float], tuple[int, int]]]:
    return _distance(offered), _rank(offered)


def _why_nothing(nearest: tuple[Alternative, ...], today: Checked) -> str:
    """The binding gate and its distance, of the configuration that misses by the least."""
    if nearest:
        return f"nothing surely passes; nearest: {nearest[0].binding}"
    broken = binding_gate(today)
    if broken is None:
        return "nothing that the search may change surely passes"
    return f"nothing surely passes; today: {miss_text(broken)}"
