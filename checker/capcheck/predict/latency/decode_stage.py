"""From the first token to the last: steps of a changing batch, and prompts in between."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from capcheck.predict.latency.arrival import Found
from capcheck.predict.latency.counts import FEW, count_at, shares_up_to
from capcheck.predict.latency.occupancy import Occupancy
from capcheck.predict.latency.work import Work, between

# An arrival adds its prefill and one more to the batch: how far the two move together. Not fitted:
# from 0 to 1 the median error of the simulated grid's p95 moves by 0.4 points, its ends by 3.
SHARED_CAUSE = 0.6


class DecodeStage:
    """Time of a request's decode steps.

    `rate` is the arrivals of others per ms. `by_step` is the share of their prompts that come in as
    others complete, which takes steps of decoding; the rest come in time, during prefill too.
    `regular` is the share that comes as evenly as the others' outputs are.
    """

    def __init__(
        self,
        work: Work,
        occupancy: Occupancy,
        *,
        rate: float,
        regular: float,
        by_step: float,
        away_ms: float,
    ) -> None:
        self.work = work
        self.rate = rate
        self.load = min(0.98, rate * work.beside_ms)
        self.stretch = self.load * (1.0 - regular)
        self.deviation = math.sqrt(1.0 - regular + regular * min(1.0, work.output.cv) ** 2)
        self.by_step = by_step
        self.away_ms = away_ms
        self.most = min(work.capacity, float(len(occupancy.running) - 1))
        others = max(0.0, self.most - 1.0)
        self.refills = others / work.decode_steps if work.decode_steps else 0.0
        self.seen = occupancy.mean_running
        self.centre = occupancy.met_by_token(work.steps_ms)
        self.variance = occupancy.variance
        self.step_ms = between(work.steps_ms, self.centre)
        self.relaxation = self._relaxation(self.step_ms)

    def _relaxation(self, step: float) -> float:
        """Time in which a deviation of the batch dies out: d rate / d n of the chain, inverted."""
        work, n = self.work, self.centre
        slope = (between(work.steps_ms, n + 1.0) - between(work.steps_ms, n - 1.0)) / 2.0
        cycle = n * work.beside_ms + work.decode_steps * step
        pull = work.decode_steps * max(step - n * slope, 0.02 * step)
        return cycle * cycle / pull if pull > 0.0 else 1.0

    def decodes_ms(
        self, found: Found, steps: Sequence[float], behinds_ms: Sequence[float]
    ) -> list[float]:
        """`steps` decode steps of each request, by what it found.

        The prompts that arrived in the last `behinds_ms` of its own prefill come first.
        """
        work, columns = self.work, found.columns
        if self.most <= 1.0:  # a batch of its own, and nobody is let in meanwhile
            return [work.steps_ms[1] * count for count in steps]
        alike, sizes = work.output.cv <= 0.0, work.prompt.cv
        longest = (*work.steps_ms, work.steps_ms[-1])
        stretch, scale = self.stretch, 1.0 - self.stretch
        timely = (1.0 - self.by_step) * self.rate / (1.0 - self.load)
        private, shared = math.sqrt(1.0 - SHARED_CAUSE**2), SHARED_CAUSE * scale
        usual, centre, most = self.step_ms, self.centre, self.most
        others = most - 1.0
        deviation, prefill = self.deviation, work.beside_ms
        most_ms = work.beside_ms / work.chunks if work.chunks else math.inf
        seen, by_step, each_refills = self.seen, self.by_step, self.refills
        comes_back = self.away_ms < math.inf
        relaxed, variance = self.step_ms / (1.0 - self.load) / self.relaxation, self.variance
        sqrt, exp = math.sqrt, math.exp
        fewer: Sequence[float] = ()
        more: Sequence[float] = ()
        known = -1.0
        decodes: list[float] = []
        put = decodes.append
        for n, count, behind, none, lump, z_lump, z_size, z_drift in zip(
            found.others,
            steps,
            behinds_ms,
            columns.none_lump,
            columns.lumps,
            columns.z_lumps,
            columns.z_current,
            columns.z_drift,
            strict=True,
        ):
            if count != known:
                if count <= 0.0:
                    put(0.0)
                    continue
                known = count
                ages = count * relaxed  # as in `_inertia`: a call for each draw costs too much
                if ages < 1e-9:
                    ages = 1e-9
                follow = (1.0 - exp(-ages)) / ages
                drift = variance * (2.0 / ages * (1.0 - follow) - follow * follow)
                drift = sqrt(drift) if drift > 0.0 else 0.0
                level = centre - seen * follow
                early = self._early(count) if comes_back else 1.0
                refills, own_ms = by_step * count * each_refills, count * usual
                longest_ms = most_ms * count
                if alike:  # most draws have the same count at both ends of the means
                    few = ((own_ms + min(behinds_ms) * early) * timely + refills) * scale
                    fewer = shares_up_to(few, stretch)
                    few = ((own_ms + max(behinds_ms) * early) * timely + refills) * scale
                    more = shares_up_to(few, stretch)
            mean = (own_ms + behind * early) * timely + refills
            noise = private * z_drift
            extra = 0.0
            if mean > 0.0:
                few = mean * scale
                counted = 0.0
                if few > none:
                    counted = bisect_left(fewer, lump)
                    if not alike or few > FEW or lump > more[counted]:
                        counted = count_at(few, stretch, lump, z_lump)
                prompts = mean + deviation * (counted - mean)
                if prompts > others - n and prompts > 0.0:
                    prompts = self._let_in(prompts, n, count, lump, z_lump)
                if prompts > 0.0:
                    extra = prompts * prefill
                    if sizes > 0.0:
                        extra *= max(0.0, 1.0 + sizes * z_size / sqrt(prompts))
                noise += shared * (prompts - mean) / sqrt(mean)
            batch = level + n * follow + noise * drift
            if batch < 1.0:
                batch = 1.0
            elif batch > most:
                batch = most
            lower = int(batch)
            step = longest[lower]
            step += (batch - lower) * (longest[lower + 1] - step)
            extra *= step / usual
            put(step * count + (extra if extra < longest_ms else longest_ms))
        return decodes

    def _let_in(self, prompts: float, n: int, count: float, share: float, z: float) -> float:
        """Of the `prompts` that come, more than slots are free beside `n`, those that get one.

        That is while `count` steps last; `share` and `z` are those of `count_at`.
        """
        work = self.work
        others, cv = self.most - 1.0, work.output.cv
        free, taken = (others - n, n) if n <= others else (0.0, others)
        # A slot that is taken refills at the rate of completions, one that is free at half of it,
        # as it is taken halfway: for equal lengths, not again (Cox 1962).
        cycles = count * (1.0 / work.decode_steps if work.decode_steps else 0.0)
        again = max(0.0, 0.5 * cycles + 0.5 * (cv**2 - 1.0))
        turns = taken * cycles
        limit = free * (1.0 + again) + turns * (1.0 + cv)
        if prompts <= limit:
            return prompts
        # Nobody is let in but for others that complete: a rare event counts whole in a short stay
        # (binomial), in a long one as the outputs vary (renewals).
        turns += free * again
        rare = count_at(turns, 0.0, share, z)
        even = math.sqrt(max(min(1.0, cv) ** 2, 1.0 - cycles))
        return min(prompts, max(limit, free + turns + even * (rare - turns)))

    def rough_ms(self, found: Found, steps: Sequence[float]) -> list[float]:
        """`decodes_ms` to first order in what varies: enough to tell which draws are long."""
        work, columns = self.work, found.columns
        usual = work.decode_steps
        if not usual:
            return [0.0] * len(steps)
        follow, drift = self._inertia(usual)
        after = between(work.steps_ms, self.centre + 1.0)
        slope = 0.5 * (after - between(work.steps_ms, self.centre - 1.0))
        prompts = (1.0 - self.by_step) * self.rate / (1.0 - self.load) * self.step_ms
        prompts += self.by_step * self.refills  # a step
        tilt = slope * follow
        each = self.step_ms + prompts * work.beside_ms - tilt * self.seen
        lump = work.beside_ms * self.deviation * math.sqrt(prompts / (1.0 - self.stretch) ** 3)
        shared = slope * drift * SHARED_CAUSE
        noise = slope * drift * math.sqrt(1.0 - SHARED_CAUSE**2)
        if work.output.cv <= 0.0:
            root = math.sqrt(usual)
            each, tilt, noise = usual * each, usual * tilt, usual * noise
            shared = usual * shared + root * lump
            return [
                each + tilt * n + shared * z_lump + noise * z_drift
                for n, z_lump, z_drift in zip(
                    found.others, columns.z_lumps, columns.z_drift, strict=True
                )
            ]
        return [
            count * (each + tilt * n + shared * z_lump + noise * z_drift)
            + math.sqrt(count) * lump * z_lump
            for n, count, z_lump, z_drift in zip(
                found.others, steps, columns.z_lumps, columns.z_drift, strict=True
            )
        ]

    def _early(self, count: float) -> float:
        """Share of the prompts ahead of `count` steps that are not missing from later ones.

        A closed loop's clients come back once: a deviation of those that are away dies out.
        """
        stay = count * self.step_ms / (1.0 - self.load)
        return self.away_ms / (self.away_ms + stay)

    def _inertia(self, count: float) -> tuple[float, float]:
        """How far the mean batch over a stay follows the first, and deviates besides."""
        ages = count * self.step_ms / (1.0 - self.load) / self.relaxation
        if ages < 1e-9:
            ages = 1e-9
        follow = (1.0 - math.exp(-ages)) / ages
        deviation = self.variance * (2.0 / ages * (1.0 - follow) - follow * follow)
        return follow, math.sqrt(deviation) if deviation > 0.0 else 0.0
