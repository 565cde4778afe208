"""From a slot to the first token: the running step, the prompts ahead, one's own prefill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from capcheck.predict.latency.arrival import Found
from capcheck.predict.latency.counts import FEW, count_at
from capcheck.predict.latency.draws import DRAWS, by_rank
from capcheck.predict.latency.lengths import gamma_at_normal
from capcheck.predict.latency.normal import normal_quantile, normal_share
from capcheck.predict.latency.queueing import Wait, backlog, mg1_wait
from capcheck.predict.latency.work import Work, between, uncached_tokens


class PrefillStage:
    """Time to the first token of a request that has a slot.

    `found` is what all draws find, `rate` the arrivals of others per ms, `batch` the requests that
    typically run and `variance` theirs over time, `busy` the share of time that any do and
    `away_ms` how long a client stays away, infinite in an open loop.
    """

    def __init__(
        self,
        work: Work,
        found: Found,
        *,
        rate: float,
        batch: float,
        busy: float,
        away_ms: float,
        regular: float,
        variance: float,
    ) -> None:
        self.work = work
        self.rate = rate
        self.away_ms = away_ms
        self.regular = regular
        self.batch = batch
        self.variance = variance
        self.load = min(0.98, rate * work.beside_ms)
        self.shared = min(work.server.prefill_shared_ms, work.beside_ms)
        self.each = work.beside_ms - self.shared  # of a prompt that is not alone
        self.busy = max(busy, self.load, 1e-9)
        self.chunked = work.server.chunked_prefill
        prompt = uncached_tokens(work.server, work.prompt.mean)
        share = work.chunks or prompt / work.server.max_num_batched_tokens
        self.room = max(1.0, 1.0 / share if self.chunked else math.floor(1.0 / share))
        self.chunks = max(1.0, work.chunks) if self.chunked else 0.0
        self.step = between(work.steps_ms, batch)
        self.refill = 1.0 / work.decode_steps if work.decode_steps else 1.0
        self.all = found

    def first_tokens_ms(
        self, found: Found, prefills_ms: Sequence[float]
    ) -> tuple[Sequence[float], Sequence[float]]:
        """Times to the first token, and how long others queued up behind meanwhile."""
        if self.room >= 2.0:
            return self._in_iterations(found, prefills_ms)
        return self._one_by_one(found, prefills_ms)

    def _one_by_one(
        self, found: Found, prefills_ms: Sequence[float]
    ) -> tuple[Sequence[float], Sequence[float]]:
        """Prompts one after the other: an M/G/1 queue whose server steps between them."""
        nobody, aligned_draws = self._nobody_and_aligned
        if nobody == DRAWS:
            return prefills_ms, prefills_ms
        work = self.work
        alone = work.beside_ms + self.chunks * self._step_beside_prompts()
        spread = work.prompt.cv**2
        # Beside a full prefill queue fewer requests decode, so that it stays below saturation.
        alone = min(alone, 0.95 / self.rate) if self.rate > 0.0 else alone
        queue = mg1_wait(
            rate=self.rate,
            mean=alone,
            second=alone**2 * (1.0 + spread),
            third=alone**3 * (1.0 + spread) * (1.0 + 2.0 * spread),
        )
        own_chunks = math.ceil(self.chunks)
        along = self._along(queue, alone)
        across, deviates = math.sqrt(1.0 - along * along), by_rank()
        # From ranks among those that find some, and room, to ranks among all.
        stretch = DRAWS / max(1, DRAWS - nobody - aligned_draws)
        steps, most, busy, chunked = work.steps_ms, work.most_decoding, self.busy, self.chunked
        quantile, waits_from = queue.quantile, _waits_from(queue.delayed / busy)
        # Who is below that whatever else it finds.
        below = (waits_from - along * deviates[-1]) / across if across > 0.0 else -math.inf
        firsts: list[float] = []
        put = firsts.append
        columns = found.columns
        for rank, n, aligned, prefill, phase, joined, z_joined in zip(
            columns.arrival,
            found.others,
            found.aligned,
            prefills_ms,
            columns.phase,
            columns.joined,
            columns.z_joined,
            strict=True,
        ):
            if n == 0:
                put(prefill)
                continue
            step = steps[n]
            total = prefill + step * own_chunks
            ahead = (n - most) * alone
            if not aligned:
                total += step * phase
                if z_joined > below:
                    if along > 0.0:
                        among = min(DRAWS - 1, int((rank - nobody) * stretch))
                        z_joined = along * deviates[among] + across * z_joined
                        joined = normal_share(z_joined) if z_joined > waits_from else 0.0
                    waited = quantile(1.0 - busy * (1.0 - joined))
                    if waited > ahead:
                        ahead = waited if waited < n * alone else max(ahead, n * alone)
            elif not chunked:
                # Others whose slots came free in the same step go first by chance.
                ahead = count_at(n * self.refill, 0.0, joined, z_joined) * phase * alone
            put(total + ahead if ahead > 0.0 else total)
        return firsts, firsts

    @cached_property
    def _nobody_and_aligned(self) -> tuple[int, int]:
        """How many of all draws find nobody in a slot, and how many come as a step ends."""
        others, aligned = self.all.others, self.all.aligned
        if not any(aligned):
            return others.count(0), 0
        return list(zip(others, aligned, strict=True)).count((0, False)), sum(aligned)

    def _along(self, queue: Wait, alone: float) -> float:
        """How far finding many in slots goes with finding a long prefill queue: a correlation.

        Its square is the share of the variance of those in slots that those in the queue have. A
        closed loop's queue is shorter than this one's.
        """
        if self.away_ms < math.inf:
            return 0.0
        square = queue.delayed * queue.mean_if_delayed**2 * (1.0 + queue.cv_if_delayed**2)
        queued = (square - queue.mean**2) / alone**2
        return math.sqrt(queued / self.variance) if queued < self.variance else 1.0

    def _step_beside_prompts(self) -> float:
        """While prompts follow one another, each leaves its decode steps to the next chunks.

        The batch grows towards that as far as a busy period (1 / (1 - load) prompts) lasts.
        """
        work = self.work
        if not self.chunked or not work.decode_steps:
            return self.step
        busy = min(work.capacity, work.decode_steps / self.chunks)
        idle = 1.0 - self.rate * (work.prefill_ms + self.chunks * self.step)
        grown = self.chunks / max(0.05, idle) / work.decode_steps
        return self.step + min(1.0, grown) * max(0.0, between(work.steps_ms, busy) - self.step)

    def _in_iterations(
        self, found: Found, prefills_ms: Sequence[float]
    ) -> tuple[Sequence[float], Sequence[float]]:
        """Several prompts to an iteration; what does not fit into one is left for the next."""
        work, room, rate, each = self.work, self.room, self.rate, self.each
        iteration = self.shared + room * each + self.chunks * self.step
        offered = rate * iteration
        returns = self.away_ms
        if self.away_ms < math.inf and self.chunked:
            # Who comes back as others complete comes by the step, however long it takes, and a
            # client is away from the prompts while it decodes, too.
            returns += work.decode_steps * iteration
            offered -= self.regular * max(0.0, offered - self.batch * self.refill)
        some, left_mean = backlog(offered=offered, room=room, spread=1.0 + work.prompt.cv**2)
        # A closed loop's arrivals thin out as its clients queue up: a half-normal's mean of the
        # Ornstein-Uhlenbeck deviation.
        if self.away_ms < math.inf:
            pull = math.sqrt(offered * returns / (math.pi * iteration))
            left_mean = min(left_mean, pull)
        currents = self._current_iterations(found)
        firsts, behinds = [], []
        columns = found.columns
        most = work.slots - 1.0
        for n, running, prefill, phase, current, none, joined, z_joined, queue in zip(
            found.others,
            currents,
            prefills_ms,
            columns.phase,
            columns.current,
            columns.none_joined,
            columns.joined,
            columns.z_joined,
            columns.queue,
            strict=True,
        ):
            if n == 0:
                firsts.append(prefill)
                behinds.append(prefill)
                continue
            own = work.steps_ms[n] * self.chunks + prefill
            aligned = running <= 0.0
            mean = n * self.refill if aligned else rate * running
            others = 0.0 if mean <= none else count_at(mean, 0.0, joined, z_joined)
            exceeding = current if aligned else queue
            if exceeding < some and n > room:
                others = min(most, others)
                left = min(n - 1.0, -left_mean * math.log(exceeding / some))
                ahead = left + others * (1.0 - phase)
                full = int(ahead / room)
                own += each * max(0.0, min(room - 1.0, left + others - full * room))
                firsts.append(running * phase + full * iteration + own)
            elif others > 0.0:
                others = min(most, others)
                full = int(others * (1.0 - phase) / room)
                own += each * max(0.0, min(room - 1.0, others - full * room))
                firsts.append(running * phase + full * iteration + own)
            else:
                firsts.append(running * phase + own)
            behinds.append(own)
        return firsts, behinds

    def _current_iterations(self, found: Found) -> list[float]:
        """The iteration that each arrival falls into: met in proportion to its length.

        It holds the prompts that fit at most: they are among the requests in slots. 0 for those who
        come as a step ends.
        """
        load, each, shared, chunked = self.load, self.each, self.shared, self.chunked
        # Long iterations breed long ones: variance / (1 - load^2), seen once more by its length.
        swell = (load / (1.0 - load**2) - load) * (1.0 - load)
        rate = self.rate if chunked else self.rate * (1.0 - load)
        steps, room = self.work.steps_ms, self.room
        # Who finds nobody falls into no prefill, so that the others do the more often.
        spread = self.work.prompt.cv**2
        inside_share = min(0.98, load / self.busy)
        columns = found.columns
        known: dict[int, tuple[float, float]] = {}
        currents = []
        for n, aligned, share, z, z_size in zip(
            found.others,
            found.aligned,
            columns.current,
            columns.z_current,
            columns.z_drift,
            strict=True,
        ):
            if aligned or n == 0:
                currents.append(0.0)
                continue
            step = steps[n]
            inside = share < inside_share
            if not inside and not chunked:
                currents.append(step)
                continue
            past = share - inside_share
            rest = share / inside_share if inside else past / (1.0 - inside_share)
            if n not in known:  # the mean of the others' count, and how often it is none
                mean = rate * step + swell
                known[n] = mean, math.exp(-mean) if mean <= FEW else 0.0
            mean, none = known[n]
            prompts: float = inside
            if rest > none:
                prompts += count_at(mean, load, min(rest, 1.0 - 1e-6), z)
            most = n if n < room else room
            if prompts > most:
                prompts = most
            prefill = shared + prompts * each if prompts else 0.0
            if prompts and spread > 0.0:
                # Of prompts met by their length one is long: a gamma's shape grows by one.
                shape = prompts / spread
                met = shape + inside
                prefill *= gamma_at_normal(met / shape, 1.0 / math.sqrt(met), z_size)
                if chunked:
                    prefill = min(prefill, shared + room * each)
            currents.append(step + prefill if chunked else prefill)
        return currents


def _waits_from(share: float) -> float:
    """A normal deviate below which nobody is among the `share` that wait, the upper ones.

    By more than the error of `normal_quantile`.
    """
    if share <= 0.0:
        return math.inf
    return -normal_quantile(share) - 1e-3 if share < 1.0 else -math.inf
