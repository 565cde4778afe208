"""What bounds say of families and their settings before any of them is started."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import field

from capcheck.judge import Checked, Context, Started
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.predict.compose import quality
from capcheck.predict.latency.bounds import surely_breaks
from capcheck.predict.latency.ends import End
from capcheck.records import dataclass, replace
from capcheck.rules import vram
from capcheck.rules.latency import HIGH_UTILISATION
from capcheck.search.hardware import Hardware
from capcheck.search.members import holds_requests, others
from capcheck.search.passing import distance, holds, reservation
from capcheck.search.ranking import ranked_quality
from capcheck.search.replication import Replication
from capcheck.search.sketch import Sketch, sketch
from capcheck.search.space import Family, late_by


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a setting lacks of memory, as a share of it, and the replicas that it needs at least.

    `is_tight` says that it leaves little memory.
    """

    short_by: float
    replicas: int
    is_tight: bool


@dataclass(slots=True)
class Prospects:
    """For one manifest, at one end of the intervals; what it was asked is remembered."""

    today: Checked
    context: Context
    replication: Replication
    end: End = "slow"
    short_in_quality: dict[tuple[str, str, str], float] = field(default_factory=dict)
    scores: dict[tuple[str, str, str], float] = field(default_factory=dict)
    opened: dict[int, Sequence[Deployment]] = field(default_factory=dict)
    risks_today: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """What is a risk today already is none of another configuration."""
        self.risks_today = frozenset(found.rule for found in self.today.findings)

    def short_by(self, family: Family) -> float:
        """What all of a family lack of memory, quality or speed, as a share of the limit."""
        stated = self.today.resolved.deployment
        short = max(
            family.short_by,
            self.short_in_quality.get(family.weights, 0.0),
            family.late_by(stated),
        )
        if short > 0:
            return short
        return late_by(stated, self.sketch(family, family.serving).lone_ms(end=self.end))

    def needed(self, family: Family) -> int:
        """Replicas that each setting of a family needs at the least."""
        alone = self.sketch(family, family.serving)
        return self._needed(alone, alone.most_rps)

    def _needed(self, alone: Sketch, each_rps: Callable[..., float | None]) -> int:
        """Replicas below which a queue without limit is busier than allowed, or than is no risk."""
        engine, most = alone.resolved.engine, self.today.resolved.deployment.slo.max_utilisation
        if engine is None or engine.max_queue is not None:
            return self.replication.needed(each_rps(end=self.end))
        if most is None and "high-utilisation" not in self.risks_today:
            likely = self.replication.needed(each_rps(end="value"), busy=HIGH_UTILISATION)
            return max(likely, self.replication.needed(each_rps(end=self.end)))
        return self.replication.needed(each_rps(end=self.end), busy=most or 1.0)

    def settings(self, family: Family) -> Sequence[Deployment]:
        """All settings of a family."""
        found = self.opened.get(family.order)
        if found is None:
            stated = family.of(self.today.resolved.deployment)
            first = self.sketch(family, stated.serving)
            resolved = replace(first.resolved, deployment=stated)
            found = (stated, *others(resolved, first.memory, self.context.registry))
            self.opened[family.order] = found
        return found

    def bounds(self, family: Family, deployment: Deployment) -> Bounds | None:
        """What a setting lacks whatever its load; None when its context is too short."""
        alone = self.sketch(family, deployment.serving)
        if not holds_requests(alone.resolved):
            return None
        gate = vram.gate_of(alone.memory, deployment.place)
        replicas = self._needed(alone, alone.saturation_rps)
        short = 0.0 if holds(gate, self.end) else distance(gate, self.end)
        if replicas > self.replication.limit:
            short = math.inf
        return Bounds(short, replicas, is_tight=vram.has_little_left(gate))

    def surely_breaks(self, family: Family, deployment: Deployment, replicas: int) -> bool:
        """Whether a limit of load is surely broken by so many; False: it may hold."""
        alone = self.sketch(family, deployment.serving)
        resolved = replace(alone.resolved, replicas_min=replicas)
        slo = resolved.deployment.slo
        return surely_breaks(resolved, alone.copy.speed, alone.memory, slo, end=self.end)

    def most(self, hardware: Hardware) -> int:
        """The most replicas that are affordable and no risk by their number alone."""
        many = "many-replicas" in self.risks_today
        most = self.replication.limit if many else self.replication.without_risk
        return min(most, self.replication.affordable(hardware))

    def remember_quality(self, family: Family, started: Started) -> None:
        """Quality is the same on every GPU: what lacks it is not looked into again."""
        gate = started.gates.get("quality")
        if gate is not None and not holds(gate, self.end):
            self.short_in_quality[family.weights] = distance(gate, self.end)
        elif reservation(started, self.today, frozenset({"quality-concerning"})) is not None:
            self.short_in_quality[family.weights] = math.inf

    def quality(self, family: Family) -> float:
        """As it ranks."""
        found = self.scores.get(family.weights)
        if found is None:
            alone = self.sketch(family, family.serving)
            score = quality(alone.resolved, self.context.coefficients)
            found = ranked_quality(score, self.today.forecast.quality)
            self.scores[family.weights] = found
        return found

    def sketch(self, family: Family, serving: Serving) -> Sketch:
        """A member by its settings."""
        return sketch(family, serving, self.today.resolved, self.context)
