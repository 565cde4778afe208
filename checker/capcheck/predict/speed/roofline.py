"""Shapes of the laws: a decode step and a prefill as sums of physical terms, in milliseconds.

Only arithmetic operators are used on facts and coefficients, so that the fit can pass arrays where
the checker passes numbers.
"""

from __future__ import annotations

from typing import Protocol

from capcheck.predict.speed.fitted import Fitted
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Width:
    """A model's depth and width, and the GPUs that share each layer."""

    layers: float
    hidden: float
    tensor_parallel_size: float
    link_bytes_per_ms: float


class StepFacts(Protocol):
    """What a decode step does.

    `launches` counts layers' worth of kernels, `cache_ranks` how many GPUs share one sequence's
    cache, `query_groups` how many query heads share each cached head, `tile_tokens` the tokens to
    which products are padded.
    """

    layers: float
    hidden: float
    tensor_parallel_size: float
    link_bytes_per_ms: float
    launches: float
    cache_ranks: float
    launch_overlap: float
    bytes_per_ms: float
    flop_per_ms: float
    sequences: float
    weight_bytes: float
    cache_bytes: float
    query_groups: float
    step_params: float
    tile_tokens: float


class PrefillFacts(Protocol):
    """What a prefill does; `chunk_bytes` are the weights that one chunk reads."""

    layers: float
    hidden: float
    tensor_parallel_size: float
    link_bytes_per_ms: float
    bytes_per_ms: float
    flop_per_ms: float
    prompt_tokens: float
    prefill_params: float
    chunks: float
    chunk_bytes: float
    attention_flop: float


# Memory traffic and arithmetic combine as (m^p + c^p)^(1/p), between their sum (p = 1) and the
# longer of both (p = infinity). Of 1, 2 (3 for prefills) and 8, the sum had the least error on
# held-out models, by 2 %, and none had less on held-out GPUs: kernels take turns at being bound by
# one or the other.
STEP_OVERLAP = 1.0
PREFILL_OVERLAP = 1.0

# A step takes as long as its padded products where that is longer than what it needs.
TILE_OVERLAP = 8.0

# Launches by the host run ahead of the GPU; the longer of the two decides.
EAGER_OVERLAP = 4.0

# Of a prompt's own products, attention and exchange, what they add to the steps of the requests
# beside it, by kind of memory: on data-centre GPUs the rest hides behind their memory traffic. Of
# 0.65, 0.8 and 1 it has the least error of TPOT in benchmarks on held-out models; on cards
# with GDDR (3090) 1 has the least error of total rates, and nobody measured the others.
PREFILL_BESIDE = {"hbm": 0.65}

# Share of peak bandwidth at which a prefill chunk streams the weights; it matters for short
# prompts only.
STREAMING = 0.8


def step(
    facts: StepFacts, fitted: Fitted, exponent: float = STEP_OVERLAP, padding: float = 1.0
) -> float:
    """One decode step that gives each of `facts.sequences` a token.

    t = |launches * floor, max(weights and caches / bandwidth + 2 * P * n / FLOPs,
                               2 * P * tile_tokens / FLOPs)|
      + 2 * layers * (collective + n * hidden * 2 B * exchange)   when tensor-parallel
      + (n - 1) * per_sequence                      scheduling and sampling
    Caches count cache_cost * query_groups^group_cost times: between once, when one read serves all
    the query heads of a group (group_cost 0), and once per query head (1).
    |a, b| are times that overlap. The floor (launches, synchronisation) adds to the GPU's time when
    an engine replays CUDA graphs, and hides it, or hides behind it, when the host launches every
    kernel: `facts.launch_overlap`.
    SOURCE: roofline model, Williams, Waterman, Patterson, CACM 52(4), 2009; two all-reduces per
    layer, Shoeybi et al., Megatron-LM, arXiv 1909.08053 section 3.
    """
    ranks = facts.tensor_parallel_size
    weights = facts.weight_bytes / ranks
    rereading = fitted.cache_cost * facts.query_groups**fitted.group_cost
    caches = facts.sequences * facts.cache_bytes * rereading / facts.cache_ranks
    memory = (weights + caches) / (facts.bytes_per_ms * fitted.efficiency)
    product = (
        2
        * facts.step_params
        * fitted.step_arithmetic
        / (ranks * facts.flop_per_ms * fitted.utilisation)
    )
    needed = overlap(memory, facts.sequences * product, exponent)
    body = overlap(needed, padding * facts.tile_tokens * product, TILE_OVERLAP)
    return (
        overlap(facts.launches * fitted.floor, body, facts.launch_overlap)
        + (ranks > 1) * 2 * facts.layers * fitted.collective
        + facts.sequences * exchange(facts, fitted.exchange)
        + (facts.sequences - 1) * fitted.per_sequence
    )


def prefill(facts: PrefillFacts, fitted: Fitted, exponent: float = PREFILL_OVERLAP) -> float:
    """Prefill of `facts.prompt_tokens` tokens: matrix products, attention, launches, collectives.

    t = 2 * P * N / FLOPs + chunks * weights / bandwidth + chunks * layers * chunk_floor
      + 4 * heads * head_dim * pairs / FLOPs * attention + collectives
    P leaves out the vocabulary matrices: one is a look-up, the other serves the last token only.
    """
    ranks = facts.tensor_parallel_size
    flops = ranks * facts.flop_per_ms
    products = 2 * facts.prefill_params * facts.prompt_tokens / (flops * fitted.utilisation)
    streaming = _streaming(facts)
    return (
        overlap(products, streaming, exponent)
        + facts.chunks * facts.layers * fitted.chunk_floor
        + facts.attention_flop * fitted.attention / flops
        + facts.prompt_tokens * exchange(facts, fitted.exchange)
    )


def prefill_shared(facts: PrefillFacts, fitted: Fitted) -> float:
    """What prompts that pass in one iteration pay once: launches, and streaming the weights."""
    return _streaming(facts) + facts.chunks * facts.layers * fitted.chunk_floor


def _streaming(facts: PrefillFacts) -> float:
    ranks = facts.tensor_parallel_size
    return facts.chunks * facts.chunk_bytes / (ranks * facts.bytes_per_ms * STREAMING)


def exchange(shape: Width | StepFacts | PrefillFacts, cost: float) -> float:
    """Collectives of one token, without their latency: two per layer of `hidden` 16-bit values.

    An all-reduce over n ranks moves 2 * (n - 1) / n times its data through each link; `cost` is 1
    at the link's full rate, both directions counted.
    SOURCE: ring all-reduce, Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009.
    """
    ranks = shape.tensor_parallel_size
    moved = 2 * shape.layers * shape.hidden * 2 * 2 * (ranks - 1) / ranks
    return moved * cost / shape.link_bytes_per_ms


def overlap(one: float, other: float, exponent: float) -> float:
    """Two times that overlap partly."""
    total: float = (one**exponent + other**exponent) ** (1 / exponent)
    return total


def launches(
    layers: float, experts: int | None, per_expert: float, per_layer: float = 1.0
) -> float:
    """Layers' worth of kernels that a step launches: an engine may loop over its experts.

    `per_expert` is one expert's share of a layer's kernels, 0 where one kernel serves them all;
    `per_layer` counts a quantised layer's kernels in 16-bit layers' (`kernels.method_launches`).
    """
    return layers * per_layer * (1.0 + per_expert * (experts or 0))


def cache_passes(query_width: float, kv_width: float, *, copied: bool) -> float:
    """How often a step moves the bytes of its cache: once, where attention reads it in place.

    An engine that appends by concatenation reads and writes the whole cache, then writes and reads
    the keys and values once more per query head that shares them.
    SOURCE: transformers 4.38 to 4.51, DynamicCache.update and repeat_kv.
    """
    if not copied:
        return 1.0
    return 3.0 + 2.0 * query_width / (kv_width or query_width or 1.0)


def cache_ranks(tensor_parallel_size: int, kv_heads: int | None, compressed: bool) -> int:
    """GPUs that share a sequence's cache: heads are split, repeated beyond their number.

    A compressed (MLA) latent is whole on every rank.
    """
    if compressed or not kv_heads:
        return 1
    return min(tensor_parallel_size, kv_heads)
