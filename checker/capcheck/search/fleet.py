"""All deployments at once: which to change so that every one passes within a total budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Protocol

from capcheck.finding import Verdict
from capcheck.predict.forecast import Forecast
from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved
from capcheck.search.alternative import Alternative
from capcheck.search.pareto import Front

# TR133 SS10.4: above this load the queue gets long.
SHARED_UTILISATION = 0.7


class Searched(Protocol):
    """A judged deployment with its alternatives."""

    @property
    def resolved(self) -> Resolved:
        """What runs today."""

    @property
    def forecast(self) -> Forecast:
        """What that does."""

    @property
    def verdict(self) -> Verdict:
        """Whether it passes."""

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """The best few of what surely passes instead."""

    @property
    def front(self) -> Front:
        """Those that no other beats."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do with one deployment; `by` None leaves it as it is. Its bill at most replicas."""

    name: str
    path: str
    by: Alternative | None
    usd_month: float | None


@dataclass(frozen=True, slots=True)
class Sharing:
    """Deployments of one GPU each whose memory and load would fit one together.

    `utilisation` is the share of time in which either runs a request.
    """

    gpu: str
    names: tuple[str, ...]
    vram_gib: float
    usable_gib: float
    utilisation: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The fewest changes with which all pass, within the budget where that can be.

    A sum is None when a part has no price; `fits` is None without a budget or a sum. `left` are
    deployments that do not pass and for which nothing does.
    """

    budget_usd_month: float | None
    usd_month: float | None
    usd_month_today: float | None
    fits: bool | None
    choices: tuple[Choice, ...]
    left: tuple[str, ...]
    could_share: tuple[Sharing, ...]


def plan(fleet: Sequence[Searched], budget_usd_month: float | None) -> Plan:
    """Change what does not pass to its cheapest alternative; then, until the budget holds, what
    saves most. Largest saving first changes the fewest deployments."""
    chosen: dict[int, Alternative] = {
        index: _cheapest(one)
        for index, one in enumerate(fleet)
        if one.verdict != "pass" and one.alternatives
    }
    if budget_usd_month is not None:
        savers = sorted(
            (-(_cheapest(one).saving_usd_month or 0.0), index)
            for index, one in enumerate(fleet)
            if one.verdict == "pass" and one.alternatives
        )
        for _, index in savers:
            total = _total(_bills(fleet, chosen))
            if total is None or total <= budget_usd_month:
                break
            chosen[index] = _cheapest(fleet[index])
    bills = _bills(fleet, chosen)
    total = _total(bills)
    return Plan(
        budget_usd_month=budget_usd_month,
        usd_month=total,
        usd_month_today=_total(_bills(fleet, {})),
        fits=None if budget_usd_month is None or total is None else total <= budget_usd_month,
        choices=tuple(
            Choice(
                one.resolved.deployment.name, one.resolved.deployment.path, chosen.get(index), bill
            )
            for index, (one, bill) in enumerate(zip(fleet, bills, strict=True))
        ),
        left=tuple(
            one.resolved.deployment.name
            for index, one in enumerate(fleet)
            if one.verdict != "pass" and index not in chosen
        ),
        could_share=tuple(_sharing(fleet)),
    )


def _cheapest(one: Searched) -> Alternative:
    """The first of the cheapest, in whatever order the best few are ranked.

    The front has the cheapest of all; of equal cost what is ranked first is the lighter change.
    """
    return min(
        (*one.alternatives, *one.front.members),
        key=lambda way: math.inf if way.usd_month is None else way.usd_month,
    )


def _bills(fleet: Sequence[Searched], chosen: dict[int, Alternative]) -> list[float | None]:
    """At most replicas, as every budget is judged."""
    return [
        chosen.get(index, one).forecast.cost.usd_month_max.value for index, one in enumerate(fleet)
    ]


def _total(bills: Sequence[float | None]) -> float | None:
    known = [bill for bill in bills if bill is not None]
    return sum(known) if len(known) == len(bills) else None


def _sharing(fleet: Sequence[Searched]) -> Iterator[Sharing]:
    """Pairs that pass today on one GPU of one kind: their needs at the unfavourable end, added."""
    small: dict[str, list[tuple[str, float, float, float]]] = {}
    for one in fleet:
        resolved, memory, load = one.resolved, one.forecast.memory, one.forecast.load
        gpu, needed, usable = resolved.gpu, memory.needed.high, memory.usable.value
        busy = load.busy.high
        alone = resolved.gpus_per_replica == 1 and resolved.replicas_max == 1
        if one.verdict != "pass" or gpu is None or not alone:
            continue
        if needed is None or usable is None or busy is None:
            continue
        small.setdefault(gpu.name, []).append((resolved.deployment.name, needed, usable, busy))
    for gpu_name, members in sorted(small.items()):
        for first, second in combinations(members, 2):
            needed, busy = first[1] + second[1], first[3] + second[3]
            usable = min(first[2], second[2])
            if needed <= usable and busy <= SHARED_UTILISATION:
                yield Sharing(gpu_name, (first[0], second[0]), needed, usable, busy)
