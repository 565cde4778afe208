"""Families in the order of their cheapest passing member, without judging what cannot be next.

A best-first search: every family waits with a bound below which its cost, quality and disruption
cannot rank, and is only looked into when no other bound is lower. What comes out is in its final
order, so that the first few are found without the load of the others ever being predicted.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment, Replicas
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.predict.latency.ends import End
from capcheck.records import dataclass
from capcheck.search.alternative import Edit
from capcheck.search.edits import disruption, edits, root_of_edits
from capcheck.search.members import Opened, keeps, others
from capcheck.search.passing import (
    FADING_RISKS,
    LASTING_RISKS,
    distance,
    holds,
    passes,
    reservation,
)
from capcheck.search.ranking import ranked_quality
from capcheck.search.sketch import lone_ms
from capcheck.search.space import Family, late_by

# TR133 SS10.1 searches 1 to 16 instances.
MAX_REPLICAS = 16

# Gates that more replicas never mend.
MONEY = frozenset({"budget"})

# Gates that another setting may mend, where no number of replicas does.
MEMORY = frozenset({"vram", "support"})

# Cost, then quality (TR133 SS10.3), then how little changes, then the order of the space.
Rank = tuple[float, float, tuple[int, int], int, int]


@dataclass(frozen=True, slots=True)
class Miss:
    """A family that does not pass, and the share of a limit by which at least it misses.

    `started` is None when that is known without looking into the family. `over_budget` is the share
    of the budget by which it costs too much with the replicas that it needs at the least,
    `short_by` that of another limit or of the memory.
    """

    family: Family
    started: Started | None
    short_by: float
    over_budget: float

    @property
    def at_least(self) -> float:
        """The larger of both."""
        return max(self.short_by, self.over_budget)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A family, or one setting of it, that may pass with `replicas` or more.

    `setting` is below 0 for a family not looked into, `started` None for a setting not looked into.
    `tried` says that one replica less does not; `passing` that these do.
    """

    family: int
    setting: int = -1
    started: Started | None = None
    replicas: int = 1
    tried: bool = False
    passing: Checked | None = None


@dataclass(slots=True)
class Cheapest:
    """The cheapest passing members for one manifest; iterate to get them one by one.

    `end` says how sure: "slow" is surely, "value" at the point estimate. `ceiling_usd_month` is
    what a member may cost. What does not pass is left in `misses`; what is
    not `worth` predicting its load when its turn comes is left out.
    """

    today: Checked
    context: Context
    families: Sequence[Family]
    end: End = "slow"
    ceiling_usd_month: float = math.inf
    misses: list[Miss] = field(default_factory=list)
    worth: Callable[[Started], bool] = lambda _: True
    most_without_risk: int | None = field(default=None, init=False)
    short_in_quality: dict[tuple[str, str, str], float] = field(default_factory=dict, init=False)
    opened: dict[int, Opened] = field(default_factory=dict, init=False)

    def __iter__(self) -> Iterator[Checked]:
        """Best rank first, one a family; every one differs from today's."""
        waiting = [
            (self._rank_unseen(index), _Candidate(index)) for index in range(len(self.families))
        ]
        heapq.heapify(waiting)
        done: set[int] = set()
        while waiting:
            _, candidate = heapq.heappop(waiting)
            if candidate.family in done:
                continue
            if candidate.passing is not None:
                done.add(candidate.family)
                yield candidate.passing
                continue
            if candidate.setting < 0:
                found = self._settings(candidate.family)
            elif candidate.started is None:
                found = self._setting(candidate)
            elif self.worth(candidate.started):
                found = self._closer(candidate)
            else:
                continue
            for one in found:
                heapq.heappush(waiting, (self._rank(one), one))

    def _settings(self, index: int) -> Iterator[_Candidate]:
        """The settings of a family that is not ruled out without looking into it.

        The roomiest and the first are looked into, the others wait with what roomier ones need.
        """
        family, fewest = self.families[index], self._fewest()
        if self._affordable(family) < fewest:
            self._miss(family, None, family.short_by)
            return
        short = max(family.short_by, self.short_in_quality.get(family.weights, 0.0))
        if short <= 0:
            today = self.today.resolved
            lone = lone_ms(family, today, self.context, end=self.end)
            short = late_by(today.deployment, lone)
        if short > 0:
            self._miss(family, None, short)
            return
        first = self._start(family.deployment)
        if first.gates["support"].verdict == "pass":
            self._remember_quality(family, first)
        settings = [family.deployment]
        if self._short_by(first, besides=MEMORY) <= 0:
            settings += others(first, self.context.registry)
        opened = self.opened[index] = Opened(first, settings)
        at_once = dict.fromkeys((*opened.roomiest(), 0))
        for setting in dict.fromkeys((*at_once, *range(len(settings)))):
            candidate = _Candidate(index, setting, replicas=fewest)
            if setting in at_once:
                yield from self._setting(candidate)
            elif not opened.is_hopeless(setting):
                yield replace(candidate, replicas=max(fewest, opened.fewest(setting)))

    def _setting(self, candidate: _Candidate) -> Iterator[_Candidate]:
        """A setting looked into, if it is not ruled out without predicting its load."""
        family, opened = self.families[candidate.family], self.opened[candidate.family]
        setting = candidate.setting
        if opened.is_hopeless(setting):
            return
        if opened.fewest(setting) > candidate.replicas:
            yield replace(candidate, replicas=opened.fewest(setting))
            return
        started = self._start(opened.settings[setting]) if setting else opened.first
        if started.gates["support"].verdict != "pass":
            return
        short = self._short_by(started)
        replicas = max(self._fewest(), self._saturated_by(started) + 1)
        if replicas > self._replica_limit():
            short = math.inf
        if short > 0 or reservation(started, self.today, LASTING_RISKS) is not None:
            if short == math.inf:
                opened.hopeless.append(opened.room(setting))
            self._miss(family, started, short, replicas)
        elif replicas > self._most(family, started):
            opened.hopeless.append(opened.room(setting))
            self._miss(family, started, 0.0, replicas)
        else:
            opened.saturated.append((opened.room(setting), replicas))
            yield replace(candidate, started=started, replicas=replicas)

    def _remember_quality(self, family: Family, started: Started) -> None:
        """Quality is the same on every GPU: what lacks it is not looked into again."""
        gate = started.gates.get("quality")
        if gate is not None and not holds(gate, self.end):
            self.short_in_quality[family.weights] = distance(gate, self.end)
        elif reservation(started, self.today, frozenset({"quality-concerning"})) is not None:
            self.short_in_quality[family.weights] = math.inf

    def _closer(self, candidate: _Candidate) -> Iterator[_Candidate]:
        """The candidate with the number of replicas that it passes with, or known better.

        More replicas never make a gate of load worse, so that bisection finds the fewest. Most
        pass with the first number tried, or with none.
        """
        started, failing = candidate.started, candidate.replicas - 1
        if started is None:
            return
        family = self.families[candidate.family]
        most = self._most(family, started)
        ignored = self._broken(started)
        if not candidate.tried:
            found = self._loaded(started, candidate.replicas, ignored)
            if found is None and candidate.replicas < most:
                yield replace(candidate, replicas=candidate.replicas + 1, tried=True)
                return
        else:
            found = self._fewest_between(started, failing, most, ignored)
        if found is not None and passes(found, self.today, self.end):
            if edits(self.today.resolved.deployment, found.resolved.deployment):
                yield replace(candidate, replicas=found.resolved.replicas_min, passing=found)
            return
        needed = most + 1 if found is None else found.resolved.replicas_min
        self._miss(family, started, 0.0, min(needed, self._replica_limit()))

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
        today, started = self.today.resolved.deployment, miss.started
        stated = miss.family.deployment if started is None else started.resolved.deployment
        return edits(today, replace(stated, replicas=today.replicas))

    def looked_into(self, miss: Miss) -> Miss:
        """A family ruled out unseen with the better bounds of its stated settings."""
        started = self._start(miss.family.deployment)
        short, replicas = self._short_by(started), self._saturated_by(started) + 1
        if started.gates["support"].verdict != "pass" or replicas > self._replica_limit():
            short = math.inf
        over = self._over_budget(miss.family, max(replicas, self._fewest()))
        return Miss(miss.family, started, max(short, miss.short_by), over)

    def costs_less(self, family: Family, usd_month: float) -> bool:
        """Whether the family's fewest replicas cost less than this."""
        return family.usd_month(self._fewest()) < usd_month

    def nearest(self, miss: Miss, *, below_usd_month: float = math.inf) -> Checked:
        """The miss at its best: with the fewest replicas that put right what they can.

        Of those that cost less than `below_usd_month`, where any does.
        """
        started = self._start(miss.family.deployment) if miss.started is None else miss.started
        fewest, limit = self._fewest(), self._replica_limit()
        while limit > fewest and miss.family.usd_month(limit) >= below_usd_month:
            limit -= 1
        affordable = max(fewest, min(limit, self._affordable(miss.family)))
        ignored, lowest = self._broken(started), max(fewest, self._saturated_by(started) + 1)
        for most in dict.fromkeys((affordable, limit)):
            if lowest <= most:
                first = self._loaded(started, lowest, ignored)
                found = first or self._fewest_between(started, lowest, most, ignored)
                if found is not None:
                    return found
        return started.replicated(self._replicas(affordable)).finish()

    def _loaded(self, started: Started, replicas: int, ignored: frozenset[str]) -> Checked | None:
        """This many replicas judged, if every gate of load and fading risk but `ignored` allows."""
        if replicas != started.resolved.replicas_min:
            started = started.replicated(self._replicas(replicas))
        if not started.passes_at(self.end, ignored):
            return None
        checked = started.finish()
        before = {found.rule for found in self.today.findings}
        if any(found.rule in FADING_RISKS - before for found in checked.findings):
            return None
        held = (name in ignored or holds(gate, self.end) for name, gate in checked.gates.items())
        return checked if all(held) else None

    def _broken(self, started: Started) -> frozenset[str]:
        """What replicas cannot mend: money, and the gates that no load decides."""
        return MONEY | {name for name, gate in started.gates.items() if not holds(gate, self.end)}

    def _short_by(self, started: Started, *, besides: frozenset[str] = frozenset()) -> float:
        """How much is missing whatever the replicas: memory, quality, or a lone request's time.

        Of the gates `besides` nothing is asked.
        """
        shortest = unloaded_ms(started.resolved, started.unloaded.speed, end=self.end)
        short = [
            distance(gate, self.end)
            for gate in started.gates.values()
            if gate.name not in besides and not holds(gate, self.end)
        ]
        return max(late_by(started.resolved.deployment, shortest), *short, 0.0)

    def _saturated_by(self, started: Started) -> int:
        """The largest number of replicas that the stated rate saturates at this end."""
        fewest, traffic = self._fewest(), started.resolved.deployment.traffic
        if traffic is None or traffic.requests_per_second is None or self._replicas_are_fixed():
            return fewest - 1
        unloaded = started.unloaded
        each = saturation_rps(
            started.resolved, unloaded.speed, unloaded.forecast.memory, end=self.end
        )
        if not each:
            return fewest - 1
        peak = max(traffic.requests_per_second, traffic.peak_requests_per_second or 0.0)
        return max(fewest, math.ceil(peak / each)) - 1

    def _most(self, family: Family, started: Started) -> int:
        """The most replicas that are affordable and no risk by their number alone."""
        if self.most_without_risk is None:
            most, least = self._replica_limit(), self._fewest()
            while most > least and self._are_many(started, most):
                most -= 1
            self.most_without_risk = most
        return min(self.most_without_risk, self._affordable(family))

    def _are_many(self, started: Started, replicas: int) -> bool:
        counted = started.replicated(self._replicas(replicas))
        return any(found.rule == "many-replicas" for found in counted.findings) and not any(
            found.rule == "many-replicas" for found in self.today.findings
        )

    def _affordable(self, family: Family) -> int:
        """The most replicas within the ceiling and the budget; any number without a price."""
        each = family.usd_month_each
        if not each:
            return self._replica_limit() if self.ceiling_usd_month == math.inf else 0
        budget = self.today.resolved.deployment.budget.monthly_usd
        limit = min(self.ceiling_usd_month, math.inf if budget is None else budget)
        if limit == math.inf:
            return self._replica_limit()
        return int(limit / each + 1e-9) * family.replicas_each

    def _over_budget(self, family: Family, replicas: int) -> float:
        budget = self.today.resolved.deployment.budget.monthly_usd
        usd = family.usd_month(replicas)
        return max(0.0, usd / budget - 1.0) if budget else 0.0

    def _miss(
        self, family: Family, started: Started | None, short_by: float, replicas: int | None = None
    ) -> None:
        """`replicas` are the fewest that could do, as far as that is known."""
        over = self._over_budget(family, replicas or self._fewest())
        self.misses.append(Miss(family, started, short_by, over))

    def _rank_unseen(self, index: int) -> Rank:
        """No member of the family ranks before this."""
        return self.families[index].usd_month(self._fewest()), -math.inf, (-1, 0), index, -1

    def _rank(self, candidate: _Candidate) -> Rank:
        family, started = self.families[candidate.family], candidate.started
        if candidate.setting < 0:
            return self._rank_unseen(candidate.family)
        opened, today = self.opened[candidate.family], self.today.resolved.deployment
        replicas = today.replicas if started is None else self._replicas(candidate.replicas)
        stated = replace(opened.settings[candidate.setting], replicas=replicas)
        return (
            family.usd_month(candidate.replicas),
            -ranked_quality(opened.first.forecast, self.today.forecast),
            disruption(edits(today, stated), root_of_edits(today)),
            candidate.family,
            candidate.setting,
        )

    def _start(self, deployment: Deployment) -> Started:
        return start(replace(deployment, replicas=self._replicas(self._fewest())), self.context)

    def _replicas(self, replicas: int) -> Replicas:
        """A stated range keeps its upper end unless that is below."""
        stated = self.today.resolved.deployment.replicas
        most = replicas if stated.min == stated.max else max(replicas, stated.max)
        return Replicas(replicas, most)

    def _fewest(self) -> int:
        """Without traffic nobody knows what one replica less would do."""
        return self.today.resolved.replicas_min if self._replicas_are_fixed() else 1

    def _replica_limit(self) -> int:
        if self._replicas_are_fixed():
            return self.today.resolved.replicas_min
        return self.today.resolved.deployment.alternatives.max_replicas or MAX_REPLICAS

    def _replicas_are_fixed(self) -> bool:
        deployment = self.today.resolved.deployment
        return deployment.traffic is None or keeps(deployment, "replicas")
