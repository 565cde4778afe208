"""The least of a figure among all that pass otherwise: best first, ruled out by bounds."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Protocol

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment
from capcheck.records import dataclass, replace
from capcheck.rules import vram
from capcheck.search.members import holds_requests
from capcheck.search.passing import LASTING_RISKS, holds, reservation
from capcheck.search.prospects import Prospects
from capcheck.search.replication import Replication
from capcheck.search.sketch import Sketch
from capcheck.search.space import Family, Space


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

    def bound(self, alone: Sketch, replicas: int) -> float:
        """The setting that is sketched does not have less."""

    def figure(self, started: Started, below: float) -> tuple[float, Checked] | None:
        """What a member has that surely passes; None where it does not, or has no less."""


def least(
    today: Checked, context: Context, families: Space, axis: Axis
) -> tuple[float, Checked] | None:
    """The least figure and who has it. `today` states what all have to keep.

    Of every setting the most replicas that are allowed are looked at: no figure of load is worse
    with more. With fewer too where a price per token is limited, which more replicas raise. Today's
    own number counts, whatever is allowed.
    """
    prospects = Prospects(today, context, Replication(today.resolved))
    waiting: list[tuple[float, int, int, Family | Member]] = [
        (rough, family.order, -1, family)
        for family in families
        if (rough := _rough(family, prospects, axis)) < math.inf
    ]
    heapq.heapify(waiting)
    best = axis.figure(start(today.resolved.deployment, context), math.inf)
    while waiting and (best is None or waiting[0][0] < best[0]):
        _, order, _, one = heapq.heappop(waiting)
        if isinstance(one, Family):
            for index, member in enumerate(_members(one, prospects)):
                bound = axis.bound(member.alone, member.replicas)
                if bound < math.inf:
                    heapq.heappush(waiting, (bound, order, index, member))
        elif (started := _started(one, today, context)) is not None:
            best = axis.figure(started, math.inf if best is None else best[0]) or best
    return best


def _rough(family: Family, prospects: Prospects, axis: Axis) -> float:
    most = prospects.most(family.hardware)
    if most < prospects.replication.fewest or prospects.short_by(family) > 0:
        return math.inf
    return axis.rough(prospects.alone(family), most)


def _members(family: Family, prospects: Prospects) -> Iterator[Member]:
    """The settings that have room, with as many replicas as are allowed."""
    replication, most = prospects.replication, prospects.most(family.hardware)
    asked = prospects.today.resolved.deployment.budget
    least = most if asked.usd_per_million_tokens is None else replication.fewest
    stated = family.of(prospects.today.resolved.deployment)
    for alone in prospects.settings(family):
        gate = vram.gate_of(alone.memory, stated.place)
        if holds(gate, "slow") and holds_requests(alone.resolved):
            deployment = replace(stated, serving=alone.copy.resolved.deployment.serving)
            for replicas in range(most, least - 1, -1):
                counted = replace(deployment, replicas=replication.stated(replicas))
                yield Member(counted, alone, replicas)


def _started(member: Member, today: Checked, context: Context) -> Started | None:
    """The member started; None where a gate that no load decides, or a risk, rules it out."""
    started = start(member.deployment, context)
    if not all(holds(gate, "slow") for gate in started.gates.values()):
        return None
    return started if reservation(started, today, LASTING_RISKS) is None else None
