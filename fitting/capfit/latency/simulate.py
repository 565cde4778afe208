"""Discrete-event simulation of the batch server that capcheck.predict models.

The same server, request by request: Poisson arrivals or a closed loop of agents, first come first
served, at most `slots` running, a KV pool in which each request reserves its whole length, decode
steps that grow with the batch and its context, prefill chunked into steps or pausing them.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Server
from numpy.typing import NDArray

from capfit.latency.trace import Trace


def draw_lengths(lengths: Lengths, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole lengths of at least one token from the gamma distribution that `lengths` stands for."""
    if lengths.cv <= 0.0:
        return np.full(count, max(1, round(lengths.mean)), dtype=np.int64)
    shape = 1.0 / lengths.cv**2
    drawn = rng.gamma(shape, lengths.mean / shape, count)
    return np.maximum(1, np.rint(drawn)).astype(np.int64)


def simulate_open(
    server: Server,
    *,
    requests_per_second: float,
    prompt: Lengths,
    output: Lengths,
    requests: int,
    seed: int,
) -> Trace:
    """Arrivals from an empty server; drop the warm-up with `Trace.after`.

    Gaps are exponential, or of a gamma with the server's `arrival_spread`.
    """
    rng = np.random.default_rng(seed)
    gap, spread = 1000.0 / requests_per_second, server.arrival_spread
    gaps = rng.exponential(gap, requests) if spread == 1.0 else None
    sent = np.cumsum(rng.gamma(1.0 / spread, gap * spread, requests) if gaps is None else gaps)
    return simulate_arrivals(
        server,
        sent_ms=sent.tolist(),
        prompt_tokens=draw_lengths(prompt, requests, rng).tolist(),
        output_tokens=draw_lengths(output, requests, rng).tolist(),
    )


def simulate_arrivals(
    server: Server,
    *,
    sent_ms: Sequence[float],
    prompt_tokens: Sequence[int],
    output_tokens: Sequence[int],
) -> Trace:
    """Requests sent at given times (ascending)."""
    engine = Engine(server, prompt_tokens, output_tokens)
    for request, sent in enumerate(sent_ms):
        engine.send(request, sent)
    engine.run()
    return engine.trace()


def simulate_closed(
    server: Server,
    *,
    agents: int,
    think_time_s: float,
    prompt: Lengths,
    output: Lengths,
    requests: int,
    seed: int,
    think_cv: float = 0.0,
) -> Trace:
    """`agents` clients that each send, wait for the answer, think, and send again.

    They start spread over one single-stream latency, so that a fixed length does not lock them
    together for ever.
    """
    rng = np.random.default_rng(seed)
    prompts = draw_lengths(prompt, requests, rng).tolist()
    outputs = draw_lengths(output, requests, rng).tolist()
    think = np.full(requests, think_time_s * 1000.0)
    if think_cv > 0.0 and think_time_s > 0.0:
        think = rng.gamma(1.0 / think_cv**2, think_time_s * 1000.0 * think_cv**2, requests)
    step = server.step_ms(sequences=1, context_tokens=prompt.mean)
    spread = server.prefill_scale * server.prefill_ms(tokens=prompt.mean) + output.mean * step
    spread += think_time_s * 1000.0
    return run_agents(
        server,
        starts_ms=sorted(rng.uniform(0.0, spread, min(agents, requests)).tolist()),
        prompt_tokens=prompts,
        output_tokens=outputs,
        think_ms=think.tolist(),
    )


def run_agents(
    server: Server,
    *,
    starts_ms: Sequence[float],
    prompt_tokens: Sequence[int],
    output_tokens: Sequence[int],
    think_ms: Sequence[float],
    poll_steps: int = 1,
) -> Trace:
    """One agent a start; whoever has its answer takes the next request until none is left."""
    engine = Engine(server, prompt_tokens, output_tokens, think_ms=think_ms, poll_steps=poll_steps)
    for start in starts_ms:
        engine.send_next(start)
    engine.run()
    return engine.trace()


class Engine:
    """The server's state; one pass of `run` is one step, or as many equal ones as can be.

    While it decodes, it looks for new requests every `poll_steps` steps.
    """

    def __init__(
        self,
        server: Server,
        prompts: Sequence[int],
        outputs: Sequence[int],
        *,
        think_ms: Sequence[float] | None = None,
        poll_steps: int = 1,
    ) -> None:
        count = len(prompts)
        self.server = server
        self.prompts = prompts
        self.outputs = outputs
        self.think_ms = think_ms
        self.poll_steps = poll_steps
        self.next_look = 0
        self.sent = [0.0] * count
        self.started = [0.0] * count
        self.first = [0.0] * count
        self.finished = [-1.0] * count
        self.next_request = 0
        self.arrivals: list[tuple[float, int]] = []
        self.waiting: deque[int] = deque()
        self.prefilling: deque[list[int]] = deque()  # [request, tokens done, tokens to do]
        self.decoding: list[tuple[int, int]] = []  # heap of (step count at the last token, request)
        self.decode_context = 0  # cached tokens of all decoding requests, less `steps` for each
        self.steps = 0
        self.reserved = 0.0
        self.now = 0.0
        self.until = math.inf
        self.busy = 0.0
        self.lost = 0

    def send(self, request: int, at: float) -> None:
        """A request of a client, at a time in ms that is not past."""
        self.sent[request] = at
        heapq.heappush(self.arrivals, (at + self.server.host_delay_ms, request))

    def send_next(self, at: float) -> None:
        """The next request of the list, if any is left."""
        if self.next_request < len(self.prompts):
            self.send(self.next_request, at)
            self.next_request += 1

    def run(self, until: float = math.inf) -> None:
        """To the end, or to the end of the step that is running at `until`."""
        self.until = until
        while self.now < until:
            if not (self.waiting or self.prefilling or self.decoding):
                if not self.arrivals or self.arrivals[0][0] >= until:
                    return
                self.now = max(self.now, self.arrivals[0][0])
            if self.poll_steps == 1 or not self.decoding or self.steps >= self.next_look:
                self._receive()
                self.next_look = self.steps + self.poll_steps
            blocked = self._admit()
            if self.prefilling:
                self._prefill()
            elif self.decoding:
                self._decode(blocked)

    @property
    def outstanding(self) -> int:
        """Requests that were sent and are not answered."""
        return len(self.arrivals) + len(self.waiting) + len(self.prefilling) + len(self.decoding)

    def trace(self) -> Trace:
        """What was served, in order of sending."""
        served = [i for i, finished in enumerate(self.finished) if finished >= 0.0]
        served.sort(key=self.sent.__getitem__)
        chosen = np.array(served, dtype=np.int64)
        return Trace(
            np.array(self.sent)[chosen],
            np.array(self.started)[chosen],
            np.array(self.first)[chosen],
            np.array(self.finished)[chosen],
            np.array(self.outputs, dtype=np.int64)[chosen],
            self.busy,
            self.lost,
            self.server.host_delay_ms,
        )

    def _receive(self) -> None:
        limit = self.server.max_queue
        while self.arrivals and self.arrivals[0][0] <= self.now:
            _, request = heapq.heappop(self.arrivals)
            running = len(self.prefilling) + len(self.decoding)
            full = limit is not None and len(self.waiting) >= limit
            if full and running >= self.server.slots:
                self.lost += 1
                self._next_of_agent(request, self.now)
            else:
                self.waiting.append(request)

    def _admit(self) -> bool:
        """Give out slots; True when somebody still waits."""
        pool = self.server.kv_tokens
        while self.waiting:
            running = len(self.prefilling) + len(self.decoding)
            request = self.waiting[0]
            need = self._tokens(request)
            no_room = pool is not None and running > 0 and self.reserved + need > pool
            if running >= self.server.slots or no_room:
                return True
            self.waiting.popleft()
            self.reserved += need
            self.started[request] = self.now
            cached = int(self.prompts[request] * self.server.prefix_hit_rate)
            todo = max(1, self.prompts[request] - cached)
            self.prefilling.append([request, self.prompts[request] - todo, todo])
        return False

    def _tokens(self, request: int) -> float:
        return self.prompts[request] + self.server.kv_output_share * self.outputs[request]

    def _step_ms(self, context_ahead: float = 0.0) -> float:
        count = len(self.decoding)
        context = self.decode_context / count + self.steps + context_ahead
        return self.server.step_ms(sequences=count, context_tokens=context)

    def _prefill(self) -> None:
        """One step with prefill in it: beside the decoding requests when chunked, else alone."""
        chunked = self.server.chunked_prefill
        budget = self.server.max_num_batched_tokens
        duration = 0.0
        beside = chunked and bool(self.decoding)
        if beside:
            budget = max(1, budget - len(self.decoding))
            duration += self._step_ms()
        done: list[int] = []
        shared = 0.0
        share = self.server.prefill_beside if self.decoding else 1.0
        late = 0.0
        for entry in self.prefilling:
            request, cached, todo = entry
            if budget <= 0 or (not chunked and done and todo > budget):
                break
            tokens = min(todo, budget) if chunked else todo
            took = self.server.prefill_ms(tokens=tokens, context_tokens=cached)
            took *= self.server.prefill_scale
            own = took - min(self.server.prefill_shared_ms, took)
            duration += share * own + max(0.0, took - own - shared)
            shared = self.server.prefill_shared_ms
            late = (1.0 - share) * own
            budget -= tokens
            entry[1] += tokens
            entry[2] -= tokens
            if entry[2] == 0:
                done.append(request)
        self._advance(duration)
        if beside:
            self.steps += 1
            self._finish()
        for request in done:
            self.prefilling.popleft()
            self.first[request] = self.now + late
            if self.outputs[request] <= 1:
                self._leave(request)
            else:
                last = self.steps + self.outputs[request] - 1
                heapq.heappush(self.decoding, (last, request))
                self.decode_context += self.prompts[request] + 1 - self.steps

    def _decode(self, blocked: bool) -> None:
        """Steps up to the next completion, or to the next arrival that could be let in."""
        count = self.decoding[0][0] - self.steps
        next_arrival = min(self.until, self.arrivals[0][0] if self.arrivals else math.inf)
        if (
            self.poll_steps == 1
            and next_arrival < math.inf
            and not blocked
            and len(self.decoding) < self.server.slots
        ):
            gap = next_arrival - self.now
            first = self._step_ms()
            slope = self._step_ms(1.0) - first
            until = max(1, int(-(-gap // first)))
            if slope > 0.0:
                until = max(1, int(-(-gap // (first + slope * (until - 1) / 2.0))))
            count = min(count, until)
        if self.poll_steps > 1:
            count = max(1, min(count, self.next_look - self.steps))
        self._advance(count * self._step_ms((count - 1) / 2.0))
        self.steps += count
        self._finish()

    def _advance(self, duration: float) -> None:
        """Time passes; who arrives meanwhile finds the slots as they are until it has."""
        self.now += duration
        self.busy += duration
        if self.server.max_queue is not None:
            self._receive()

    def _finish(self) -> None:
        while self.decoding and self.decoding[0][0] <= self.steps:
            last, request = heapq.heappop(self.decoding)
            self.decode_context -= self.prompts[request] + 1 - (last - self.outputs[request] + 1)
            self._leave(request)

    def _leave(self, request: int) -> None:
        self.finished[request] = self.now
        self.reserved -= self._tokens(request)
        self._next_of_agent(request, self.now)

    def _next_of_agent(self, request: int, at: float) -> None:
        if self.think_ms is not None:
            self.send_next(at + self.think_ms[request])
