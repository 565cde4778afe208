"""Families in the order of their cheapest passing member, without judging what cannot be next.

A best-first search: every family waits with a bound below which its cost, quality and disruption
cannot rank, and is only looked into when no other bound is lower. What comes out is in its final
order, so that the first few are found without the load of the others ever being predicted.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from functools import partial
from itertools import groupby
from operator import attrgetter

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment
from capcheck.predict.latency.ends import End
from capcheck.records import dataclass, replace
from capcheck.search.edits import NO_DISRUPTION, Disruption, edits
from capcheck.search.miss import Miss
from capcheck.search.passing import (
    FADING_RISKS,
    LASTING_RISKS,
    distance,
    holds,
    passes,
    reservation,
)
from capcheck.search.prospects import Prospects
from capcheck.search.replication import Replication
from capcheck.search.sketch import Sketch
from capcheck.search.space import Family, late_by

# Gates that more replicas never mend.
MONEY = frozenset({"budget"})

# Cost, then quality (TR133 SS10.3), then how little changes, then the order of the space.
Rank = tuple[float, float, Disruption, int, int]


@dataclass(frozen=True, slots=True)
class _Able:
    """A family that no bound rules out as a whole, with the replicas that it surely needs."""

    family: Family
    replicas: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A setting of a family, `alone` its sketch, that may pass with `replicas` or more.

    `started` is None until its load is asked for. `tried` says that one replica less does not do;
    `passing` that these do.
    """

    family: Family
    setting: int
    alone: Sketch
    replicas: int
    started: Started | None = None
    tried: bool = False
    passing: Checked | None = None


@dataclass(slots=True)
class Cheapest:
    """The cheapest passing members for one manifest; iterate to get them one by one.

    `families` come cheapest first and are asked for as long as one may be next.
    `end` says how sure: "slow" is surely, "value" at the point estimate. `ceiling_usd_month` is
    what a member may cost. What does not pass is left in `misses`; what is not `worth` predicting
    its load when its turn comes is left out.
    """

    today: Checked
    context: Context
    families: Iterable[Family]
    end: End = "slow"
    ceiling_usd_month: float = math.inf
    misses: list[Miss] = field(default_factory=list)
    worth: Callable[[Started], bool] | None = None
    replication: Replication = field(init=False)
    prospects: Prospects = field(init=False)

    def __post_init__(self) -> None:
        """What may be tried follows from the rest."""
        self.replication = Replication(self.today.resolved, self.ceiling_usd_month)
        self.prospects = Prospects(self.today, self.context, self.replication, self.end)

    def __iter__(self) -> Iterator[Checked]:
        """Best rank first, one a family; every one differs from today's."""
        waiting: list[tuple[Rank, _Able | _Candidate]] = []
        done: set[int] = set()
        unseen = self._unseen()
        coming = next(unseen, None)
        while coming or waiting:
            found: Iterable[_Able | _Candidate]
            if coming and (not waiting or coming[0] < waiting[0][0]):
                family, coming = coming[1], next(unseen, None)
                found = self._looked_at(family)
            else:
                one = heapq.heappop(waiting)[1]
                if one.family.order in done:
                    continue
                if isinstance(one, _Able):
                    found = self._settings(one.family)
                elif one.passing is not None:
                    done.add(one.family.order)
                    yield one.passing
                    continue
                elif one.started is None:
                    found = self._started(one)
                else:
                    found = self._closer(one, one.started)
            for better in found:
                heapq.heappush(waiting, (self._rank(better), better))

    def _unseen(self) -> Iterator[tuple[Rank, Family]]:
        """Every family that the ceiling allows, none looked at, with its best rank."""
        fewest = self.replication.fewest
        for hardware, families in groupby(self.families, attrgetter("hardware")):
            usd_month = hardware.usd_month(fewest)
            if usd_month > self.ceiling_usd_month:
                return
            for family in families:
                yield _best_rank(family, usd_month), family

    def _looked_at(self, family: Family) -> Iterable[_Able | _Candidate]:
        """The settings of a family; none where a bound rules it out as a whole.

        One that surely needs more replicas than thought waits with these.
        """
        fewest, limit = self.replication.fewest, self.replication.limit
        affordable = self.replication.affordable(family.hardware)
        if affordable < fewest:
            self._miss(family, family.short_by)
            return ()
        short = self.prospects.short_by(family)
        if short > 0:
            self._miss(family, short)
            return ()
        replicas = self.prospects.needed(family)
        if replicas > min(limit, affordable):
            self._miss(family, math.inf if replicas > limit else 0.0, replicas)
            return ()
        return self._settings(family) if replicas == fewest else (_Able(family, replicas),)

    def _settings(self, family: Family) -> Iterator[_Candidate]:
        """The settings that are not ruled out without starting them."""
        tight_is_risk = "vram-low-headroom" not in self.prospects.risks_today
        for setting, alone in enumerate(self.prospects.settings(family)):
            bounds = self.prospects.bounds(alone)
            if bounds is None:
                continue
            is_out = bounds.short_by > 0 or bounds.replicas > self.prospects.most(family.hardware)
            if is_out or (bounds.is_tight and tight_is_risk):
                self._miss(family, bounds.short_by, bounds.replicas, alone)
            else:
                yield _Candidate(family, setting, alone, bounds.replicas)

    def _started(self, candidate: _Candidate) -> Iterator[_Candidate]:
        """A setting started: its load is asked for unless another gate rules it out."""
        family, alone = candidate.family, candidate.alone
        # What is not worth its load is told for less than what breaks a limit.
        if self.worth is None:
            fewest = self._fewest_that_may_do(candidate)
            if fewest is None:
                most = self.prospects.most(family.hardware)
                self._miss(family, 0.0, min(most + 1, self.replication.limit), alone)
                return
            if fewest > candidate.replicas:
                tried = not candidate.tried
                yield replace(candidate, replicas=fewest, tried=tried)
                return
        started = self._start(self._set(family, alone))
        if started.gates["support"].verdict != "pass":
            return
        short = self._short_by(alone, started)
        if short > 0 or reservation(started, self.today, LASTING_RISKS) is not None:
            self._miss(family, short, candidate.replicas, alone, started)
        elif self.worth is None or self.worth(started):
            yield from self._closer(candidate, started)

    def _fewest_that_may_do(self, candidate: _Candidate) -> int | None:
        """The fewest replicas that do not surely break a limit; None where the most do.

        Of a candidate that was not tried, one more than its own where those break one: it may well
        never be asked for again.
        """
        most = self.prospects.most(candidate.family.hardware)
        breaks = partial(self.prospects.surely_breaks, candidate.alone)
        if not candidate.tried:
            if not breaks(candidate.replicas):
                return candidate.replicas
            return candidate.replicas + 1 if candidate.replicas < most else None
        if breaks(most):
            return None
        return _fewest(candidate.replicas - 1, most, lambda replicas: not breaks(replicas))

    def _closer(self, candidate: _Candidate, started: Started) -> Iterator[_Candidate]:
        """The candidate with the number of replicas that it passes with, or known better.

        More replicas never make a gate of load worse, so that bisection finds the fewest. Most
        pass with the first number tried, or with none.
        """
        family, failing = candidate.family, candidate.replicas - 1
        most = self.prospects.most(family.hardware)
        ignored = self._broken(started)
        if not candidate.tried:
            found = self._loaded(started, candidate.replicas, ignored)
            if found is None and candidate.replicas < most:
                replicas = candidate.replicas + 1
                yield replace(candidate, started=started, replicas=replicas, tried=True)
                return
        else:
            found = self._fewest_between(started, failing, most, ignored)
        if found is not None and passes(found, self.today, self.end):
            if edits(self.today.resolved.deployment, found.resolved.deployment):
                yield replace(candidate, replicas=found.resolved.replicas_min, passing=found)
            return
        needed = most + 1 if found is None else found.resolved.replicas_min
        fewest = min(needed, self.replication.limit)
        self._miss(family, 0.0, fewest, candidate.alone, started)

    def _fewest_between(
        self, started: Started, failing: int, most: int, ignored: frozenset[str]
    ) -> Checked | None:
        """The fewest replicas above `failing` with which every gate of load but `ignored` holds.

        First by the gates at this end alone; what else is asked for rarely needs more. What may do
        mostly does, so that it is tried before the most.
        """

        def does(replicas: int) -> bool:
            return self._held(started, replicas, ignored) is not None

        least = min(failing + 1, most)
        if not does(least):
            if least == most or not does(most):
                return None
            least = _fewest(least, most, does)
        found = self._loaded(started, least, ignored)
        if found is not None or least == most:
            return found
        passing = {most: self._loaded(started, most, ignored)}
        if passing[most] is None:
            return None

        def passes_with(replicas: int) -> bool:
            passing[replicas] = self._loaded(started, replicas, ignored)
            return passing[replicas] is not None

        return passing[_fewest(least, most, passes_with)]

    def disruption(self, miss: Miss) -> Disruption:
        """Of what misses, with today's replicas."""
        return self._sketch_of(miss).copy.disruption

    def short_by(self, miss: Miss) -> float:
        """By which share of a limit, the budget's included, it at least misses."""
        over = self.replication.over_budget(miss.family.hardware, miss.replicas)
        return max(miss.short_by, over)

    def at_least(self, miss: Miss) -> float:
        """The same with the time of a lone request counted."""
        if miss.setting is None:
            return self.short_by(miss)
        limits = self.today.resolved.deployment.slo.latency
        return max(self.short_by(miss), late_by(limits, miss.setting.lone_ms(end=self.end)))

    def looked_into(self, miss: Miss) -> Iterator[Miss]:
        """The settings of a family that is out as a whole."""
        family = miss.family
        for alone in self.prospects.settings(family):
            bounds = self.prospects.bounds(alone)
            if bounds is not None:
                short = max(bounds.short_by, miss.short_by)
                yield Miss(family, alone, None, short, bounds.replicas)

    def costs_less(self, family: Family, usd_month: float) -> bool:
        """Whether the family's fewest replicas cost less than this."""
        return family.usd_month(self.replication.fewest) < usd_month

    def started(self, miss: Miss) -> Started:
        """The miss with the fewest replicas that may be tried."""
        return miss.started or self._start(self._of(miss))

    def nearest(
        self, miss: Miss, started: Started, *, below_usd_month: float = math.inf
    ) -> Checked | Started:
        """The miss at its best: with the fewest replicas that put right what they can.

        Of those that cost less than `below_usd_month`, where any does. Only started where none put
        anything right: then with as many as are affordable.
        """
        fewest, limit = self.replication.fewest, self.replication.limit
        while limit > fewest and miss.family.usd_month(limit) >= below_usd_month:
            limit -= 1
        affordable = max(fewest, min(limit, self.replication.affordable(miss.family.hardware)))
        ignored = self._broken(started)
        lowest = self.replication.needed(self._sketch_of(miss).saturation_rps(end=self.end))
        for most in dict.fromkeys((affordable, limit)):
            if lowest <= most and self._held(started, most, ignored) is not None:
                first = self._loaded(started, lowest, ignored)
                found = first or self._fewest_between(started, lowest, most, ignored)
                if found is not None:
                    return found
        return started.replicated(self.replication.stated(affordable))

    def _held(self, started: Started, replicas: int, ignored: frozenset[str]) -> Started | None:
        """This many replicas, if every gate of load but `ignored` holds at this end."""
        if replicas != started.resolved.replicas_min:
            started = started.replicated(self.replication.stated(replicas))
        return started if started.passes_at(self.end, ignored) else None

    def _loaded(self, started: Started, replicas: int, ignored: frozenset[str]) -> Checked | None:
        """This many replicas judged, if every gate of load and fading risk but `ignored` allows."""
        held = self._held(started, replicas, ignored)
        if held is None:
            return None
        checked, new = held.finish(), FADING_RISKS - self.prospects.risks_today
        if any(found.rule in new for found in checked.findings):
            return None
        gates = checked.gates.items()
        allowed = all(name in ignored or holds(gate, self.end) for name, gate in gates)
        return checked if allowed else None

    def _broken(self, started: Started) -> frozenset[str]:
        """What replicas cannot mend: money, and the gates that no load decides."""
        return MONEY | {name for name, gate in started.gates.items() if not holds(gate, self.end)}

    def _short_by(self, alone: Sketch, started: Started) -> float:
        """How much is missing whatever the replicas: memory, quality, or a lone request's time."""
        limits = self.today.resolved.deployment.slo.latency
        short = [
            distance(gate, self.end) for gate in started.gates.values() if not holds(gate, self.end)
        ]
        return max(late_by(limits, alone.lone_ms(end=self.end)), *short, 0.0)

    def _miss(
        self,
        family: Family,
        short_by: float,
        replicas: int | None = None,
        setting: Sketch | None = None,
        started: Started | None = None,
    ) -> None:
        """`replicas` are the fewest that could do, as far as that is known."""
        fewest = replicas or self.replication.fewest
        self.misses.append(Miss(family, setting, started, short_by, fewest))

    def _rank(self, one: _Able | _Candidate) -> Rank:
        """No member of a family, or none with the setting, ranks before this."""
        family, usd_month = one.family, one.family.usd_month(one.replicas)
        if isinstance(one, _Able):
            return _best_rank(family, usd_month)
        heaviest, number = one.alone.copy.disruption
        of_replicas = self.replication.disruption(one.replicas)
        changed = max(heaviest, of_replicas[0]), number + of_replicas[1]
        return usd_month, -self.prospects.quality(family), changed, family.order, one.setting

    def _of(self, miss: Miss) -> Deployment:
        return self._set(miss.family, self._sketch_of(miss))

    def _sketch_of(self, miss: Miss) -> Sketch:
        return miss.setting or self.prospects.alone(miss.family)

    def _set(self, family: Family, alone: Sketch) -> Deployment:
        """A family with the settings of one of its sketches."""
        stated = family.of(self.today.resolved.deployment)
        return replace(stated, serving=alone.copy.resolved.deployment.serving)

    def _start(self, deployment: Deployment) -> Started:
        fewest = self.replication.stated(self.replication.fewest)
        return start(replace(deployment, replicas=fewest), self.context)


def _best_rank(family: Family, usd_month: float) -> Rank:
    """No member of a family that costs so much ranks before this."""
    return usd_month, -math.inf, NO_DISRUPTION, family.order, -1


def _fewest(failing: int, holding: int, holds: Callable[[int], bool]) -> int:
    """The fewest above `failing` that hold, by bisection: where some do, more do too."""
    while holding - failing > 1:
        middle = (holding + failing) // 2
        if holds(middle):
            holding = middle
        else:
            failing = middle
    return holding
