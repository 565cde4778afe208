"""How many requests are in the system: a birth-death chain over the batch and its queue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import count, islice
from operator import mul, truediv

from capcheck.predict.latency.work import Work, between, surely_admitted
from capcheck.records import dataclass

NEGLIGIBLE = 1e-12

# Variance of a copy's requests about its even share, which is not a whole number.
UNEVEN = 0.25


@dataclass(frozen=True)
class Occupancy:
    """The chain's long-run state.

    `running[n]` is the share of time with n requests in the system, all beyond the last n in its
    last entry; `seen[n]` the share of arrivals that find n there, where an open chain stops at the
    last n and leaves the rest, who are fewer by `queue_ratio` for each place further back (0 for a
    closed chain, which lists them). `queued` is the share of arrivals that wait for a slot,
    `mean_queue` the number that do at a time.
    """

    running: tuple[float, ...]
    seen: tuple[float, ...]
    queued: float
    mean_queue: float
    queue_ratio: float
    arrivals_per_ms: float

    @cached_property
    def mean_running(self) -> float:
        """Requests in slots, averaged over time."""
        return math.fsum(map(mul, count(), self.running))

    @cached_property
    def variance(self) -> float:
        """Of the requests in slots, over time."""
        mean = self.mean_running
        return math.fsum([(n - mean) ** 2 * share for n, share in enumerate(self.running)])

    @property
    def full_while_busy(self) -> float:
        """Share of the busy time in which every slot is taken and others wait for one."""
        busy = 1.0 - self.running[0]
        return min(1.0, self.queued / busy) if busy > 0.0 else 0.0

    def met_by_token(self, steps_ms: Sequence[float]) -> float:
        """Requests in slots when a random token is made: states count by tokens, n / step(n)."""
        tokens = total = 0.0
        for n, share in enumerate(self.running):
            if n:
                made = share * n / steps_ms[n]
                tokens += made
                total += made * n
        return total / tokens if tokens else 1.0


# Its mean is asked for before what requests go through.
@lru_cache(maxsize=256)
def open_occupancy(work: Work, rate_per_ms: float) -> Occupancy:
    """Poisson arrivals: P(n) falls as rate * completion_ms(n), flattened by prefill.

    Needs a rate below saturation.

    Product form of a symmetric (processor sharing) queue with state-dependent rate: insensitive
    to the length distribution while nobody waits (Kelly, Reversibility, 1979, section 3.3).
    """
    slots = work.slots
    weights = [1.0]
    total = 1.0
    weight = 1.0
    flatter = _flatter(work, rate_per_ms)
    # Where chunked prefill is the bottleneck, requests pass it in order, with little variability:
    # the tail is that of M/D/1, load^2 (heavy traffic, Kingman 1962).
    tail = 2.0 / (1.0 + min(1.0, work.prompt.cv**2))
    for n, completion in enumerate(islice(work.completion_ms, 1, None), start=1):
        power = tail if n > work.most_decoding else 1.0 / (1.0 + flatter * (1.0 - 1.0 / n))
        ratio = (rate_per_ms * completion) ** power
        weight *= ratio
        weights.append(weight)
        total += weight
        if weight < NEGLIGIBLE * total and ratio < 1.0:
            break
        if total > 1e200:
            weights = [value / total for value in weights]
            weight, total = weights[-1], 1.0
    full = len(weights) == slots + 1
    ratio = rate_per_ms * work.completion_ms[slots]
    beyond = 0.0
    if full:
        jump = 1.0 + flatter * (1.0 - 1.0 / slots)
        beyond = weights[slots] * jump * ratio / (1.0 - ratio)
    total = math.fsum(weights) + beyond
    seen = [weight / total for weight in weights]
    waiting = beyond / total
    waits, queue, held = [], 0.0, 0.0
    sure = surely_admitted(work.admits)
    for share, room in zip(seen[sure:], work.admits[sure:], strict=False):
        waits.append(share * (1.0 - room))
        queue += share * held
        held += 1.0 - room
    queue += waiting * (slots - work.capacity + 1.0 / (1.0 - ratio))
    running = [*seen]
    running[-1] += waiting
    queued = math.fsum(waits) + waiting
    return Occupancy(tuple(running), tuple(seen), queued, queue, ratio, rate_per_ms)


def _flatter(work: Work, rate_per_ms: float) -> float:
    """By what share the variance of n exceeds that of processor sharing, whose P(n) is the load's.

    Prefill goes first: an arrival's prompt delays the others' steps and lets more arrive before
    they complete, so that the arrivals counted in decode steps clump: at a prefill load x their
    index of dispersion is (a + (x cv)^2) / (1 - x)^2 (compound branching), a that of the arrivals:
    the squared variation of their gaps. The number present then
    has the variance 1 + (dispersion - 1) * E[min of two outputs] / E[output] times that of Poisson
    arrivals (Eick, Massey and Whitt 1993, infinitely many servers); E[min] is 1 - Gini of the
    output. Beyond the slots nobody is let in before another completes: no more clumps, so that the
    density of a diffusion jumps by as much as its variance drops.

    Copies among which the least busy one is chosen stay level: each holds its share of what all of
    them hold together, whose relative variance is that of one copy over their number, but for a
    remainder that does not divide (state space collapse: Foschini and Salz 1978).
    """
    load = min(0.95, rate_per_ms * work.beside_ms)

    def variance(spread: float) -> float:
        clumps = (spread + (load * work.prompt.cv) ** 2) / (1.0 - load) ** 2
        return (1.0 - load) * (1.0 + (clumps - 1.0) * (1.0 - work.output.gini))

    server = work.server
    found = variance(server.arrival_spread)
    if server.balanced_over > 1:
        copies = server.balanced_over
        step = between(work.steps_ms, 1.0)
        mean = max(0.25, rate_per_ms * (work.beside_ms + work.decode_steps * step))
        together = variance(server.arrival_spread * copies) / copies + UNEVEN / mean
        found = min(found, together)
    return found - 1.0


def closed_occupancy(work: Work, *, agents: int, away_ms: float) -> Occupancy:
    """`agents` clients that each spend `away_ms` outside between an answer and the next request.

    The queue with a finite source; an arrival sees it as it is without that client (the arrival
    theorem: Sevcik and Mitrani 1981). With no time away all are always inside.
    """
    slots = work.slots
    inside = _finite_source(work, agents, away_ms)
    others = _finite_source(work, agents - 1, away_ms)
    running = inside[: slots + 1]
    if agents > slots:
        running[slots] += math.fsum(inside[slots + 1 :])
    refused = [share * (1.0 - room) for share, room in zip(others, work.admits, strict=False)]
    queued = math.fsum([*refused, *others[slots + 1 :]])
    rate = _completions_per_ms(work, inside)
    return Occupancy(tuple(running), tuple(others), queued, 0.0, 0.0, rate)


def closed_rate_per_ms(work: Work, *, agents: int, away_ms: float) -> float:
    """The `arrivals_per_ms` of `closed_occupancy`."""
    return _completions_per_ms(work, _finite_source(work, agents, away_ms))


def _completions_per_ms(work: Work, inside: Sequence[float]) -> float:
    """By the shares of time with so many inside: beyond the slots at the rate of full ones."""
    slots, completion = work.slots, work.completion_ms
    full = completion[slots]
    waiting = [share / full for share in inside[slots + 1 :]]
    return math.fsum([*map(truediv, inside[1 : slots + 1], completion[1:]), *waiting])


def _finite_source(work: Work, agents: int, away_ms: float) -> list[float]:
    if away_ms <= 0.0:
        return [0.0] * agents + [1.0]
    completion, last = work.completion_ms, work.slots
    weights, weight = [1.0], 1.0
    for inside in range(1, agents + 1):
        service = completion[inside] if inside < last else completion[last]
        weight = weight * (agents - inside + 1) / away_ms * service
        weights.append(weight)
        if weight > 1e200:
            weights = [one / weight for one in weights]
            weight = 1.0
    total = math.fsum(weights)
    return [weight / total for weight in weights]
