"""How many bytes a model's weights take, and how many of them one decode step reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from capcheck.predict.footprint.gguf import Mix, has_fused_attention, mixes
from capcheck.predict.footprint.tensors import Tensors, tensors
from capcheck.registry.specs import ModelSpec, QuantSpec

_BITS_UNQUANTISED = 16.0

# Engines pad the hidden size of MXFP4 experts to whole tiles of 256: gpt-oss (2880 -> 3072) loads
# 13.47 and 64.38 GiB in vLLM where the bare tensors are 12.8 and 60.8.
_MXFP4_TILE = 256


def loaded_bytes(model: ModelSpec, quant: QuantSpec) -> float:
    """Bytes of the whole model in device memory, before sharding; metadata excluded.

    GGUF: block types per tensor by llama.cpp's rules. Others: linear layers at the format's bits,
    vocabulary matrices at `embedding_bits`, the rest at 16 bits.
    """
    return sum(_bytes_by_part(model, quant).values())


def embedding_bytes(model: ModelSpec, quant: QuantSpec) -> float:
    """Bytes of the input embedding, which is also the output head when embeddings are tied."""
    return _bytes_by_part(model, quant)["embedding"]


def read_bytes(model: ModelSpec, quant: QuantSpec, *, sequences: float) -> float:
    """Bytes of weights that one decode step with `sequences` sequences reads from memory.

    An untied input embedding is a look-up of single rows, and a vision tower is not run: neither is
    read. n sequences touch E * (1 - (1 - k/E)^n) of E routed experts (independent routing).
    """
    parts = _bytes_by_part(model, quant)
    dense = sum(parts.values()) - parts["experts"] - parts["unquantised"]
    if not model.tied_embeddings:
        dense -= parts["embedding"]
    return dense + parts["experts"] * expert_coverage(model, sequences=sequences)


@lru_cache(maxsize=4096)
def streamed_bytes(model: ModelSpec, quant: QuantSpec) -> tuple[float, float]:
    """Of `read_bytes`, what every step reads, and all routed experts together."""
    one, miss = read_bytes(model, quant, sequences=1.0), expert_miss(model)
    if not miss:
        return one, 0.0
    every = read_bytes(model, quant, sequences=math.inf)
    experts = (every - one) / miss
    return every - experts, experts


def expert_coverage(model: ModelSpec, *, sequences: float) -> float:
    """The share of routed experts that `sequences` sequences touch in one step, 0 to 1."""
    missed: float = expert_miss(model) ** sequences
    return 1.0 - missed


def expert_miss(model: ModelSpec) -> float:
    """The share of routed experts that one sequence does not touch, 0 to 1; 0 without experts."""
    if not (model.n_experts and model.experts_per_token):
        return 0.0
    return 1.0 - model.experts_per_token / model.n_experts


@lru_cache(maxsize=4096)
def _bytes_by_part(model: ModelSpec, quant: QuantSpec) -> Mapping[str, float]:
    """Bytes of the input embedding, the routed experts, the unquantised rest, and all other."""
    split = tensors(model)
    mix = mixes().get(quant.name) if quant.family == "gguf" else None
    if mix is not None and split.embedding:
        return _gguf(model, split, mix)
    if quant.whole_model:
        return _parts(split, *(quant.bits_per_weight,) * 4)
    if quant.experts_only:
        experts = quant.bits_per_weight * _padding(model, quant)
        return _parts(split, *(_BITS_UNQUANTISED,) * 3, experts)
    return _parts(
        split,
        quant.embedding_bits or quant.bits_per_weight,
        _BITS_UNQUANTISED,
        quant.bits_per_weight,
        quant.bits_per_weight,
    )


def _padding(model: ModelSpec, quant: QuantSpec) -> float:
    if quant.family != "mxfp4" or not model.hidden_size:
        return 1.0
    return math.ceil(model.hidden_size / _MXFP4_TILE) * _MXFP4_TILE / model.hidden_size


def _parts(
    split: Tensors,
    vocabulary_bits: float,
    unquantised_bits: float,
    linear_bits: float,
    expert_bits: float,
) -> Mapping[str, float]:
    linear = (
        split.attention_qk
        + split.attention_v
        + split.attention_output
        + split.ffn_gate_up
        + split.ffn_down
        + split.linear
    )
    return {
        "embedding": split.embedding * vocabulary_bits / 8,
        "experts": split.experts * expert_bits / 8,
        "unquantised": split.unquantised * unquantised_bits / 8,
        "other": (linear * linear_bits + split.head * vocabulary_bits) / 8,
    }


def _gguf(model: ModelSpec, split: Tensors, mix: Mix) -> Mapping[str, float]:
    hidden, layers = model.hidden_size or 0, model.n_layers or 0
    attention_columns = (model.n_heads or 0) * (model.head_dim or 0)
    ffn_columns = model.intermediate_size or hidden
    expert_columns = model.moe_intermediate_size or hidden
    embedding = "output" if model.tied_embeddings else "embedding"
    fused = has_fused_attention(model.name)
    query_key, value = ("attention_qkv",) * 2 if fused else ("attention_qk", "attention_v")

    def bits(tensor: str, columns: int) -> float:
        return mix.bits(
            tensor,
            layers=layers,
            columns=columns,
            heads_per_kv_head=(model.n_heads or 1) // (model.n_kv_heads or 1),
            experts=model.n_experts or 1,
        )

    other = (
        split.head * bits("output", hidden)
        + split.attention_qk * bits(query_key, hidden)
        + split.attention_v * bits(value, hidden)
        + split.attention_output * bits("attention_output", attention_columns)
        + split.ffn_gate_up * bits("ffn_gate_up", hidden)
        + split.ffn_down * bits("ffn_down", ffn_columns)
        + split.linear * bits("linear", hidden)
    )
    experts = split.experts_gate_up * bits("experts_gate_up", hidden)
    experts += split.experts_down * bits("experts_down", expert_columns)
    return {
        "embedding": split.embedding * bits(embedding, hidden) / 8,
        "experts": experts / 8,
        "unquantised": split.unquantised * _BITS_UNQUANTISED / 8,
        "other": other / 8,
    }
