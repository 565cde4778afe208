"""What a request finds as it arrives: others in slots, and a wait for one when there is no room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import NamedTuple

from capcheck.predict.latency.draws import DRAWS, Draws, draws, finding, states
from capcheck.predict.latency.lengths import gamma_at_normal
from capcheck.predict.latency.normal import normal_quantile
from capcheck.predict.latency.occupancy import Occupancy
from capcheck.predict.latency.queueing import Wait, mg1_wait
from capcheck.predict.latency.work import Work, between, surely_admitted

# What the wait keeps of a single copy's with lengths that vary like an exponential's, of 20
# simulated points of 2 and 8 copies at loads of 0.8 and 0.9: 0.15 and 0.09.
UNPOOLED = 0.12


class Found(NamedTuple):
    """Of each draw: others in slots, its wait for a slot, whether a step just ended."""

    columns: Draws
    others: Sequence[int]
    slot_ms: Sequence[float]
    aligned: Sequence[bool]

    def of(self, which: Sequence[int]) -> Found:
        """What these draws find, at least two."""
        pick = itemgetter(*which)
        return Found(
            self.columns.of(which), pick(self.others), pick(self.slot_ms), pick(self.aligned)
        )


def slot_wait(work: Work, occupancy: Occupancy) -> Wait:
    """The wait for a slot, of the requests that find none free, with Poisson arrivals.

    With every slot busy completions come every completion_ms(slots): the wait is that of a
    single server with that service time, times the correction for several servers of low
    variability by Cosmetatos (1975): M/D/c to within 2 % for loads above 0.3. Arrivals that are not
    Poisson lengthen it by their part of the variability (Allen and Cunneen 1978).
    """
    if occupancy.queued <= 0.0:
        return Wait(0.0, 0.0, 0.0)
    rate, slots = occupancy.arrivals_per_ms, work.capacity
    service = work.completion_ms[work.slots]
    load = rate * service
    spread = service_spread(work)
    single = mg1_wait(
        rate=rate,
        mean=service,
        second=service**2 * (1.0 + spread),
        third=service**3 * (1.0 + spread) * (1.0 + 2.0 * spread),
    )
    crowd = (1.0 - load) * (slots - 1.0) * (math.sqrt(4.0 + 5.0 * slots) - 2.0)
    crowd /= 16.0 * load * slots
    steady = min(1.0, (1.0 + crowd) / 2.0)
    mean = occupancy.mean_queue / (rate * occupancy.queued)
    # Who waits where the least busy of several copies is chosen finds them all full, in the stream
    # to all of them. The next slot is the first that comes free on any, but for those who chose a
    # copy whose requests turn out long: nobody changes queues.
    together = work.server.balanced_over
    share = 1.0 / together + (1.0 - 1.0 / together) * UNPOOLED * min(1.0, spread)
    mean *= (work.server.arrival_spread * together + spread) / (1.0 + spread) * share
    cv = math.sqrt(1.0 - (1.0 - single.cv_if_delayed**2) / slots)
    return Wait(occupancy.queued, mean * (spread + (1.0 - spread) * steady), cv)


def service_spread(work: Work) -> float:
    """Squared coefficient of variation of what a request takes of the resource that is short.

    With every slot busy that is GPU work; with a full KV pool also tokens held times the time that
    they are held, as far as one request more or less in the pool changes the rate of completions.
    """
    step = between(work.steps_ms, work.capacity)
    decode = work.decode_steps * step / work.capacity
    total = work.beside_ms + decode
    deviation = (decode * work.output.cv) ** 2 + (work.beside_ms * work.prompt.cv) ** 2
    spread = deviation / total**2
    if not work.kv_limited:
        return spread
    slope = step - between(work.steps_ms, work.capacity - 1.0)
    elasticity = max(0.0, decode * (1.0 - work.capacity * slope / step) / total)
    area = _area_spread(work, work.beside_ms / step)
    return spread + elasticity * max(0.0, area - spread)


def _area_spread(work: Work, prefill: float) -> float:
    """Of (prompt + k * output) * (prefill + output), times in decode steps, k the share held."""
    held = work.server.kv_output_share
    one, two, three, four = work.output.moments
    prompt, prompts = work.prompt.mean, work.prompt.second_moment
    mean = prompt * (one + prefill) + held * (two + prefill * one)
    square = prompts * (two + 2.0 * prefill * one + prefill**2)
    square += 2.0 * held * prompt * (three + 2.0 * prefill * two + prefill**2 * one)
    square += held**2 * (four + 2.0 * prefill * three + prefill**2 * two)
    return square / mean**2 - 1.0


def found_open(work: Work, occupancy: Occupancy, wait: Wait) -> Found:
    """What each draw finds: the chain at its arrival, and the wait if there is no room."""
    inside = states(occupancy.seen)
    if occupancy.queued < 1e-6:
        return Found(draws(), inside, [0.0] * DRAWS, [False] * DRAWS)
    last = max(0, round(work.capacity) - 1)
    mean, cv = wait.mean_if_delayed, wait.cv_if_delayed
    waits, aligned = [0.0] * DRAWS, [False] * DRAWS
    admits, slots = work.admits, work.slots
    columns = draws()
    queues, deviates = columns.queue, columns.z_queue
    for draw in finding(inside, surely_admitted(admits)):
        here = inside[draw]
        room = admits[here] if here < slots else 0.0
        queue = queues[draw]
        if queue > room:
            z = deviates[draw]
            if room > 0.0:
                z = normal_quantile(min((queue - room) / (1.0 - room), 1.0 - 1e-6))
            waits[draw] = gamma_at_normal(mean, cv, z)
            aligned[draw] = True
            inside[draw] = last
    return Found(columns, inside, waits, aligned)


def found_closed(work: Work, occupancy: Occupancy, *, aligned: bool) -> Found:
    """As `found_open`, where an arrival waits for as many completions as are ahead of it.

    Few completions of many slots are like a Poisson stream; many are as regular as the work.
    """
    last = max(0, round(work.capacity) - 1)
    spread = service_spread(work)
    service = work.completion_ms[work.slots]
    capacity, slots, admits = work.capacity, work.slots, work.admits

    @cache
    def turns_ms(here: int) -> tuple[float, float]:
        """Mean and variation of the wait behind so many."""
        turns = max(0.5, here + 1.0 - capacity)
        noise = spread + (1.0 - spread) * (capacity - 1.0) / (capacity + turns)
        return service * turns, math.sqrt(noise / turns)

    columns = draws()
    inside = states(occupancy.seen[: len(occupancy.seen) - 1])
    waits, aligns = [0.0] * DRAWS, [aligned] * DRAWS
    queues, deviates = columns.queue, columns.z_queue
    for draw in finding(inside, surely_admitted(admits)):
        here = inside[draw]
        if queues[draw] > (admits[here] if here < slots else 0.0):
            waits[draw] = gamma_at_normal(*turns_ms(here), deviates[draw])
            aligns[draw] = True
            inside[draw] = last
    return Found(columns, inside, waits, aligns)
