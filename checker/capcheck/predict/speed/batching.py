"""One decode step of an engine copy as a function of the sequences in it."""

from __future__ import annotations

import math

from capcheck.predict.footprint.kv_cache import CacheShape
from capcheck.predict.footprint.weights import expert_miss, streamed_bytes
from capcheck.predict.speed import roofline
from capcheck.predict.speed.fitted import Fitted
from capcheck.predict.speed.roofline import Width
from capcheck.predict.speed.traits import link_gb_s
from capcheck.records import Keyed, dataclass, replace
from capcheck.registry.specs import GpuSpec, ModelSpec, QuantSpec


@dataclass(frozen=True, slots=True)
class StepLaw(Keyed):
    """roofline.step with everything but the batch worked out, in ms.

    `floor` is launches, which overlap with the rest by `launch_overlap`, `fixed` the latency of
    collectives. `dense` reads the weights that every step reads, `experts` all routed experts, of
    which one token misses the share `expert_miss`; the cache terms read one cached token of one
    sequence. `arithmetic` is one sequence's products and `per_sequence` its exchange, scheduling
    and sampling. `padded` is what a step's products take at the least, in whole tiles of tokens.
    """

    floor: float
    launch_overlap: float
    fixed: float
    dense: float
    experts: float
    expert_miss: float
    cache_full: float
    cache_sliding: float
    window: float
    arithmetic: float
    per_sequence: float
    padded: float = 0.0

    def ms(self, sequences: float, context_tokens: float) -> float:
        """A step that gives each of `sequences` (at least 1) a token."""
        cache = self.cache_full * context_tokens
        if self.cache_sliding:
            cache += self.cache_sliding * min(context_tokens, self.window)
        memory = self.dense + sequences * cache
        if self.experts:
            memory += self.experts * (1.0 - self.expert_miss**sequences)
        arithmetic = sequences * self.arithmetic
        body = memory + arithmetic  # roofline.STEP_OVERLAP is 1
        if self.padded:
            body = roofline.overlap(body, self.padded, roofline.TILE_OVERLAP)
        if self.launch_overlap == 1.0:
            body += self.floor
        else:
            body = roofline.overlap(self.floor, body, self.launch_overlap)
        return self.fixed + body + sequences * self.per_sequence

    def at_stream(self, stream_ms: float, context_tokens: float) -> StepLaw:
        """The same law, scaled in what one stream waits for, to pass through a measured stream."""
        low, high = 0.05, 20.0
        for _ in range(40):
            scale = math.sqrt(low * high)
            if self._scaled(scale).ms(1.0, context_tokens) < stream_ms:
                low = scale
            else:
                high = scale
        return self._scaled(low)

    def _scaled(self, scale: float) -> StepLaw:
        return replace(
            self,
            floor=self.floor * scale,
            dense=self.dense * scale,
            padded=self.padded * min(scale, 1.0),
        )


def step_law(
    model: ModelSpec,
    quant: QuantSpec,
    gpu: GpuSpec,
    cache: CacheShape,
    fitted: Fitted,
    *,
    tensor_parallel_size: int,
    cache_bytes_per_element: float,
    eager: bool,
    expert_launches: float = 0.0,
    cache_copied: bool = False,
    method_launches: float = 1.0,
    tile_tokens: float = 0.0,
) -> StepLaw:
    """The step of one engine copy. Needs the GPU's bandwidth and FLOP rate and the model's shape.

    Stages of a pipeline, and the cards of a layer split, take turns on a token: their times add up
    to those of one GPU with the whole model.
    """
    dense, experts = streamed_bytes(model, quant)
    layers, ranks = model.n_layers or 0, tensor_parallel_size
    rate = 1e6 * (gpu.bandwidth_gb_s or 0.0) * fitted.efficiency * ranks
    flops = 1e9 * (gpu.fp16_tflops or 0.0) * fitted.utilisation * ranks
    shared = roofline.cache_ranks(ranks, model.n_kv_heads, model.mla_kv_lora_rank is not None)
    passes = roofline.cache_passes(*attention_widths(model), copied=cache_copied)
    passes *= fitted.cache_cost * query_groups(model, copied=cache_copied) ** fitted.group_cost
    element = cache_bytes_per_element * passes * ranks / (shared * rate)
    exchange = roofline.exchange(
        Width(layers, model.hidden_size or 0, ranks, 1e6 * link_gb_s(gpu)), fitted.exchange
    )
    latency = 2 * layers * fitted.collective if ranks > 1 else 0.0
    launched = roofline.launches(layers, model.n_experts, expert_launches, method_launches)
    product = 2 * step_params(model) * fitted.step_arithmetic / flops
    return StepLaw(
        floor=launched * fitted.floor,
        launch_overlap=roofline.EAGER_OVERLAP if eager else 1.0,
        fixed=latency - fitted.per_sequence,
        dense=dense / rate,
        experts=experts / rate,
        expert_miss=expert_miss(model),
        cache_full=cache.full * element,
        cache_sliding=cache.sliding * element,
        window=float(cache.window or 0),
        arithmetic=product,
        padded=tile_tokens * product,
        per_sequence=exchange + fitted.per_sequence,
    )


def attention_widths(model: ModelSpec) -> tuple[float, float]:
    """Elements of one token's queries and of its keys; queries fill the width if not known."""
    head_dim = model.head_dim or 0
    queries = (model.n_heads or 0) * head_dim or model.hidden_size or 0
    return float(queries), float((model.n_kv_heads or 0) * head_dim or queries)


def query_groups(model: ModelSpec, *, copied: bool) -> float:
    """Query heads per cached head; 1 where the cache is one latent, or copied for every head."""
    if copied or model.mla_kv_lora_rank is not None:
        return 1.0
    queries, keys = attention_widths(model)
    return queries / keys if keys else 1.0


def step_params(model: ModelSpec) -> float:
    """Parameters that one token of a decode step is multiplied with: no look-up of an embedding."""
    embedding = 0 if model.tied_embeddings else model.embedding_params or 0
    return float(model.active_params - embedding)
