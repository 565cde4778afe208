"""Families in the order of their cheapest passing member, without judging what cannot be next.

A best-first search: every family waits with a bound below which its cost, quality and disruption
cannot rank, and is only looked into when no other bound is lower. What comes out is in its final
order, so that the first few are found without the load of the others ever being predicted.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import partial

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.predict.compose import quality
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.predict.latency.ends import End
from capcheck.records import dataclass
from capcheck.rules import vram
from capcheck.rules.latency import HIGH_UTILISATION
from capcheck.search.alternative import Edit
from capcheck.search.edits import disruption, edits, root_of_edits
from capcheck.search.members import holds_requests, most_slots, others
from capcheck.search.passing import (
    FADING_RISKS,
    LASTING_RISKS,
    distance,
    holds,
    passes,
    reservation,
)
from capcheck.search.ranking import ranked_quality
from capcheck.search.replication import Replication
from capcheck.search.sketch import Sketch, sketch
from capcheck.search.space import Family, late_by

# Gates that more replicas never mend.
MONEY = frozenset({"budget"})

# Cost, then quality (TR133 SS10.3), then how little changes, then the order of the space.
Rank = tuple[float, float, tuple[int, int], int, int]


@dataclass(frozen=True, slots=True)
class Miss:
    """A member of a family that does not pass, and by which share of a limit at least it misses.

    `deployment` is None where the whole family is out, `started` where that is known without
    starting one. `over_budget` is the share of the budget by which it costs too much with the
    replicas that it needs at the least, `short_by` that of another limit or of the memory.
    """

    family: Family
    deployment: Deployment | None
    started: Started | None
    short_by: float
    over_budget: float

    @property
    def at_least(self) -> float:
        """The larger of both."""
        return max(self.short_by, self.over_budget)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a setting lacks of memory, as a share of it, and the replicas that it needs at least.

    `is_tight` says that it leaves little memory.
    """

    short_by: float
    replicas: int
    is_tight: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A family, or one setting of it, that may pass with `replicas` or more.

    `setting` is below 0 for a family not looked into, `started` None until the load of a setting is
    asked for. `tried` says that one replica less does not do; `passing` that these do.
    """

    family: Family
    setting: int = -1
    started: Started | None = None
    replicas: int = 1
    tried: bool = False
    passing: Checked | None = None


@dataclass(slots=True)
class Cheapest:
    """The cheapest passing members for one manifest; iterate to get them one by one.

    `families` come cheapest first and are asked for as long as one may be next.
    `end` says how sure: "slow" is surely, "value" at the point estimate. `ceiling_usd_month` is
    what a member may cost. What does not pass is left in `misses`; what is
    not `worth` predicting its load when its turn comes is left out.
    """

    today: Checked
    context: Context
    families: Iterable[Family]
    end: End = "slow"
    ceiling_usd_month: float = math.inf
    misses: list[Miss] = field(default_factory=list)
    worth: Callable[[Started], bool] = lambda _: True
    replication: Replication = field(init=False)
    short_in_quality: dict[tuple[str, str, str], float] = field(default_factory=dict, init=False)
    qualities: dict[tuple[str, str, str], float] = field(default_factory=dict, init=False)
    opened: dict[int, Sequence[Deployment]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """What replicas may be tried follows from the rest."""
        self.replication = Replication(self.today.resolved, self.ceiling_usd_month)

    def __iter__(self) -> Iterator[Checked]:
        """Best rank first, one a family; every one differs from today's."""
        waiting: list[tuple[Rank, _Candidate]] = []
        done: set[int] = set()
        unseen = self._unseen()
        coming = next(unseen, None)
        while coming or waiting:
            if coming and (not waiting or coming[0] < waiting[0][0]):
                candidate, coming = coming[1], next(unseen, None)
            else:
                candidate = heapq.heappop(waiting)[1]
            if candidate.family.order in done:
                continue
            if candidate.passing is not None:
                done.add(candidate.family.order)
                yield candidate.passing
                continue
            if candidate.setting < 0:
                found = self._settings(candidate)
            elif candidate.started is None:
                found = self._started(candidate)
            else:
                found = self._closer(candidate, candidate.started)
            for one in found:
                heapq.heappush(waiting, (self._rank(one), one))

    def _unseen(self) -> Iterator[tuple[Rank, _Candidate]]:
        """Every family that the ceiling allows, none looked into."""
        fewest = self.replication.fewest
        for family in self.families:
            if family.usd_month(fewest) > self.ceiling_usd_month:
                return
            candidate = _Candidate(family, replicas=fewest)
            yield self._rank(candidate), candidate

    def _settings(self, candidate: _Candidate) -> Iterator[_Candidate]:
        """The settings that no bound rules out, of a family that none rules out as a whole.

        A family that surely needs more replicas than thought waits with these.
        """
        family, fewest = candidate.family, self.replication.fewest
        affordable = self.replication.affordable(family.hardware)
        if affordable < fewest:
            self._miss(family, family.short_by)
            return
        short, today = self._ruled_out_by(family), self.today.resolved.deployment
        if short <= 0:
            alone = self._sketch(family, family.serving)
            short = late_by(today, alone.lone_ms(end=self.end))
        if short > 0:
            self._miss(family, short)
            return
        if candidate.replicas == fewest:
            replicas = self._surely_needed(alone)
            if replicas > min(self.replication.limit, affordable):
                short = math.inf if replicas > self.replication.limit else 0.0
                self._miss(family, short, replicas)
                return
            if replicas > fewest:
                yield replace(candidate, replicas=replicas)
                return
        for setting in range(len(self._open(family))):
            yield from self._setting(replace(candidate, setting=setting))

    def _surely_needed(self, alone: Sketch) -> int:
        """Replicas that each setting of a family needs at the least.

        Mostly what the most slots need; but at the slow end the step of a large batch is less sure,
        so that fewer may serve more.
        """
        slots, least = most_slots(alone.resolved), self.replication.fewest
        each_rps = alone.roomiest_rps(slots=slots, end=self.end) if slots else None
        while each_rps:
            least = self._needed(alone, partial(alone.roomiest_rps, slots=slots))
            slots //= 2
            if least <= self.replication.fewest or not slots:
                break
            fewer_rps = alone.roomiest_rps(slots=slots, end=self.end)
            each_rps = fewer_rps if fewer_rps and fewer_rps > each_rps else None
        return least

    def _needed(self, alone: Sketch, each_rps: Callable[..., float | None]) -> int:
        """Replicas below which a queue without limit is busier than allowed, or than is no risk."""
        engine, most = alone.resolved.engine, self.today.resolved.deployment.slo.max_utilisation
        if engine is None or engine.max_queue is not None:
            return self.replication.needed(each_rps(end=self.end))
        if most is None and "high-utilisation" not in self._risks_today():
            likely = self.replication.needed(each_rps(end="value"), busy=HIGH_UTILISATION)
            return max(likely, self.replication.needed(each_rps(end=self.end)))
        return self.replication.needed(each_rps(end=self.end), busy=most or 1.0)

    def _ruled_out_by(self, family: Family) -> float:
        """What the family surely lacks of memory, quality or speed, as a share of the limit."""
        return max(
            family.short_by,
            self.short_in_quality.get(family.weights, 0.0),
            family.late_by(self.today.resolved.deployment),
        )

    def _open(self, family: Family) -> Sequence[Deployment]:
        """All settings of a family."""
        found = self.opened.get(family.order)
        if found is None:
            stated = family.of(self.today.resolved.deployment)
            first = self._sketch(family, stated.serving)
            resolved = replace(first.resolved, deployment=stated)
            found = (stated, *others(resolved, first.memory, self.context.registry))
            self.opened[family.order] = found
        return found

    def _setting(self, candidate: _Candidate) -> Iterator[_Candidate]:
        """A setting that is not ruled out without starting it."""
        family = candidate.family
        deployment = self.opened[family.order][candidate.setting]
        bounds = self._bounds(family, deployment)
        if bounds is None:
            return
        is_out = bounds.short_by > 0 or bounds.replicas > self._most(family)
        if is_out or (bounds.is_tight and "vram-low-headroom" not in self._risks_today()):
            self._miss(family, bounds.short_by, bounds.replicas, deployment)
        else:
            yield replace(candidate, replicas=bounds.replicas)

    def _bounds(self, family: Family, deployment: Deployment) -> Bounds | None:
        """What a setting lacks whatever its load; None when its context is too short."""
        alone = self._sketch(family, deployment.serving)
        if not holds_requests(alone.resolved):
            return None
        gate = vram.gate_of(alone.memory, deployment.place)
        replicas = self._needed(alone, alone.saturation_rps)
        short = 0.0 if holds(gate, self.end) else distance(gate, self.end)
        if replicas > self.replication.limit:
            short = math.inf
        return Bounds(short, replicas, is_tight=vram.has_little_left(gate))

    def _started(self, candidate: _Candidate) -> Iterator[_Candidate]:
        """A setting started: its load is asked for unless another gate rules it out."""
        family = candidate.family
        deployment = self.opened[family.order][candidate.setting]
        if family.weights in self.short_in_quality:
            self._miss(family, self.short_in_quality[family.weights], None, deployment)
            return
        started = self._start(deployment)
        if started.gates["support"].verdict != "pass":
            return
        self._remember_quality(family, started)
        short = self._short_by(started)
        if short > 0 or reservation(started, self.today, LASTING_RISKS) is not None:
            self._miss(family, short, candidate.replicas, deployment, started)
        elif self.worth(started):
            yield from self._closer(candidate, started)

    def _remember_quality(self, family: Family, started: Started) -> None:
        """Quality is the same on every GPU: what lacks it is not looked into again."""
        gate = started.gates.get("quality")
        if gate is not None and not holds(gate, self.end):
            self.short_in_quality[family.weights] = distance(gate, self.end)
        elif reservation(started, self.today, frozenset({"quality-concerning"})) is not None:
            self.short_in_quality[family.weights] = math.inf

    def _closer(self, candidate: _Candidate, started: Started) -> Iterator[_Candidate]:
        """The candidate with the number of replicas that it passes with, or known better.

        More replicas never make a gate of load worse, so that bisection finds the fewest. Most
        pass with the first number tried, or with none.
        """
        family, failing = candidate.family, candidate.replicas - 1
        most = self._most(family)
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
        deployment = self.opened[family.order][candidate.setting]
        self._miss(family, 0.0, min(needed, self.replication.limit), deployment, started)

    def _fewest_between(
        self, started: Started, failing: int, most: int, ignored: frozenset[str]
    ) -> Checked | None:
        """The fewest replicas above `failing` with which every gate of load but `ignored` holds."""
        passing = self._loaded(started, most, ignored)
        while passing is not None and passing.resolved.replicas_min - failing > 1:
            middle = (passing.resolved.replicas_min + failing) // 2
            found = self._loaded(started, middle, ignored)
            if found is None:
                failing = middle
            else:
                passing = found
        return passing

    def edits_to(self, miss: Miss) -> tuple[Edit, ...]:
        """The edits that lead to what misses, today's replicas kept."""
        today = self.today.resolved.deployment
        stated = miss.family.of(today) if miss.deployment is None else miss.deployment
        return edits(today, replace(stated, replicas=today.replicas))

    def looked_into(self, miss: Miss) -> Iterator[Miss]:
        """Better bounds: the settings of a family that is out as a whole, or a setting started."""
        family = miss.family
        if miss.deployment is not None:
            started = self._start(miss.deployment)
            short = max(self._short_by(started), miss.short_by)
            if started.gates["support"].verdict == "pass":
                yield replace(miss, started=started, short_by=short)
            return
        for deployment in self._open(family):
            bounds = self._bounds(family, deployment)
            if bounds is not None:
                short = max(bounds.short_by, miss.short_by)
                over = self.replication.over_budget(family.hardware, bounds.replicas)
                yield Miss(family, deployment, None, short, over)

    def costs_less(self, family: Family, usd_month: float) -> bool:
        """Whether the family's fewest replicas cost less than this."""
        return family.usd_month(self.replication.fewest) < usd_month

    def nearest(self, miss: Miss, *, below_usd_month: float = math.inf) -> Checked:
        """The miss at its best: with the fewest replicas that put right what they can.

        Of those that cost less than `below_usd_month`, where any does.
        """
        started = miss.started or self._start(
            miss.deployment or miss.family.of(self.today.resolved.deployment)
        )
        fewest, limit = self.replication.fewest, self.replication.limit
        while limit > fewest and miss.family.usd_month(limit) >= below_usd_month:
            limit -= 1
        affordable = max(fewest, min(limit, self.replication.affordable(miss.family.hardware)))
        ignored = self._broken(started)
        lowest = self.replication.needed(self._each_rps(started))
        for most in dict.fromkeys((affordable, limit)):
            if lowest <= most:
                first = self._loaded(started, lowest, ignored)
                found = first or self._fewest_between(started, lowest, most, ignored)
                if found is not None:
                    return found
        return started.replicated(self.replication.stated(affordable)).finish()

    def _loaded(self, started: Started, replicas: int, ignored: frozenset[str]) -> Checked | None:
        """This many replicas judged, if every gate of load and fading risk but `ignored` allows."""
        if replicas != started.resolved.replicas_min:
            started = started.replicated(self.replication.stated(replicas))
        if not started.passes_at(self.end, ignored):
            return None
        checked = started.finish()
        if any(found.rule in FADING_RISKS - self._risks_today() for found in checked.findings):
            return None
        held = (name in ignored or holds(gate, self.end) for name, gate in checked.gates.items())
        return checked if all(held) else None

    def _broken(self, started: Started) -> frozenset[str]:
        """What replicas cannot mend: money, and the gates that no load decides."""
        return MONEY | {name for name, gate in started.gates.items() if not holds(gate, self.end)}

    def _short_by(self, started: Started) -> float:
        """How much is missing whatever the replicas: memory, quality, or a lone request's time."""
        shortest = unloaded_ms(started.resolved, started.unloaded.speed, end=self.end)
        short = [
            distance(gate, self.end) for gate in started.gates.values() if not holds(gate, self.end)
        ]
        return max(late_by(started.resolved.deployment, shortest), *short, 0.0)

    def _each_rps(self, started: Started) -> float | None:
        """Requests per second that saturate a replica at this end."""
        speed, memory = started.unloaded.speed, started.forecast.memory
        return saturation_rps(started.resolved, speed, memory, end=self.end)

    def _most(self, family: Family) -> int:
        """The most replicas that are affordable and no risk by their number alone."""
        many = "many-replicas" in self._risks_today()
        most = self.replication.limit if many else self.replication.without_risk
        return min(most, self.replication.affordable(family.hardware))

    def _risks_today(self) -> set[str]:
        return {found.rule for found in self.today.findings}

    def _miss(
        self,
        family: Family,
        short_by: float,
        replicas: int | None = None,
        deployment: Deployment | None = None,
        started: Started | None = None,
    ) -> None:
        """`replicas` are the fewest that could do, as far as that is known."""
        fewest = replicas or self.replication.fewest
        over = self.replication.over_budget(family.hardware, fewest)
        self.misses.append(Miss(family, deployment, started, short_by, over))

    def _rank(self, candidate: _Candidate) -> Rank:
        """No member of the candidate ranks before this."""
        family = candidate.family
        if candidate.setting < 0:
            return family.usd_month(candidate.replicas), -math.inf, (-1, 0), family.order, -1
        today = self.today.resolved.deployment
        stated = self.opened[family.order][candidate.setting]
        replicas = self.replication.stated(candidate.replicas)
        changed = edits(today, replace(stated, replicas=replicas))
        return (
            family.usd_month(candidate.replicas),
            -self._quality(family),
            disruption(changed, root_of_edits(today)),
            family.order,
            candidate.setting,
        )

    def _quality(self, family: Family) -> float:
        """As it ranks."""
        found = self.qualities.get(family.weights)
        if found is None:
            alone = self._sketch(family, family.serving)
            score = quality(alone.resolved, self.context.coefficients)
            found = ranked_quality(score, self.today.forecast.quality)
            self.qualities[family.weights] = found
        return found

    def _sketch(self, family: Family, serving: Serving) -> Sketch:
        return sketch(family, serving, self.today.resolved, self.context)

    def _start(self, deployment: Deployment) -> Started:
        fewest = self.replication.stated(self.replication.fewest)
        return start(replace(deployment, replicas=fewest), self.context)
