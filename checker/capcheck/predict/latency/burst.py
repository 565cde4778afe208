"""A burst: many requests at once on an idle engine copy."""

from __future__ import annotations

import math

from capcheck.predict.latency.draws import percentiles_of
from capcheck.predict.latency.server import Percentiles
from capcheck.predict.latency.work import Work, between
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Burst:
    """Latencies over the requests of a burst, in ms, and when the last one is done."""

    ttft_ms: Percentiles
    tpot_ms: Percentiles
    latency_ms: Percentiles
    drained_ms: float


def burst(work: Work, requests: int) -> Burst:
    """`requests` of mean lengths that arrive together on an empty server.

    Prompts pass one after the other, those that have passed decode beside the rest when prefill is
    chunked and wait for it when not; the requests beyond the slots follow as others complete.
    Also what each round of a closed loop is like when its clients start together and all answers
    are equally long: they stay in step.
    """
    prefill, steps, decode = work.beside_ms, work.steps_ms, work.decode_steps
    late = work.prefill_ms - work.beside_ms  # of a prompt that holds nobody up
    together = max(1, min(requests, int(work.capacity + 0.5)))
    chunked = work.server.chunked_prefill
    budget = float(work.server.max_num_batched_tokens)
    tokens = max(1.0, work.prompt.mean * (1.0 - work.server.prefix_hit_rate))
    room = budget / tokens
    shared = min(prefill, work.server.prefill_shared_ms)
    most = max(1, math.ceil(decode * room))  # decode beside the prompts before they are done
    firsts: list[float] = []
    now = 0.0
    while len(firsts) < together:
        fit = min(together - len(firsts), max(1, int(room)))
        beside = steps[min(most, len(firsts))] if chunked and firsts else 0.0
        own, after = (prefill, late) if firsts else (work.prefill_ms, 0.0)
        now += fit * (own - shared) + shared + beside * max(1.0, 1.0 / room)
        firsts += [now + after] * fit
    ends = []
    for place, first in enumerate(firsts):
        behind = (together - 1 - place) / room if chunked else 0.0
        if behind >= decode:
            ends.append(max(first, firsts[min(together - 1, place + most)]))
        else:
            left = decode - (math.floor(behind) if room >= 1.0 else behind)
            ends.append(
                max(now, first)
                + left * between(steps, min(together, most) if chunked else together)
            )
    # The others follow in rounds: as a round ends the next starts, at once or as each is done.
    while len(firsts) < requests:
        place = len(firsts)
        previous = ends[place - together]
        if chunked:
            beside = between(steps, min(together, most))
            firsts.append(previous + late + prefill + beside * max(1.0, 1.0 / room))
            ends.append(firsts[-1] + decode * beside + prefill * min(together - 1, most))
        else:
            firsts.append(previous + firsts[place % together])
            ends.append(previous + ends[place % together])
    delay = work.server.host_delay_ms
    tpots = [
        (end - first) / decode if decode else steps[1]
        for first, end in zip(firsts, ends, strict=True)
    ]
    return Burst(
        percentiles_of([delay + first for first in firsts]),
        percentiles_of(tpots),
        percentiles_of([delay + end for end in ends]),
        delay + max(ends),
    )
