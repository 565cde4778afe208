"""The least of a figure among all that pass otherwise: best first, ruled out by bounds."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment
from capcheck.records import dataclass
from capcheck.rules import vram
from capcheck.search.members import holds_requests, others
from capcheck.search.passing import LASTING_RISKS, holds, reservation
from capcheck.search.replication import Replication
from capcheck.search.sketch import Sketch, sketch
from capcheck.search.space import Family, Space, late_by


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
    waiting: list[tuple[float, int, int, Family | Member]] = [
        (rough, family.order, -1, family)
        for family in families
        if (rough := _rough(family, today, context, axis)) < math.inf
    ]
    heapq.heapify(waiting)
    best = axis.figure(start(today.resolved.deployment, context), math.inf)
    while waiting and (best is None or waiting[0][0] < best[0]):
        _, order, _, one = heapq.heappop(waiting)
        if isinstance(one, Family):
            for index, member in enumerate(_members(one, today, context)):
                bound = axis.bound(member.alone, member.replicas)
                heapq.heappush(waiting, (bound, order, index, member))
        elif (started := _started(one, today, context)) is not None:
            best = axis.figure(started, math.inf if best is None else best[0]) or best
    return best


def _rough(family: Family, today: Checked, context: Context, axis: Axis) -> float:
    stated, most = today.resolved.deployment, _most(family, today)
    if family.short_by > 0 or most < Replication(today.resolved).fewest:
        return math.inf
    if family.late_by(stated) > 0:
        return math.inf
    alone = sketch(family, family.serving, today.resolved, context)
    if late_by(stated, alone.lone_ms(end="slow")) > 0:
        return math.inf
    return axis.rough(alone, most)


def _members(family: Family, today: Checked, context: Context) -> Iterator[Member]:
    """The settings that have room, with as many replicas as are allowed."""
    replication, most = Replication(today.resolved), _most(family, today)
    today_stated = today.resolved.deployment
    stated = family.of(today_stated)
    first = sketch(family, stated.serving, today.resolved, context)
    resolved = replace(first.resolved, deployment=stated)
    settings = (stated, *others(resolved, first.memory, context.registry))
    is_open = today_stated.budget.usd_per_million_tokens is not None
    for deployment in settings:
        alone = sketch(family, deployment.serving, today.resolved, context)
        gate = vram.gate_of(alone.memory, deployment.place)
        if not holds(gate, "slow"):
            continue
        if not holds_requests(alone.resolved):
            continue
        for replicas in range(most, (replication.fewest if is_open else most) - 1, -1):
            counted = replace(deployment, replicas=replication.stated(replicas))
            yield Member(counted, alone, replicas)


def _most(family: Family, today: Checked) -> int:
    """The most replicas that are affordable and no risk by their number alone."""
    replication = Replication(today.resolved)
    is_many = any(found.rule == "many-replicas" for found in today.findings)
    most = replication.limit if is_many else replication.without_risk
    return min(most, replication.affordable(family.hardware))


def _started(member: Member, today: Checked, context: Context) -> Started | None:
    """The member started; None where a gate that no load decides, or a risk, rules it out."""
    started = start(member.deployment, context)
    if not all(holds(gate, "slow") for gate in started.gates.values()):
        return None
    return started if reservation(started, today, LASTING_RISKS) is None else None
