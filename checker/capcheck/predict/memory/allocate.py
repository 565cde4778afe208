"""Engines that take what a context needs: llama.cpp and Ollama at start, transformers on demand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from capcheck.estimate import Estimate, exact
from capcheck.predict.footprint.weights import embedding_bytes, loaded_bytes
from capcheck.predict.forecast import Memory
from capcheck.predict.memory.activations import (
    attention_scores_bytes,
    kept_scores_bytes,
    logits_bytes,
)
from capcheck.predict.memory.grow import eras, peak_parts, sizes
from capcheck.predict.memory.request import GIB, MemoryRequest

_CELLS_PADDED_TO = 256


def allocated(request: MemoryRequest) -> Memory:
    """llama.cpp's family: weights, the cache of all slots, and one compute buffer per GPU.

    "Fits" means that every layer is on the GPU: these engines move layers to the CPU instead of
    failing. The input embedding of untied models stays in host memory. Without flash attention the
    buffers that a pool keeps are in the value on the vendors whose platform is known to keep them,
    and in the upper bound on all. SOURCE: llama.cpp's start-up logs (device, KV and compute
    buffers), public measurements in the coefficients' sources.
    """
    model, law, engine = request.model, request.law, request.engine
    weights = loaded_bytes(model, request.quant)
    if not model.tied_embeddings:
        weights -= embedding_bytes(model, request.quant)
    batch = min(engine.max_num_batched_tokens, engine.max_model_len)
    slots = engine.max_num_seqs
    tokens = engine.kv_cache_tokens or slots * engine.max_model_len
    windowed = _sliding_tokens(request, tokens=tokens, batch=batch)
    scores, fused, pooled = logits_bytes(model, rows=batch), _has_flash_attention(request), 0.0
    if not fused:
        scores = max(scores, attention_scores_bytes(model, rows=batch, tokens=tokens))
        pooled = kept_scores_bytes(model, rows=batch, tokens=engine.max_model_len)
    kept = pooled if request.vendor in law.get("keeps_buffers_on", ()) else 0.0
    parts = {
        "weights": weights * request.shard.layer_share(model) / GIB,
        "kv_cache": request.cache_gib(full_tokens=tokens, sliding_tokens=windowed),
        "activation_peak": (scores + kept) / GIB,
        "runtime_overhead": law["context_gib"],
    }
    without = _total(parts) - kept / GIB
    basis = f"{slots} slot(s), {tokens} tokens of cache, all layers on the GPU"
    return _memory(
        request,
        parts,
        tokens=tokens,
        context_gib=0.0,
        basis=basis,
        interval_gib=law["interval_gib" if fused else "interval_gib_unfused"],
        spanned_gib=(without, without + pooled / GIB),
    )


def _sliding_tokens(request: MemoryRequest, *, tokens: int, batch: int) -> int:
    """Cells that a sliding layer holds: per cache, its slots' windows and one micro-batch.

    SOURCE: llama.cpp's start-up log of gpt-oss-120b, 2 caches of 1280 cells for a window of 128 and
    a micro-batch of 1024 (ollama issue 16480).
    """
    engine, window = request.engine, request.cache.window
    if window is None:
        return tokens
    caches = max(1, tokens // engine.max_model_len)
    cells = window * engine.max_num_seqs // caches + batch
    return min(tokens, caches * math.ceil(cells / _CELLS_PADDED_TO) * _CELLS_PADDED_TO)


def _has_flash_attention(request: MemoryRequest) -> bool:
    """Whether this release uses it by default; an unknown release is taken as a new one."""
    since = request.law["flash_attention_since"]
    return request.version is None or since is None or request.version >= tuple(since)


def grown(request: MemoryRequest) -> Memory:
    """transformers: one static batch of `max_num_seqs` prompts of up to `max_model_len` tokens.

    The square term of eager attention is not in a fused kernel: the manifest does not say which
    one runs, so the lower bound is the fused one's. An unknown release may be of any era: the upper
    bound is the hungriest one's. SOURCE: TR127 6.2 and TR123 8.2 (eager), Qwen speed benchmark
    (fused).
    """
    law, engine = request.law, request.engine
    tokens, sequences = engine.max_model_len, engine.max_num_seqs
    found = sizes(request, sequences=sequences, prompt_tokens=tokens, tokens=tokens)
    spanned = eras(law, request.version)
    likely, *others = [
        peak_parts(found, law, era, fused=fused) for era in spanned for fused in (False, True)
    ]
    likely = max(likely, others[0], key=_total)
    totals = [_total(parts) for parts in (likely, *others)]
    basis = f"batch of {sequences} x {tokens} tokens, eager attention (fused needs less)"
    if len(spanned) > 1:
        basis += "; engine version not stated: all versions spanned"
    return _memory(
        request,
        likely,
        tokens=sequences * tokens,
        context_gib=law["context_gib"],
        basis=basis,
        interval_gib=law["interval_gib"],
        spanned_gib=(min(totals), max(totals)),
    )


def _memory(
    request: MemoryRequest,
    parts: Mapping[str, float],
    *,
    tokens: int,
    context_gib: float,
    basis: str,
    interval_gib: tuple[float, float],
    spanned_gib: tuple[float, float] | None = None,
) -> Memory:
    """`spanned_gib` holds the least and the most by laws of which any may be in force."""
    law, engine = request.law, request.engine
    value = _total(parts)
    lower, upper = spanned_gib or (value, value)
    other, beyond = upper - parts["kv_cache"], request.beyond_measured
    low, high = law["interval"]
    low_gib, high_gib = interval_gib
    totals = [max(0.0, t - request.reserved_gib - context_gib) for t in request.totals_gib]
    return Memory(
        needed=Estimate(
            value,
            max(0.0, lower * low + low_gib),
            upper + other * (high - 1.0) + high_gib,
            "extrapolated" if beyond else "interpolated",
            "; ".join(filter(None, (basis, law["basis"], beyond))),
        ),
        usable=Estimate(
            totals[0], min(totals), max(totals), "derived", "device memory less what is reserved"
        ),
        parts=parts,
        kv_cache_tokens=exact(float(tokens * engine.data_parallel_size), "taken for all slots"),
        max_concurrent_sequences=exact(
            float(engine.max_num_seqs * engine.data_parallel_size), "slots of the engine"
        ),
    )


def _total(parts: Mapping[str, float]) -> float:
    return sum(parts.values())
