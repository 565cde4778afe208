"""Peak working memory of a forward pass, in bytes on one GPU."""

from __future__ import annotations

import math

from capcheck.registry.specs import ModelSpec

_FP16, _FP32 = 2, 4

# ggml's pool asks for 5 % more than it was asked for.
_LOOK_AHEAD = 1.05


def streaming_bytes(
    model: ModelSpec, *, tokens: float, tensor_parallel_size: int, widths: tuple[float, float]
) -> float:
    """One layer's working set with fused attention: it grows with the tokens, not their square.

    `widths` = (intermediate sizes, hidden sizes) alive at once per token, fitted.
    """
    intermediate, hidden = widths
    size = intermediate * (model.intermediate_size or 0) / tensor_parallel_size
    return _FP16 * tokens * (size + hidden * (model.hidden_size or 0))


def expert_workspace_bytes(model: ModelSpec, *, tokens: float, tensor_parallel_size: int) -> float:
    """The buffers of a fused mixture-of-experts layer; 0 for a dense model.

    Every token is held `experts_per_token` times: the larger of the gate-up output and the layer's
    output, and the activated product. SOURCE: vLLM fused_moe intermediate caches 1 to 3.
    """
    if not (model.is_moe and model.experts_per_token and model.hidden_size):
        return 0.0
    width = (model.moe_intermediate_size or model.intermediate_size or 0) / tensor_parallel_size
    rows = tokens * model.experts_per_token
    return _FP16 * rows * (max(2 * width, model.hidden_size) + width)


def logits_bytes(model: ModelSpec, *, rows: float) -> float:
    """FP32 scores over the vocabulary for `rows` positions."""
    return _FP32 * rows * (model.vocab_size or 0)


def attention_scores_bytes(model: ModelSpec, *, rows: float, tokens: float) -> float:
    """FP32 scores of all heads, of a batch of `rows` against a cache of `tokens`."""
    return _FP32 * (model.n_heads or 0) * rows * tokens


def kept_scores_bytes(model: ModelSpec, *, rows: float, tokens: float) -> float:
    """What a pool that never gives back keeps of a prompt's attention scores without a kernel.

    Every batch of `rows` meets a longer cache: its 16-bit scores take a new buffer when they are
    larger than all before. The first find room in the buffer of the largest unpacked matrix.
    SOURCE: llama.cpp ggml-cuda, `ggml_cuda_pool_leg` (in force where there is no virtual memory).
    """
    matrix = (model.hidden_size or 0) * (model.intermediate_size or 0)
    row = (model.n_heads or 0) * rows
    lengths = (min(tokens, rows * step) for step in range(1, math.ceil(tokens / rows) + 1))
    return _FP16 * _LOOK_AHEAD * sum(row * length for length in lengths if row * length > matrix)


def eager_attention_bytes(model: ModelSpec, *, sequences: float, tokens: float) -> float:
    """Attention without a fused kernel: one layer's scores of all heads, and the mask.

    FP32 scores, their FP32 softmax and a one-byte mask per head; one FP32 mask shared by the heads.
    """
    heads = model.n_heads or 0
    return sequences * tokens**2 * ((2 * _FP32 + 1) * heads + _FP32)
