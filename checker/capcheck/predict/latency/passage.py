"""What drawn requests go through on one engine copy, from their arrival to their last token."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from operator import add, itemgetter, truediv
from typing import NamedTuple

from capcheck.predict.latency.arrival import Found, found_closed, found_open, slot_wait
from capcheck.predict.latency.decode_stage import DecodeStage
from capcheck.predict.latency.draws import DRAWS, draws
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.occupancy import Occupancy, closed_occupancy, open_occupancy
from capcheck.predict.latency.prefill_stage import PrefillStage
from capcheck.predict.latency.server import PrefillTime
from capcheck.predict.latency.work import Work, chunk_tokens, chunked_ms


class Times(NamedTuple):
    """Of each request, in ms: the wait for a slot, prefill, decode, and what a client sees of them.

    `steps` counts those that it decodes for.
    """

    waits: Sequence[float]
    firsts: Sequence[float]
    decodes: Sequence[float]
    ttfts: Sequence[float]
    latencies: Sequence[float]
    steps: Sequence[float]

    @property
    def tpots(self) -> list[float]:
        """Of the requests with more than one token."""
        if all(self.steps):
            return list(map(truediv, self.decodes, self.steps))
        pairs = zip(self.decodes, self.steps, strict=True)
        return [decode / count for decode, count in pairs if count > 0.0]


class Passage:
    """The stages that requests pass, by what all draws find.

    `others` is the share of arrivals that are another client's, `regular` the share that come as
    evenly as outputs are long, `away_ms` how long a client stays away, infinite in an open loop.
    """

    def __init__(
        self,
        work: Work,
        occupancy: Occupancy,
        found: Found,
        *,
        others: float = 1.0,
        regular: float = 0.0,
        away_ms: float = math.inf,
    ) -> None:
        self.work = work
        self.occupancy = occupancy
        self.found = found
        self.rate = occupancy.arrivals_per_ms * others
        self.regular = regular
        self.away_ms = away_ms
        self.steps = _steps(work.output)

    @cached_property
    def prefill(self) -> PrefillStage:
        """From a slot to the first token."""
        work, occupancy = self.work, self.occupancy
        return PrefillStage(
            work,
            self.found,
            rate=self.rate,
            batch=min(work.capacity, occupancy.mean_running),
            busy=1.0 - occupancy.running[0],
            away_ms=self.away_ms,
            regular=self.regular,
            variance=occupancy.variance,
        )

    @cached_property
    def decode(self) -> DecodeStage:
        """From the first token to the last."""
        full = self.occupancy.full_while_busy
        return DecodeStage(
            self.work,
            self.occupancy,
            rate=self.rate,
            regular=max(self.regular, full),
            away_ms=self.away_ms,
            by_step=1.0 if self.away_ms <= 0.0 else full,
        )

    @cached_property
    def all_times(self) -> Times:
        """Of all draws."""
        return self._times(self.found, self.steps, *self._firsts)

    @cached_property
    def _firsts(self) -> tuple[Sequence[float], Sequence[float]]:
        """Times from a slot to the first token of all draws, and the queue behind them."""
        return self.prefill.first_tokens_ms(self.found, self._prefills())

    def values(self, metric: str) -> Sequence[float]:
        """The `ttft`, `tpot` or `latency` of all draws that have it; a lone step where none has."""
        if metric == "ttft":
            return self._ttfts(self.found, self._firsts[0])
        if metric == "latency":
            return self.all_times.latencies
        return self.all_times.tpots or [self.work.steps_ms[1]]

    def times(self, which: Sequence[int]) -> Times:
        """Of these draws, at least two."""
        found, steps = self.found.of(which), itemgetter(*which)(self.steps)
        return self._times(
            found, steps, *self.prefill.first_tokens_ms(found, self._prefills(which))
        )

    def _times(
        self,
        found: Found,
        steps: Sequence[float],
        firsts: Sequence[float],
        behinds: Sequence[float],
    ) -> Times:
        decodes = self.decode.decodes_ms(found, steps, behinds)
        ttfts = self._ttfts(found, firsts)
        latencies = list(map(add, ttfts, decodes))
        return Times(found.slot_ms, firsts, decodes, ttfts, latencies, steps)

    def ttfts(self, which: Sequence[int]) -> list[float]:
        """Those of `times` alone."""
        found = self.found.of(which)
        firsts, _ = self.prefill.first_tokens_ms(found, self._prefills(which))
        return self._ttfts(found, firsts)

    def _prefills(self, which: Sequence[int] | None = None) -> Sequence[float]:
        server, prompt = self.work.server, self.work.prompt
        if prompt.cv <= 0.0:
            return [self.work.prefill_ms] * (DRAWS if which is None else len(which))
        chunk, scale = chunk_tokens(server), server.prefill_scale
        prefills = _prefills(server.prefill_ms, server.prefix_hit_rate, chunk, prompt)
        return [scale * took for took in prefills.of(range(DRAWS) if which is None else which)]

    def _ttfts(self, found: Found, firsts: Sequence[float]) -> list[float]:
        delay = self.work.server.host_delay_ms
        if not any(found.slot_ms):
            return [delay + first for first in firsts]
        return [wait + delay + first for wait, first in zip(found.slot_ms, firsts, strict=True)]

    def counted(self, metric: str) -> Sequence[int]:
        """The draws that have this metric: a request of one token has no `tpot`."""
        if metric != "tpot" or all(self.steps):
            return range(DRAWS)
        return [draw for draw, count in enumerate(self.steps) if count > 0.0]

    def least(self, metric: str) -> list[float]:
        """What no draw's `ttft`, `tpot` or `latency` is below: its wait, and a batch of its own."""
        work, waits = self.work, self.found.slot_ms
        step = min(work.steps_ms[1:])
        if metric == "tpot":
            return [step] * DRAWS
        first = work.server.host_delay_ms
        if work.prompt.cv <= 0.0:
            first += work.prefill_ms
        if metric == "ttft":
            return [first + wait for wait in waits]
        if work.output.cv <= 0.0:
            first += step * self.steps[0]
            return [first + wait for wait in waits] if any(waits) else [first] * DRAWS
        return [first + wait + step * count for wait, count in zip(waits, self.steps, strict=True)]

    def rough(self, metric: str) -> list[float]:
        """`tpot` or `latency` to first order in what varies most; 0 where there is none."""
        work, steps = self.work, self.steps
        decodes = self.decode.rough_ms(self.found, steps)
        if metric == "tpot":
            pairs = zip(decodes, steps, strict=True)
            return [decode / count if count > 0.0 else 0.0 for decode, count in pairs]
        waits, delay = self.found.slot_ms, work.server.host_delay_ms
        if work.prompt.cv <= 0.0:
            first = delay + work.prefill_ms
            if not any(waits):
                return [first + decode for decode in decodes]
            return [first + wait + decode for wait, decode in zip(waits, decodes, strict=True)]
        each = work.prefill_ms / work.prompt.mean
        return [
            delay + wait + each * prompt + decode
            for wait, prompt, decode in zip(waits, _prompts(work.prompt), decodes, strict=True)
        ]


# Whether it surely breaks a limit is asked first, then what it is like, and for other limits.
@lru_cache(maxsize=256)
def open_passage(work: Work, rate_per_ms: float) -> Passage:
    """With Poisson arrivals at a rate below saturation."""
    occupancy = open_occupancy(work, rate_per_ms)
    return Passage(work, occupancy, found_open(work, occupancy, slot_wait(work, occupancy)))


@lru_cache(maxsize=128)
def closed_passage(work: Work, *, agents: int, away_ms: float) -> Passage:
    """With so many clients, each of whom comes back `away_ms` after its answer."""
    occupancy = closed_occupancy(work, agents=agents, away_ms=away_ms)
    cycle = agents / occupancy.arrivals_per_ms
    return Passage(
        work,
        occupancy,
        found_closed(work, occupancy, aligned=away_ms <= 0.0),
        others=(agents - 1) / agents,
        regular=max(0.0, cycle - away_ms) / cycle,
        away_ms=away_ms,
    )


class _Prefills:
    """Each draw's own prefill, but for its scale, worked out when it is first asked for."""

    def __init__(
        self, prefill_ms: PrefillTime, hit_rate: float, chunk: float, prompt: Lengths
    ) -> None:
        self._prefill_ms = prefill_ms
        self._kept = 1.0 - hit_rate
        self._chunk = chunk
        self._prompts = _prompts(prompt)
        self._known: dict[int, float] = {}

    def of(self, which: Sequence[int]) -> Iterator[float]:
        """Of these draws, in ms."""
        known = self._known
        if len(known) < DRAWS:
            for draw in which:
                if draw not in known:
                    known[draw] = self._worked_out(self._prompts[draw])
        return map(known.__getitem__, which)

    def _worked_out(self, tokens: float) -> float:
        todo = max(1.0, tokens * self._kept)
        return chunked_ms(self._prefill_ms, todo, cached=max(0.0, tokens - todo), chunk=self._chunk)


# The same at both ends of the interval, with other settings and any number of replicas.
_prefills = lru_cache(maxsize=128)(_Prefills)


@lru_cache(maxsize=32)
def _prompts(prompt: Lengths) -> tuple[float, ...]:
    """Each draw's prompt, in tokens."""
    return tuple(map(prompt.at_normal, draws().z_prompt))


@lru_cache(maxsize=32)
def _steps(output: Lengths) -> tuple[float, ...]:
    """Each draw's steps of decoding."""
    if output.cv <= 0.0:
        return (max(0.0, output.mean - 1.0),) * DRAWS
    return tuple(output.at_normal(z) - 1.0 for z in draws().z_output)
