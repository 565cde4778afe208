"""What bounds say of families and their settings before any of them is started."""

from __future__ import annotations

import math
from dataclasses import field

from capcheck.judge import Checked, Context
from capcheck.predict.compose import quality
from capcheck.predict.forecast import Quality
from capcheck.predict.latency.bounds import surely_breaks
from capcheck.predict.latency.ends import End
from capcheck.records import dataclass, replace
from capcheck.rules import quality as quality_rule
from capcheck.rules import vram
from capcheck.rules.case import Case
from capcheck.rules.latency import HIGH_UTILISATION
from capcheck.search.hardware import Hardware
from capcheck.search.members import longest_request
from capcheck.search.passing import LASTING_RISKS, distance, holds, keeps_quality
from capcheck.search.ranking import ranked_quality
from capcheck.search.replication import Replication
from capcheck.search.sketch import (
    Sketch,
    alone,
    asked_of,
    held_to,
    limited,
    remember,
    settings,
)
from capcheck.search.space import Family, late_by, median_steps

# A family remembers of so many sets of limits how much too slow a lone request is.
LIMITS_KEPT = 16


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a setting lacks of memory, as a share of it, and the replicas that it needs at least.

    `is_tight` says that it leaves little memory.
    """

    short_by: float
    replicas: int
    is_tight: bool


@dataclass(frozen=True, slots=True)
class Weighed:
    """What weights lack of quality, as a share of the limit, that quality, and as it ranks.

    All are the same on every GPU.
    """

    short_by: float
    predicted: Quality
    quality: float


@dataclass(slots=True)
class Prospects:
    """For one manifest, at one end of the intervals; what it was asked is remembered."""

    today: Checked
    context: Context
    replication: Replication
    end: End = "slow"
    weighed: dict[tuple[str, str, str], Weighed] = field(default_factory=dict)
    risks_today: frozenset[str] = field(init=False)
    asked: object = field(init=False)
    steps: float = field(init=False)
    limited: object = field(init=False)
    held_to: object = field(init=False)
    most_replicas: int = field(init=False)
    longest_request: int = field(init=False)

    def __post_init__(self) -> None:
        """What is a risk today already is none of another configuration."""
        self.risks_today = frozenset(found.rule for found in self.today.findings)
        stated = self.today.resolved.deployment
        self.asked = asked_of(stated)
        self.steps = median_steps(stated.traffic)
        self.limited = limited(stated, self.end)
        self.held_to = held_to(stated, self.end)
        self.longest_request = longest_request(stated.traffic)
        many = "many-replicas" in self.risks_today
        replication = self.replication
        self.most_replicas = replication.limit if many else replication.without_risk

    def short_by(self, family: Family) -> float:
        """What all of a family lack of memory, quality or speed, as a share of the limit."""
        short = max(family.short_by, self._weighed(family).short_by)
        if short > 0:
            limits = self.today.resolved.deployment.slo.latency
            return max(short, late_by(limits, family.least_ms(self.steps)))
        late = family.late.get(self.limited)
        return self._late_by(family) if late is None else late

    def _late_by(self, family: Family) -> float:
        """The share of a limit by which a lone request is too slow, as first it is known."""
        limits = self.today.resolved.deployment.slo.latency
        late = late_by(limits, family.least_ms(self.steps))
        late = late or late_by(limits, self.alone(family).lone_ms(end=self.end))
        remember(family.late, self.limited, late, most=LIMITS_KEPT)
        return late

    def needed(self, family: Family) -> int:
        """Replicas that each setting of a family needs at the least, by this end alone."""
        alone = self.alone(family)
        return self.replication.needed(alone.most_rps(end=self.end), busy=self._busiest(alone))

    def _needed(self, alone: Sketch) -> int:
        """Replicas that a setting needs at the least, by the point estimate too: below them it is
        busier than is no risk."""
        needed = self.replication.needed(
            alone.saturation_rps(end=self.end), busy=self._busiest(alone)
        )
        if not self._is_risky_when_busy(alone):
            return needed
        each_rps = alone.saturation_rps(end="value")
        return max(needed, self.replication.needed(each_rps, busy=HIGH_UTILISATION))

    def _busiest(self, alone: Sketch) -> float:
        """The largest share of its saturation at which a queue without limit may be kept."""
        most = self.today.resolved.deployment.slo.max_utilisation
        return 1.0 if most is None or not _queues(alone) else most

    def _is_risky_when_busy(self, alone: Sketch) -> bool:
        limited = self.today.resolved.deployment.slo.max_utilisation is not None
        return _queues(alone) and not limited and "high-utilisation" not in self.risks_today

    def alone(self, family: Family) -> Sketch:
        """The sketch of a family as it states itself."""
        return alone(family, self.today.resolved, self.context, self.asked)

    def settings(self, family: Family) -> tuple[Sketch, ...]:
        """The sketches of all settings of a family."""
        return settings(family, self.today.resolved, self.context, self.asked)

    def bounds(self, alone: Sketch) -> Bounds | None:
        """What a setting lacks whatever its load; None when its context is too short."""
        if not self.holds_requests(alone):
            return None
        gate, replicas = alone.copy.fits, self._needed(alone)
        short = 0.0 if holds(gate, self.end) else distance(gate, self.end)
        if replicas > self.replication.limit:
            short = math.inf
        return Bounds(short, replicas, is_tight=vram.has_little_left(gate))

    def holds_requests(self, alone: Sketch) -> bool:
        """Whether the context in force holds the longest stated request."""
        engine = alone.copy.resolved.engine
        return engine is None or self.longest_request <= engine.max_model_len

    def surely_breaks(self, alone: Sketch, replicas: int) -> bool:
        """Whether a limit of load is surely broken by so many; False: it may hold."""
        asked = self.held_to, replicas
        if asked not in alone.breaks:
            today, copy = self.today.resolved.deployment, alone.copy
            resolved = replace(copy.resolved, deployment=today, replicas_min=replicas)
            alone.breaks[asked] = surely_breaks(
                resolved, copy.speed, copy.memory, today.slo, end=self.end
            )
        return alone.breaks[asked]

    def most(self, hardware: Hardware) -> int:
        """The most replicas that are affordable and no risk by their number alone."""
        return min(self.most_replicas, self.replication.affordable(hardware))

    def quality(self, family: Family) -> float:
        """As it ranks."""
        return self._weighed(family).quality

    def predicted_quality(self, family: Family) -> Quality:
        """On the benchmark that today's asks for."""
        return self._weighed(family).predicted

    def _weighed(self, family: Family) -> Weighed:
        weights = family.weights
        found = self.weighed.get(weights)
        if found is None:
            found = self.weighed[weights] = self._weigh(family)
        return found

    def _weigh(self, family: Family) -> Weighed:
        today, served = self.today, family.served
        resolved = replace(
            today.resolved,
            model=served.model[1],
            quant=served.quant[1],
            backend=served.backend[1],
        )
        predicted = quality(resolved, self.context.coefficients)
        forecast = replace(today.forecast, quality=predicted)
        judged = quality_rule.check(Case(resolved, forecast, self.context.today, frozenset()))
        short = max((distance(gate, self.end) for gate in judged.gates), default=0.0)
        if all(holds(gate, self.end) for gate in judged.gates):
            new_risks = {found.rule for found in judged.findings} & LASTING_RISKS - self.risks_today
            kept = judged.gates or keeps_quality(resolved, predicted, today)
            short = 0.0 if kept and not new_risks else math.inf
        return Weighed(short, predicted, ranked_quality(predicted, today.forecast.quality))


def _queues(alone: Sketch) -> bool:
    """Whether requests queue up without limit when it saturates."""
    engine = alone.copy.resolved.engine
    return engine is not None and engine.max_queue is None
