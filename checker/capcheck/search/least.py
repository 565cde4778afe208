"""The least of a figure among all that pass otherwise: likely ones first, ruled out by bounds."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from typing import Protocol

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment
from capcheck.records import dataclass, replace
from capcheck.rules import vram
from capcheck.search.passing import LASTING_RISKS, holds, reservation
from capcheck.search.prospects import Prospects
from capcheck.search.replication import Replication
from capcheck.search.sketch import Sketch
from capcheck.search.space import Family

# A family waits for the rate that saturates its roomiest setting, then for its settings, from 0 on.
UNSEEN, SIZED = -2, -1


@dataclass(frozen=True, slots=True)
class Member:
    """A setting of a family with a number of replicas, which `deployment` states too."""

    deployment: Deployment
    alone: Sketch
    replicas: int


class Axis(Protocol):
    """A figure to have as little of as can be; infinite where it can't be had."""

    def rough(self, alone: Sketch, replicas: int) -> float:
        """No setting of the family that is sketched, with so many replicas, has less."""

    def bound(self, alone: Sketch, each_rps: float | None, replicas: int) -> float:
        """A setting of which a replica saturates at `each_rps` does not have less."""

    def likely(self, alone: Sketch, each_rps: float | None, replicas: int) -> float:
        """What it may have: no bound, but good ones are tried early."""

    def shown(self, figure: float) -> float:
        """The most that reads the same."""

    def asked(self, figure: float) -> Deployment:
        """What is asked of all, so that they have no more than this figure."""

    def figure(self, started: Started, below: float) -> tuple[float, Checked] | None:
        """What a member has that surely passes; None where it does not, or has no less."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The least figure, who has it, and all the families that may have what reads the same."""

    figure: float
    by: Checked
    families: tuple[Family, ...]


def least(
    today: Checked, context: Context, families: Iterable[Family], axis: Axis
) -> Reached | None:
    """The least figure and who has it. `today` states what all have to keep.

    Of every setting the most replicas that are allowed are looked at: no figure of load is worse
    with more. With fewer too where a price per token is limited, which more replicas raise. Today's
    own number counts, whatever is allowed.
    """
    prospects = Prospects(today, context, Replication(today.resolved))
    waiting: list[tuple[float, int, int, float, Family, Member | None]] = [
        (rough, family.order, UNSEEN, rough, family, None)
        for family in families
        if (rough := _rough(family, prospects, axis)) < math.inf
    ]
    heapq.heapify(waiting)
    best, near = _Best(today, context, axis), set[int]()
    best.try_with(start(today.resolved.deployment, context))
    while waiting:
        _, order, setting, bound, family, member = heapq.heappop(waiting)
        if bound > best.shown:
            continue
        if member is None:
            for better in _closer(family, setting, prospects, axis):
                heapq.heappush(waiting, better)
        elif not best.surely_beats(member) and (started := _started(member, prospects)):
            near.add(order)
            best.try_with(started)
    if best.by is None:
        return None
    near_families = tuple(family for family in families if family.order in near)
    return Reached(best.figure, best.by, near_families)


@dataclass(slots=True)
class _Best:
    """The least figure so far, and what is asked of all others to have as little as is shown."""

    today: Checked
    context: Context
    axis: Axis
    figure: float = math.inf
    shown: float = math.inf
    by: Checked | None = None
    asked: Prospects | None = None

    def try_with(self, started: Started) -> None:
        """Less, if a member has it."""
        found = self.axis.figure(started, self.figure)
        if found is None:
            return
        self.figure, self.by = found
        self.shown = self.axis.shown(self.figure)
        deployment = self.axis.asked(self.shown)
        today = replace(self.today, resolved=replace(self.today.resolved, deployment=deployment))
        self.asked = Prospects(today, self.context, Replication(today.resolved))

    def surely_beats(self, member: Member) -> bool:
        """Whether a member surely breaks a limit of load before it has as little as is shown."""
        asked = self.asked
        return asked is not None and asked.surely_breaks(member.alone, member.replicas)


def _rough(family: Family, prospects: Prospects, axis: Axis) -> float:
    most = prospects.most(family.hardware)
    if most < prospects.replication.fewest or prospects.short_by(family) > 0:
        return math.inf
    return axis.rough(prospects.alone(family), most)


def _closer(
    family: Family, setting: int, prospects: Prospects, axis: Axis
) -> Iterator[tuple[float, int, int, float, Family, Member | None]]:
    """A family with the bound of its roomiest setting, or its settings with theirs."""
    if setting == UNSEEN:
        alone, most = prospects.alone(family), prospects.most(family.hardware)
        asked = alone, alone.most_rps(end="slow"), most
        if (bound := axis.bound(*asked)) < math.inf:
            yield axis.likely(*asked), family.order, SIZED, bound, family, None
        return
    for index, member in enumerate(_members(family, prospects)):
        asked = member.alone, member.alone.saturation_rps(end="slow"), member.replicas
        if (bound := axis.bound(*asked)) < math.inf:
            yield axis.likely(*asked), family.order, index, bound, family, member


def _members(family: Family, prospects: Prospects) -> Iterator[Member]:
    """The settings that have room, with as many replicas as are allowed."""
    replication, most = prospects.replication, prospects.most(family.hardware)
    asked = prospects.today.resolved.deployment.budget
    least = most if asked.usd_per_million_tokens is None else replication.fewest
    stated = family.of(prospects.today.resolved.deployment)
    for alone in prospects.settings(family):
        gate = alone.copy.fits
        is_risk = vram.has_little_left(gate) and "vram-low-headroom" not in prospects.risks_today
        if holds(gate, "slow") and not is_risk and prospects.holds_requests(alone):
            deployment = replace(stated, serving=alone.copy.resolved.deployment.serving)
            for replicas in range(most, least - 1, -1):
                counted = replace(deployment, replicas=replication.stated(replicas))
                yield Member(counted, alone, replicas)


def _started(member: Member, prospects: Prospects) -> Started | None:
    """The member started; None where a gate that no load decides, or a risk, rules it out."""
    started = start(member.deployment, prospects.context)
    if not all(holds(gate, "slow") for gate in started.gates.values()):
        return None
    reserved = reservation(started, prospects.today, LASTING_RISKS)
    return started if reserved is None else None
