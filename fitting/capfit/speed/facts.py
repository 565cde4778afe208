"""What each point asks of the laws, as arrays: `roofline.StepFacts` and `PrefillFacts`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from capcheck.predict.footprint.kv_cache import bytes_of_context
from capcheck.predict.footprint.weights import read_bytes
from capcheck.predict.speed import roofline
from capcheck.predict.speed.batching import attention_widths, query_groups, step_params
from capcheck.predict.speed.kernels import ceiling, method_launches, tile_tokens
from capcheck.predict.speed.prefill import prefill_params
from capcheck.predict.speed.traits import link_gb_s
from capcheck.registry.specs import ModelSpec

from capfit.data.launch import batched_tokens_of
from capfit.data.protocol import protocol_of
from capfit.speed.points import Point, weight_bytes
from capfit.speed.shrink import Array

# Transformers runs one expert after the other: about an eighth of a layer's kernels each.
EXPERT_LAUNCHES = {"transformers": 0.13}

# Engines that append to the cache by concatenation.
CACHE_COPIED = frozenset({"transformers"})

# Engines whose steps hold prompts and decoding requests alike.
MIXES_PROMPTS = frozenset({"vllm"})

_MODEST_CHUNK = 2048


class Facts:
    """Facts of a list of points; every array has one entry per point."""

    def __init__(self, points: Sequence[Point]) -> None:
        def array(of: Callable[[Point], float | None]) -> Array:
            return np.array([float(of(p) or 0.0) for p in points])

        self.kind = np.array([p.kind for p in points])
        self.layers = array(lambda p: p.model.n_layers)
        self.launches = array(launches)
        self.hidden = array(lambda p: p.model.hidden_size)
        self.tensor_parallel_size = array(lambda p: p.ranks)
        self.link_bytes_per_ms = array(lambda p: link_gb_s(p.gpu) * 1e6)
        self.bytes_per_ms = array(lambda p: (p.gpu.bandwidth_gb_s or 0.0) * 1e6)
        self.flop_per_ms = array(lambda p: (p.gpu.fp16_tflops or 0.0) * 1e9)
        self.sequences = array(lambda p: p.sequences)
        self.weight_bytes = array(weight_bytes)
        self.cache_bytes = array(cache_bytes)
        self.query_groups = array(
            lambda p: query_groups(p.model, copied=p.traits.engine in CACHE_COPIED)
        )
        self.step_params = array(lambda p: step_params(p.model))
        self.prefill_params = array(lambda p: prefill_params(p.model))
        eager = np.array([p.traits.eager for p in points], bool)
        self.launch_overlap = np.where(eager, roofline.EAGER_OVERLAP, 1.0)
        self.cache_ranks = array(cache_ranks)
        self.output = np.maximum(1.0, array(lambda p: p.output))
        batch = np.where(self.kind == "static", self.sequences, 1.0)
        self.prompt_tokens = np.maximum(1.0, array(lambda p: p.prompt)) * batch
        chunk = array(chunk_tokens)
        self.chunks = np.maximum(1.0, self.prompt_tokens / chunk)
        tokens = np.minimum(self.prompt_tokens, chunk)
        self.chunk_bytes = np.array(
            [read_bytes(p.model, p.quant, sequences=t) for p, t in zip(points, tokens, strict=True)]
        )
        self.attention_flop = array(lambda p: attention_flop(p.model, p.prompt)) * batch
        self.scores_ms = array(scores_ms)
        self.unfused_ms = array(unfused_ms)
        self.step_tokens = np.array([step_tokens(p) for p in points])
        protocols = [protocol_of(p.cell.setting) for p in points]
        self.rounds = np.array([it.rounds for it in protocols])
        self.in_step = np.array([it.in_step for it in protocols])
        self.poll_steps = np.array(
            [it.poll_steps(p.sequences) for p, it in zip(points, protocols, strict=True)]
        )
        self.hides = np.array([p.traits.memory in roofline.PREFILL_BESIDE for p in points], bool)
        self.mixes = np.array([float(p.traits.engine in MIXES_PROMPTS) for p in points])
        self.unseen_steps = np.array([it.first_seen - 1.0 for it in protocols])
        self.ceiling = array(lambda p: ceiling(p.traits))
        self.tile_tokens = array(lambda p: tile_tokens(p.traits))


def launches(point: Point) -> float:
    """Layers' worth of kernels that a step launches."""
    per_expert = EXPERT_LAUNCHES.get(point.traits.engine, 0.0)
    layers, experts = point.model.n_layers or 0, point.model.n_experts
    return roofline.launches(layers, experts, per_expert, method_launches(point.traits))


def cache_bytes(point: Point) -> float | None:
    """Bytes that a step moves for one sequence's cache at the mean context."""
    element, tokens = point.cache_bytes_per_element, max(point.context, 1.0)
    size = bytes_of_context(point.model, tokens=tokens, bytes_per_element=element)
    copied = point.traits.engine in CACHE_COPIED
    widths = attention_widths(point.model)
    return (size or 0.0) * roofline.cache_passes(*widths, copied=copied)


def cache_ranks(point: Point) -> float:
    """GPUs that share one sequence's cache."""
    compressed = point.model.mla_kv_lora_rank is not None
    return roofline.cache_ranks(point.ranks, point.model.n_kv_heads, compressed)


def chunk_tokens(point: Point) -> float:
    """The engine's default token budget per step, by release and device."""
    setting = point.cell.setting
    if point.traits.engine == "llama.cpp":
        return 2048 if setting.condition("protocol") == "n_ubatch=2048" else 512
    small = (point.gpu.usable_gib or 0) < 70 or "A100" in point.gpu.name
    if (point.cell.year or 2025.5) < 2025.2 or small:
        return _MODEST_CHUNK
    return 8192 if (point.gpu.usable_gib or 0) < 160 else 16384


def attention_flop(model: ModelSpec, tokens: float) -> float:
    """Products of attention over a prompt: every token with itself and those before it."""
    width, _ = attention_widths(model)
    full = model.n_full_attention_layers
    if full is None:
        full = (model.n_layers or 0) - model.n_sliding_layers
    span = min(model.sliding_window or tokens, tokens)
    windowed = tokens * span - span**2 / 2
    return float(4 * width * (full * tokens**2 / 2 + model.n_sliding_layers * windowed))


def scores_ms(point: Point) -> float:
    """Time to move attention scores where no fused kernel keeps them on the chip.

    Windows builds of transformers had none: two products, a mask and a softmax in FP32 read and
    write every score about 32 bytes' worth.
    """
    setting = point.cell.setting
    if point.traits.engine != "transformers" or setting.collection != "tr":
        return 0.0
    return _moved_ms(point, 32 * point.prompt**2)


def unfused_ms(point: Point) -> float:
    """The same for llama.cpp without flash attention, where a cell says so.

    Scores of a chunk with what is cached so far, in FP32: the product writes each, the softmax
    reads and writes it, the second product reads it, converts it to 16 bits and reads that.
    """
    setting = point.cell.setting
    if point.traits.engine != "llama.cpp" or setting.condition("flash_attention") is not False:
        return 0.0
    return _moved_ms(point, 24 * point.prompt**2 / 2)


def _moved_ms(point: Point, bytes_per_head: float) -> float:
    """Time to move so many bytes for each head of each layer."""
    heads = (point.model.n_layers or 0) * (point.model.n_heads or 0)
    rate = (point.gpu.bandwidth_gb_s or 1.0) * 1e6 * roofline.STREAMING
    return heads * bytes_per_head / rate


def step_tokens(point: Point) -> float:
    """Prompt tokens that one iteration of a serving engine takes."""
    stated = batched_tokens_of(point.cell.setting)
    if stated is not None:
        return float(stated)
    return 8192.0 if point.traits.engine == "tensorrt-llm" else chunk_tokens(point)
