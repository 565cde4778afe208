"""What the layers of each Hugging Face `model_type` hold beyond what their config states.

SOURCE: the modelling code of each type in huggingface/transformers 5.23.0; the counts are checked
against the published checkpoints of the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Flag = bool | tuple[str, bool]  # fixed by the type, or a config field with its default

_ATTENTION_BIAS: Flag = ("attention_bias", False)


class Family(NamedTuple):
    """Defaults are those of a Llama: RMS norms, gated feed-forward, no biases but by flag.

    `norms` counts norm vectors of hidden size per layer. `qk_norm` is one vector of head size for
    queries and one for keys ("head"), or of all heads ("all"). `full_every` is the period of layers
    with full attention among sliding ones, `window_field` names their window.
    """

    norms: int = 2
    norm_bias: bool = False
    qkv_bias: Flag = _ATTENTION_BIAS
    output_bias: Flag = _ATTENTION_BIAS
    feed_forward_bias: Flag = ("mlp_bias", False)
    gated: bool = True
    feed_forward_ratio: int | None = None  # times hidden size where the config states no size
    qk_norm: Literal["", "head", "all"] = ""
    qk_norm_if: Flag = True
    tied: bool = False  # where the config does not say
    positions_offset: int | None = None  # learned positions: rows beyond the context
    head_bias: bool = False
    embedding_norm: bool = False
    kv_heads: int | None = None  # where the config does not say; None: as many as heads
    full_every: int | None = None
    slides: bool = False  # every layer slides where the config states a window
    window_field: str = "sliding_window"
    router_bias: bool = False
    routing_correction: bool = False  # one more vector per router
    expert_bias: bool = False
    sinks: bool = False
    shared_experts: int = 0  # where the config does not say
    dense_size_field: str = "intermediate_size"
    moe_field: str | None = None  # MoE layers are every n-th by this field


_LAYER_NORMS = Family(norm_bias=True, qkv_bias=True, output_bias=True, feed_forward_bias=True)

LLAMA = Family()
FAMILIES: Mapping[str, Family] = {
    "llama": LLAMA,
    "mistral": Family(slides=True),
    "ministral": Family(slides=True),
    "ministral3": LLAMA,
    "mistral3": LLAMA,
    "mixtral": Family(slides=True),
    "smollm3": LLAMA,
    "granite": LLAMA,
    "granitemoe": LLAMA,
    "phi3": LLAMA,
    "olmo": Family(norms=0),
    "olmo2": Family(qk_norm="all"),
    "olmo3": Family(qk_norm="all", full_every=4),
    "olmoe": Family(qk_norm="all"),
    "qwen2": Family(qkv_bias=True, output_bias=False),
    "qwen2_vl": Family(qkv_bias=True, output_bias=False),
    "qwen2_5_vl": Family(qkv_bias=True, output_bias=False),
    "qwen2_moe": Family(qkv_bias=True, output_bias=False, moe_field="decoder_sparse_step"),
    "qwen3": Family(qk_norm="head"),
    "qwen3_vl": Family(qk_norm="head"),
    "qwen3_moe": Family(qk_norm="head", moe_field="decoder_sparse_step"),
    "qwen3_vl_moe": Family(qk_norm="head", moe_field="decoder_sparse_step"),
    "gemma": Family(tied=True),
    "gemma2": Family(norms=4, tied=True, full_every=2),
    "gemma3": Family(norms=4, qk_norm="head", tied=True, full_every=6),
    "gemma3_text": Family(norms=4, qk_norm="head", tied=True, full_every=6),
    "cohere": Family(norms=1, qk_norm="all", qk_norm_if=("use_qk_norm", False), tied=True),
    "cohere2": Family(norms=1, tied=True, full_every=4),
    "glm": Family(output_bias=False),
    "glm4": Family(norms=4, output_bias=False),
    "glm4_moe": Family(
        output_bias=False,
        qk_norm="head",
        qk_norm_if=("use_qk_norm", False),
        routing_correction=True,
    ),
    "glm4_moe_lite": Family(routing_correction=True),
    "deepseek_v2": LLAMA,
    "deepseek_v3": Family(routing_correction=True),
    "kimi_k2": Family(routing_correction=True),
    "minimax_m2": Family(qk_norm="all", routing_correction=True),
    "gpt_oss": Family(
        qkv_bias=("attention_bias", True),
        output_bias=("attention_bias", True),
        router_bias=True,
        expert_bias=True,
        sinks=True,
        full_every=2,
    ),
    "llama4": Family(
        full_every=4,
        window_field="attention_chunk_size",
        shared_experts=1,
        dense_size_field="intermediate_size_mlp",
        moe_field="interleave_moe_layer_step",
    ),
    "phimoe": Family(norm_bias=True, head_bias=True),
    "phi": _LAYER_NORMS._replace(norms=1, gated=False, head_bias=True),
    "gpt2": _LAYER_NORMS._replace(gated=False, feed_forward_ratio=4, tied=True, positions_offset=0),
    "gpt_neox": _LAYER_NORMS._replace(gated=False, feed_forward_ratio=4),
    "opt": _LAYER_NORMS._replace(gated=False, tied=True, positions_offset=2),
    "bloom": _LAYER_NORMS._replace(
        gated=False, feed_forward_ratio=4, tied=True, embedding_norm=True
    ),
    "starcoder2": Family(
        norm_bias=True,
        qkv_bias=("use_bias", True),
        output_bias=("use_bias", True),
        feed_forward_bias=("use_bias", True),
        gated=False,
        tied=True,
    ),
    "falcon": Family(
        norms=1,
        norm_bias=True,
        qkv_bias=("bias", False),
        output_bias=("bias", False),
        feed_forward_bias=("bias", False),
        gated=False,
        feed_forward_ratio=4,
        tied=True,
        kv_heads=1,
    ),
    "mpt": Family(gated=False, feed_forward_ratio=4, tied=True),
}
FAMILIES = {**FAMILIES, "llama4_text": FAMILIES["llama4"]}

# Types whose layers this arithmetic cannot count: `num_parameters` must be stated.
NOT_COUNTED: Mapping[str, str] = {
    "qwen3_next": "linear-attention layers",
    "qwen3_5": "linear-attention layers",
    "qwen3_5_text": "linear-attention layers",
    "qwen3_5_moe": "linear-attention layers",
    "qwen3_5_moe_text": "linear-attention layers",
    "granitemoehybrid": "state-space layers",
    "nemotron_h": "state-space layers",
    "jamba": "state-space layers",
    "mamba": "state-space layers",
    "mamba2": "state-space layers",
    "falcon_h1": "state-space layers",
    "gemma3n": "per-layer embeddings",
    "gemma3n_text": "per-layer embeddings",
    "gemma4": "per-layer embeddings and two head sizes",
    "gemma4_text": "per-layer embeddings and two head sizes",
    "mllama": "cross-attention layers",
    "deepseek_v32": "a sparse-attention index",
    "glm_moe_dsa": "a sparse-attention index",
    "deepseek_v4": "compressed sparse attention",
}
