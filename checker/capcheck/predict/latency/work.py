"""The GPU work of one request, and how fast a batch of them completes."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, islice

from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import PrefillTime, Server
from capcheck.records import dataclass, replace

KEPT = 512  # works remembered: 20 KiB each with 256 slots, 0.2 MiB with 2,048


@dataclass(frozen=True, slots=True)
class Work:
    """What a server does with requests of given lengths; times in ms.

    `admits[n]` is the probability that n requests in slots leave room for one more: 1 below
    max_num_seqs, less where the KV pool may be full; `slots` is the first n that surely leaves
    none, `capacity` the mean number in slots when others wait. `steps_ms[n]` is one decode step
    of n requests and `completion_ms[n]` the mean GPU time between completions with n of them in the
    system, n = 0 .. slots. `prefill_ms` is one request's own, `beside_ms` what it takes from the
    others; `decode_steps` the steps after its first token; `chunks` the iterations' worth of tokens
    that a chunked prompt takes (below 1 where several fit into one, 0 when prefill is not chunked),
    `most_decoding` the requests that chunked prefill lets decode at once, infinite when it is not
    chunked.
    """

    server: Server
    prompt: Lengths
    output: Lengths
    slots: int
    capacity: float
    kv_limited: bool
    admits: tuple[float, ...]
    prefill_ms: float
    beside_ms: float
    decode_steps: float
    chunks: float
    most_decoding: float
    steps_ms: tuple[float, ...]
    completion_ms: tuple[float, ...]

    def __hash__(self) -> int:
        """By that from which the rest follows."""
        return hash((self.server, self.prompt, self.output))

    @property
    def saturation_per_ms(self) -> float:
        """The arrival rate at which all slots are always busy."""
        return 1.0 / self.completion_ms[self.slots]


def uncached_tokens(server: Server, prompt_tokens: float) -> float:
    """Prompt tokens that are left to prefill, at least one."""
    return max(1.0, prompt_tokens * (1.0 - server.prefix_hit_rate))


def prefill_work_ms(server: Server, prompt_tokens: float) -> float:
    """GPU time of one prompt's prefill, in the chunks that the server cuts it into."""
    todo = uncached_tokens(server, prompt_tokens)
    cached = max(0.0, prompt_tokens - todo)
    took = chunked_ms(server.prefill_ms, todo, cached=cached, chunk=chunk_tokens(server))
    return server.prefill_scale * took


def chunk_tokens(server: Server) -> float:
    """The most tokens of a prompt that one iteration takes."""
    return float(server.max_num_batched_tokens) if server.chunked_prefill else math.inf


def chunked_ms(prefill_ms: PrefillTime, tokens: float, *, cached: float, chunk: float) -> float:
    """The prefill of so many tokens behind `cached` ones, in pieces of `chunk`."""
    if tokens <= chunk:
        return prefill_ms(tokens=tokens, context_tokens=cached)
    return _in_chunks_ms(prefill_ms, tokens, cached, chunk)


# The same at all ends and for all numbers of slots.
@lru_cache(maxsize=4096)
def _in_chunks_ms(prefill_ms: PrefillTime, tokens: float, cached: float, chunk: float) -> float:
    chunks = math.floor(tokens / chunk)
    total = 0.0
    for index in range(chunks):
        total += prefill_ms(tokens=chunk, context_tokens=cached + index * chunk)
    rest = tokens - chunks * chunk
    if rest >= 1.0:
        total += prefill_ms(tokens=rest, context_tokens=cached + chunks * chunk)
    return total


def beside_ms(server: Server, prefill: float) -> float:
    """What a prefill takes from the requests that decode beside it."""
    shared = min(server.prefill_shared_ms, prefill)
    return shared + server.prefill_beside * (prefill - shared)


def _mean_prefill_ms(server: Server, prompt: Lengths, middle: float) -> float:
    """The mean over prompts, whose attention grows with their square (3-point Hermite).

    `middle` is the prefill of the mean prompt.
    """
    if prompt.cv <= 0.0:
        return middle
    spread = math.sqrt(3.0) * prompt.cv * prompt.mean
    above = prefill_work_ms(server, prompt.mean + spread)
    below = prefill_work_ms(server, max(1.0, prompt.mean - spread))
    return (above + below) / 6.0 + middle * 2.0 / 3.0


def admission(server: Server, prompt: Lengths, output: Lengths) -> tuple[float, ...]:
    """P(room for one more) beside 0, 1, 2, ... running requests, up to the first that is 0."""
    sure, room = _room(server, prompt, output)
    return (*(1.0,) * sure, *room, 0.0)


def without_idle_bound(server: Server, prompt: Lengths, output: Lengths) -> Server:
    """The server, not bound by a KV pool that its slots never fill: what works alike is equal."""
    if server.kv_tokens is None:
        return server
    sure, room = _room(server, prompt, output)
    is_idle = sure + len(room) >= server.slots and (not room or room[-1] >= 1.0)
    return replace(server, kv_tokens=None) if is_idle else server


def _room(server: Server, prompt: Lengths, output: Lengths) -> tuple[int, list[float]]:
    """How many surely find room, one after the other, and P(room) for each after them.

    A running request is more often a long one: it is met in proportion to its output. A pool of
    `fit` of their mean lengths holds `fit` - 1/2 requests of varying lengths (the head of the queue
    waits until it fits: renewal theory's half item), a whole number of equal ones; in
    between the rounding fades with the spread like the first harmonic of a saw-tooth. How many it
    holds at a time is spread as the sum of their lengths.
    """
    most = max(1, server.slots)
    if server.kv_tokens is None:
        return most, []
    tokens = prompt.mean + server.kv_output_share * output.length_biased_mean
    fit = server.kv_tokens / tokens
    if fit >= 2.0 * most:
        return most, []
    deviation = server.kv_output_share * output.cv * output.length_biased_mean
    deviation /= math.sqrt(1.0 + output.cv**2)
    spread = math.hypot(prompt.cv * prompt.mean, deviation) / tokens * math.sqrt(fit)
    rounding = math.exp(-2.0 * (math.pi * spread) ** 2)
    mean = max(1.0, fit - 0.5 + rounding * (0.5 - fit % 1.0))
    width = math.hypot(spread, 1e-3 + 0.29 * (1.0 - rounding))
    last = min(most, max(1, math.ceil(mean + 3.0 * width)))
    # Six times this scale and more below the mean, 1 to the last digit.
    scale = width * math.sqrt(2.0)
    sure = min(last, max(1, int(mean - 0.5 - 6.0 * scale)))
    return sure, [0.5 * math.erfc((n + 0.5 - mean) / scale) for n in range(sure, last)]


def surely_admitted(admits: Sequence[float]) -> int:
    """How many requests in slots surely find room, one after the other."""
    return bisect_left(admits, True, key=lambda room: room < 1.0)


def between(steps: Sequence[float], at: float) -> float:
    """Linear interpolation in a table with one entry per whole number, clamped to its ends."""
    lower = max(0, min(len(steps) - 2, int(at)))
    share = min(1.0, at - lower)
    return steps[lower] + share * (steps[lower + 1] - steps[lower])


@dataclass(frozen=True, slots=True)
class _Sharing:
    """How the requests in slots split into those that prefill and those that decode.

    Times in iterations: a prompt takes `chunks` of the token budget's and at least one, a request
    decodes for `decode_steps`. `spread` is the squared variation of prompts; `room` prompts fit
    into an iteration, which pays `shared_ms` of their prefills once.
    """

    decode_steps: float
    chunks: float
    most_decoding: float
    spread: float
    room: float
    shared_ms: float

    def saved_ms(self, decoding: float) -> float:
        """Of one request's prefill, what the other prompts of its iteration pay.

        While a step is running decoding / decode_steps requests end, and as many come: an iteration
        with a prompt in it holds as many as a Poisson count that is not zero.
        """
        if not self.shared_ms:
            return 0.0
        mean = decoding / max(1.0, self.decode_steps)
        together = min(max(1.0, self.room), mean / -math.expm1(-mean))
        return self.shared_ms * (1.0 - 1.0 / together)

    def decoding(self, running: float) -> float:
        """Of `running` requests in slots, those that get a token in a step.

        A machine-repairman queue: prompts pass the budget one after the other, each to come back
        decode_steps later. Approximate mean-value analysis with the residual work of an M/G/1
        queue (Reiser and Lavenberg 1980, Schweitzer 1979), solved for the budget's utilisation.
        """
        if not self.decode_steps:
            return 1.0
        if not self.chunks:
            return running
        alone = self.decode_steps + max(1.0, self.chunks)
        others = (running - 1.0) / running
        square = others * alone - self.chunks * max(0.0, others - (1.0 - self.spread) / 2.0)
        demand = running * self.chunks
        linear = alone + demand * others
        if square <= 1e-9:
            busy = demand / linear
        else:
            root = math.sqrt(max(0.0, linear * linear - 4.0 * square * demand))
            busy = min(1.0, 2.0 * demand / (linear + root))
        return max(1.0, self.decode_steps * busy / self.chunks)


def _sharing(
    server: Server, prompt: Lengths, output: Lengths, *, capacity: float, middle: float
) -> _Sharing:
    """The split on this server, `middle` the prefill of the mean prompt.

    A step holds `max_num_batched_tokens`: one for each decoding request, the rest for prompts. A
    request takes prompt + decode steps of them, so that the budget lets budget * decode steps / (
    prompt + decode steps) decode at once however many slots there are.
    """
    decode_steps = max(0.0, output.mean - 1.0)
    budget = float(server.max_num_batched_tokens)
    todo = uncached_tokens(server, prompt.mean)
    alike = budget / todo, min(server.prefill_shared_ms, middle)
    if not server.chunked_prefill:
        return _Sharing(decode_steps, 0.0, math.inf, 0.0, *alike)
    most = max(1.0, budget * decode_steps / (todo + decode_steps))
    beside = min(capacity, most, budget / 2.0)
    return _Sharing(decode_steps, todo / (budget - beside), most, min(1.0, prompt.cv**2), *alike)


def work_of(server: Server, *, prompt: Lengths, output: Lengths) -> Work:
    """The work of requests with these lengths on this server.

    With n requests in slots a completion takes prefill + (decode steps) * step(n) / n. A chunked
    prefill also holds its slot for the steps that it shares with the others, which leaves
    fewer requests to give a token to.
    """
    alone = server.alone
    work = _work_of(alone, prompt, output)
    return work if alone is server else replace(work, server=server)


# The same at any rate over any number of replicas, which a search and the headroom try in turn.
@lru_cache(maxsize=KEPT)
def _work_of(server: Server, prompt: Lengths, output: Lengths) -> Work:
    admits = admission(server, prompt, output)
    slots, capacity = len(admits) - 1, math.fsum(admits)
    middle = prefill_work_ms(server, prompt.mean)
    prefill = _mean_prefill_ms(server, prompt, middle)
    sharing = _sharing(server, prompt, output, capacity=capacity, middle=middle)
    decode_steps = sharing.decode_steps
    knots = _knots(slots)
    context = _context(prompt, output)
    values = [server.step_ms(sequences=knot, context_tokens=context) for knot in knots]
    steps = _filled(knots, values)
    beside = beside_ms(server, prefill)
    rates = _filled(
        knots,
        [_rate(sharing, prefill if n == 1 else beside, steps, float(n)) for n in knots],
    )
    sure = surely_admitted(admits)
    running = accumulate(admits[sure:slots], initial=float(sure))
    completion = [1.0 / rate for rate in rates[1 : sure + 1]]
    completion += [1.0 / between(rates, most) for most in islice(running, 1, None)]
    return Work(
        server=server,
        prompt=prompt,
        output=output,
        slots=slots,
        capacity=capacity,
        kv_limited=slots < server.slots or admits[-2] < 1.0,
        admits=admits,
        prefill_ms=prefill,
        beside_ms=beside,
        decode_steps=decode_steps,
        chunks=sharing.chunks,
        most_decoding=sharing.most_decoding,
        steps_ms=steps,
        completion_ms=(0.0, *completion),
    )


def saturation_per_ms(server: Server, *, prompt: Lengths, output: Lengths) -> float:
    """The same saturation as that of `work_of`, from a few step times."""
    sure, room = _room(server, prompt, output)
    capacity = math.fsum([sure, *room])
    middle = prefill_work_ms(server, prompt.mean)
    prefill = _mean_prefill_ms(server, prompt, middle)
    sharing = _sharing(server, prompt, output, capacity=capacity, middle=middle)
    beside = beside_ms(server, prefill)
    knots = _knots(sure + len(room))
    context = _context(prompt, output)

    def step(at: float) -> float:
        return _at_knots(knots, at, lambda n: server.step_ms(sequences=n, context_tokens=context))

    def rate(running: float) -> float:
        decoding = sharing.decoding(running)
        own = (prefill if running <= 1.0 else beside) - sharing.saved_ms(decoding)
        return decoding / (own * decoding + sharing.decode_steps * step(decoding))

    return _at_knots(knots, capacity, rate)


def _rate(sharing: _Sharing, prefill: float, steps: Sequence[float], running: float) -> float:
    """Completions per ms with so many in slots."""
    decoding = sharing.decoding(running)
    own = prefill - sharing.saved_ms(decoding)
    return decoding / (own * decoding + sharing.decode_steps * between(steps, decoding))


def _at_knots(knots: Sequence[int], at: float, value: Callable[[float], float]) -> float:
    """Linear between the two knots around `at`, like `_filled`."""
    upper = min(len(knots) - 1, bisect_left(knots, at))
    right = float(knots[upper])
    if at >= right or upper == 0:
        return value(right)
    left = float(knots[upper - 1])
    below, above = value(left), value(right)
    return below + (at - left) / (right - left) * (above - below)


def _context(prompt: Lengths, output: Lengths) -> float:
    """Mean tokens cached for a request while it decodes."""
    return prompt.mean + output.length_biased_mean / 2.0


@lru_cache(maxsize=64)
def _knots(slots: int) -> tuple[int, ...]:
    """Batch sizes at which the step is evaluated: all up to 8, then 1.25 apart."""
    knots = list(range(1, min(slots, 8) + 1))
    while knots[-1] < slots:
        knots.append(min(slots, math.ceil(knots[-1] * 1.25)))
    return tuple(knots)


def _filled(knots: Sequence[int], values: Sequence[float]) -> tuple[float, ...]:
    """A value for 0 .. the last knot, linear between knots; 0 for no request."""
    steps = [0.0, values[0]]
    for left, right, low, high in zip(knots, knots[1:], values, values[1:], strict=False):
        slope = (high - low) / (right - left)
        steps += [low + slope * n for n in range(1, right - left + 1)]
    return tuple(steps)
