"""A deployment's engine copy as a server, at one end of the speed and memory intervals."""

from __future__ import annotations

import math
from typing import Literal

from capcheck.estimate import Estimate
from capcheck.predict.forecast import Memory
from capcheck.predict.latency.server import Server
from capcheck.predict.speed.batching import StepLaw
from capcheck.predict.speed.engine_copy import Speed
from capcheck.predict.speed.roofline import PREFILL_BESIDE
from capcheck.predict.speed.traits import memory
from capcheck.records import dataclass, replace
from capcheck.resolution.resolved import Engine, Resolved

End = Literal["value", "fast", "slow"]

# Share of its output that a running request takes in the KV pool. vLLM and SGLang add blocks as it
# grows, half of it on average; TGI and TensorRT-LLM (GUARANTEED_NO_EVICT) reserve all of it, and
# engines with fixed slots too (their documentation of the scheduler's defaults).
KV_OUTPUT_SHARE = {"vllm": 0.5, "sglang": 0.5}

# Sequences from which a step is as uncertain as that of a large batch. On left-out GPUs the upper
# end (95 %) of vLLM's errors is 1.2, 1.3, 1.6, 2.2 and 2.5 times at 2, 4, 8, 16 and 64 sequences.
FULL_BATCH = 16.0

# Engines that let decoding pause while prompts pass, however these are cut into chunks.
# SOURCE: SGLang's --enable-mixed-chunk, off by default.
PREFILL_PAUSES_DECODE = frozenset({"sglang"})

# Turns among many copies make arrivals on each nearly periodic; checked against simulation down to
# this variation only.
MOST_REGULAR = 0.25


def pool_of(memory: Memory, tokens: float) -> Estimate | None:
    """The KV cache in tokens; None, for enough, when nobody knows it or it holds no request at all.

    The VRAM gate answers for the memory: a deployment that does not fit still has a speed.
    """
    pool = memory.kv_cache_tokens
    return pool if pool.value is not None and pool.value >= tokens else None


def server_at(
    end: End, resolved: Resolved, engine: Engine, speed: Speed, pool: Estimate | None
) -> Server:
    """One of a replica's data-parallel copies; `pool` is the KV tokens of a replica, None: enough.

    The fast end has the short times and the large pool, the slow end the reverse.
    """
    return replace(
        alone_at(end, resolved, engine, speed, pool),
        arrival_spread=arrival_spread(resolved, engine),
        balanced_over=balanced_over(resolved, engine),
    )


def alone_at(
    end: End, resolved: Resolved, engine: Engine, speed: Speed, pool: Estimate | None
) -> Server:
    """`server_at` as if there were no other copies: `Server.alone`."""
    stream, step, prefill = 1.0, 1.0, 1.0
    tokens = None if pool is None else pool.value
    if end == "fast":
        stream, step, prefill = speed.stream_low, speed.step_low, speed.prefill_low
        tokens = None if pool is None else pool.high
    elif end == "slow":
        stream, step, prefill = speed.stream_high, speed.step_high, speed.prefill_high
        tokens = None if pool is None else pool.low
    backend = resolved.backend.name if resolved.backend is not None else ""
    return Server(
        step_ms=_ScaledStep(speed.step, stream, math.log(step / stream) / math.log(FULL_BATCH)),
        prefill_ms=speed.prefill,
        slots=engine.max_num_seqs,
        kv_tokens=None if tokens is None else tokens / engine.data_parallel_size,
        chunked_prefill=engine.enable_chunked_prefill and backend not in PREFILL_PAUSES_DECODE,
        max_num_batched_tokens=engine.max_num_batched_tokens,
        host_delay_ms=speed.host_delay_ms,
        max_queue=engine.max_queue,
        prefix_hit_rate=_hit_rate(resolved, engine),
        prefill_scale=prefill,
        prefill_shared_ms=prefill * _shared_ms(resolved, speed),
        prefill_beside=_beside(resolved, engine),
        kv_output_share=KV_OUTPUT_SHARE.get(backend, 1.0),
    )


def arrival_spread(resolved: Resolved, engine: Engine) -> float:
    """Squared variation of the gaps between arrivals on one copy.

    Of a stream that is split over k copies at random: 1 + (c2 - 1) / k; in turns: c2 / k, of which
    no less than MOST_REGULAR is believed. With the least busy copy chosen (at least as well as
    in turns: Winston 1977) it is c2 / k, and `balanced_over` says the rest. SOURCE: Whitt, QNA,
    Bell Syst. Tech. J. 62, 1983, section 4.4; renewal theory for turns.
    """
    traffic = resolved.deployment.traffic
    if traffic is None:
        return 1.0
    copies = resolved.replicas_min * engine.data_parallel_size
    if traffic.routing == "random":
        return 1.0 + (traffic.burstiness - 1.0) / copies
    if traffic.routing == "least-outstanding":
        return traffic.burstiness / copies
    return max(min(traffic.burstiness, MOST_REGULAR), traffic.burstiness / copies)


def balanced_over(resolved: Resolved, engine: Engine) -> int:
    """Copies among which a router keeps the load level: one where it does not look at it."""
    traffic = resolved.deployment.traffic
    if traffic is None or traffic.routing != "least-outstanding" or traffic.agents is not None:
        return 1
    return resolved.replicas_min * engine.data_parallel_size


def _beside(resolved: Resolved, engine: Engine) -> float:
    """The share of a prompt's time that it holds others up."""
    if resolved.gpu is None or engine.max_num_seqs == 1:
        return 1.0
    return PREFILL_BESIDE.get(memory(resolved.gpu), 1.0)


def _hit_rate(resolved: Resolved, engine: Engine) -> float:
    """The stated share of cached prompt tokens, where the engine keeps them."""
    traffic = resolved.deployment.traffic
    if traffic is None or not engine.enable_prefix_caching:
        return 0.0
    return traffic.prefix_cache_hit_rate


def _shared_ms(resolved: Resolved, speed: Speed) -> float:
    """What prompts of the mean length share when they pass in one iteration."""
    traffic = resolved.deployment.traffic
    if traffic is None or traffic.prompt_tokens is None:
        return 0.0
    return speed.prefill_shared_ms(tokens=max(1.0, traffic.prompt_tokens.mean))


@dataclass(frozen=True, slots=True)
class _ScaledStep:
    """A step at one end: the interval widens from that of one sequence to that of a batch."""

    law: StepLaw
    stream: float
    widening: float

    def __call__(self, *, sequences: float, context_tokens: float) -> float:
        factor = self.stream * math.pow(min(max(1.0, sequences), FULL_BATCH), self.widening)
        return factor * self.law.ms(sequences, context_tokens)
