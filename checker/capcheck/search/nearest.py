"""What does not pass: the configurations that miss by the least, and why cheaper ones are out."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from capcheck.finding import Gate
from capcheck.judge import Checked, Started
from capcheck.search.alternative import Alternative
from capcheck.search.cheapest import Cheapest
from capcheck.search.edits import NO_DISRUPTION, Disruption
from capcheck.search.miss import Miss
from capcheck.search.offer import alternative
from capcheck.search.passing import binding_gate, distance

# Load is dear to predict: of those whose bounds are best so many are looked at.
NEAR_MISSES = 3
NEAR_TRIED = 12
WHY_NOT = 6
WHY_NOT_TRIED = 12
ONE_GPU = 3
LOOKED_INTO = 100

# A miss by its bound, tried with the load of the slow end, or judged.
Waiting = Miss | Started | Alternative

# By what share of a limit it misses, and how many limits are missed.
Distance = tuple[float, int]


def near_misses(
    today: Checked, cheapest: Cheapest, known: Sequence[Alternative]
) -> tuple[Alternative, ...]:
    """Nearest first: every miss waits with its bound until no other bound is lower.

    `known` are misses that were looked at already.
    """
    order = count()
    waiting: list[tuple[Distance, int, Waiting]] = [
        (_misses_by(one.gates), next(order), one) for one in known if _is_near(one)
    ]
    waiting += [
        ((at_least, 0), next(order), miss)
        for miss in cheapest.misses
        if (at_least := cheapest.at_least(miss)) < math.inf
    ]
    heapq.heapify(waiting)
    shown: list[Alternative] = []
    tried = looked_into = 0
    while waiting and len(shown) < NEAR_MISSES:
        _, _, one = heapq.heappop(waiting)
        if isinstance(one, Alternative):
            if all(one.edits != other.edits for other in shown):
                shown.append(one)
            continue
        if isinstance(one, Miss):
            is_setting = one.setting is not None
            if tried == NEAR_TRIED or (not is_setting and looked_into == LOOKED_INTO):
                continue
            tried, looked_into = tried + is_setting, looked_into + (not is_setting)
        for misses_by, better in _closer(one, today, cheapest):
            if misses_by[0] < math.inf:
                heapq.heappush(waiting, (misses_by, next(order), better))
    return tuple(shown)


def _closer(
    one: Miss | Started, today: Checked, cheapest: Cheapest
) -> Iterator[tuple[Distance, Waiting]]:
    """What is known better, with its bound: settings, one of them under load, or all of it."""
    if isinstance(one, Started):
        offered = alternative(one.finish(), today)
        if _is_near(offered):
            yield _misses_by(offered.gates), offered
    elif one.setting is None:
        for miss in cheapest.looked_into(one):
            yield (cheapest.at_least(miss), 0), miss
    else:
        started = cheapest.started(one)
        if started.gates["support"].verdict != "pass":
            return
        found = cheapest.nearest(one, started)
        if isinstance(found, Started):
            gates = (*found.gates.values(), *found.gates_at(cheapest.end))
            yield _misses_by(gates), found
        elif _is_near(offered := alternative(found, today)):
            yield _misses_by(offered.gates), offered


def _is_near(offered: Alternative) -> bool:
    return bool(offered.edits and offered.binding) and _misses_by(offered.gates)[0] < math.inf


def why_not(
    today: Checked, cheapest: Cheapest, found: Sequence[Alternative]
) -> tuple[Alternative, ...]:
    """What one would try first and why it does not pass: the lightest changes that cost less.

    Each stands for a family that would cost less than the best alternative, or than today. Those
    of another GPU or with another reason come before more of the same.
    """
    best = found[0].usd_month if found else today.forecast.cost.usd_month.value
    ceiling = math.inf if best is None else best
    seen: set[tuple[object, ...]] = set()
    dropped: list[tuple[Disruption, float, int, Miss]] = []
    for index, miss in enumerate(cheapest.misses):
        if cheapest.costs_less(miss.family, ceiling):
            disruption = cheapest.disruption(miss)
            if disruption != NO_DISRUPTION:
                dropped.append((disruption, cheapest.short_by(miss), index, miss))
    tried: list[Alternative] = []
    of_gpu: Counter[str] = Counter()
    for _, _, _, miss in sorted(dropped):
        gpu, kind = miss.family.hardware.gpu[1].name, _kind(miss)
        if kind not in seen and of_gpu[gpu] < ONE_GPU and len(tried) < WHY_NOT_TRIED:
            seen.add(kind)
            near = cheapest.nearest(miss, cheapest.started(miss), below_usd_month=ceiling)
            offered = alternative(near.finish() if isinstance(near, Started) else near, today)
            if offered.edits and offered.binding:
                of_gpu[gpu] += 1
                tried.append(offered)
    reasons: Counter[tuple[str, str]] = Counter()
    order: list[tuple[int, int, Alternative]] = []
    for index, one in enumerate(tried):
        reason = _reason(one)
        order.append((reasons[reason], index, one))
        reasons[reason] += 1
    return tuple(one for _, _, one in sorted(order)[:WHY_NOT])


def _kind(miss: Miss) -> tuple[object, ...]:
    """What is the same but for the name of the format: AWQ and GPTQ have as many bits."""
    family = miss.family
    served, hardware = family.served, family.hardware
    model, backend = served.model[1].name, served.backend[1].name
    return (
        model,
        backend,
        round(served.quant[1].bits_per_weight),
        hardware.gpu[1].name,
        hardware.gpus,
    )


def _reason(offered: Alternative) -> tuple[str, str]:
    """The GPU, and the gate that is in the way."""
    gate, gpu = binding_gate(offered.gates), offered.resolved.gpu
    return "" if gpu is None else gpu.name, "" if gate is None else gate.name


def _misses_by(gates: Iterable[Gate]) -> Distance:
    missed = [distance(gate) for gate in gates if gate.verdict != "pass"]
    return max(missed, default=0.0), len(missed)
