"""One engine copy as a queueing server, and how it behaves under load."""

from __future__ import annotations

import math
from typing import Protocol

from capcheck.records import Keyed, dataclass, replace


class StepTime(Protocol):
    """Milliseconds of one decode step."""

    def __call__(self, *, sequences: float, context_tokens: float) -> float:
        """`context_tokens` is the mean of cached tokens per sequence."""


class PrefillTime(Protocol):
    """Milliseconds to prefill a prompt, or a chunk of one."""

    def __call__(self, *, tokens: float, context_tokens: float = 0.0) -> float:
        """`tokens` of one request behind `context_tokens` cached ones."""

    def __hash__(self) -> int:
        """What draws take is remembered by it."""


@dataclass(frozen=True, slots=True)
class Server(Keyed):
    """One engine copy: at most `slots` requests run together, the rest wait in order of arrival.

    A decode step gives each running request one token. Prefill is extra work: with
    `chunked_prefill` its tokens share steps up to `max_num_batched_tokens`, without it decoding
    pauses for whole prompts. `kv_tokens` bounds the tokens in flight (None: no bound); a request
    takes its prompt and `kv_output_share` of its output: 1 where an engine reserves the whole
    length, 0.5 where the cache grows with the answer and half of it is there on average.
    `host_delay_ms` delays each request without holding the GPU, `max_queue` turns away arrivals
    that would wait behind that many, `prefix_hit_rate` is the share of a prompt already cached.
    `balanced_over` copies share the arrivals, each of which goes to the least busy one.
    A prefill takes `prefill_scale` times `prefill_ms`. Of each, `prefill_shared_ms` is paid once by
    all prompts of one iteration (launches, and streaming the weights).
    The rest holds up requests that decode beside it for `prefill_beside` of its time.
    `arrival_spread` is the squared variation of the gaps between arrivals of an open loop: 1 is
    Poisson.
    """

    step_ms: StepTime
    prefill_ms: PrefillTime
    slots: int
    kv_tokens: float | None = None
    chunked_prefill: bool = True
    max_num_batched_tokens: int = 2048
    host_delay_ms: float = 0.0
    max_queue: int | None = None
    prefix_hit_rate: float = 0.0
    kv_output_share: float = 1.0
    arrival_spread: float = 1.0
    prefill_scale: float = 1.0
    prefill_shared_ms: float = 0.0
    prefill_beside: float = 1.0
    balanced_over: int = 1

    @property
    def alone(self) -> Server:
        """The same without what its place among other copies changes: how arrivals come."""
        if self.arrival_spread == 1.0 and self.balanced_over == 1:
            return self
        return replace(self, arrival_spread=1.0, balanced_over=1)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Mean and percentiles over requests, in milliseconds."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    def shifted(self, by: float) -> Percentiles:
        """The same distribution, `by` ms later."""
        return Percentiles(
            self.mean + by, self.p50 + by, self.p90 + by, self.p95 + by, self.p99 + by
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest times that a request may take to count as good, in ms."""

    ttft_ms: float = math.inf
    tpot_ms: float = math.inf
    latency_ms: float = math.inf


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the mean latency goes, in ms: waiting for a slot, the host, prefill, decode.

    Waiting for the running step and behind other prompts counts as prefill.
    """

    queue: float
    host: float
    prefill: float
    decode: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One engine copy at a load.

    The latencies are None when the load is at or above saturation (`stable` is False).
    `utilisation` is rate / saturation rate: with one slot the share of time in which the GPU is
    busy; with several that share for full batches, since an engine steps as soon as one request
    runs and is busy far more often than it is loaded: `busy` is the share of time in which any
    request runs. `loss_rate` is the share of requests that a
    full queue turns away, `good` the share of the others that keep all limits. `preemption` says
    that the KV pool, not max_num_seqs, is what bounds the requests in flight and that the load
    reaches that bound.
    """

    stable: bool
    saturation_rps: float
    capacity_tok_s: float
    throughput_tok_s: float
    utilisation: float
    busy: float
    mean_running: float | None
    mean_waiting: float | None
    loss_rate: float
    good: float
    preemption: bool
    queue_wait_ms: Percentiles | None
    ttft_ms: Percentiles | None
    tpot_ms: Percentiles | None
    latency_ms: Percentiles | None
    parts_ms: Parts | None
