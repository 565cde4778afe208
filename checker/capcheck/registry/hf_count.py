"""How many parameters a decoder of a given shape has.

SOURCE: the tensor shapes in huggingface/transformers 5.23.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.registry import hf_fields as names
from capcheck.registry.hf_families import Family, Flag
from capcheck.registry.hf_fields import Fields
from capcheck.registry.hf_shape import Experts, Mla, Shape


def parameters(fields: Fields, family: Family, shape: Shape) -> int:
    """Every weight of the decoder: embeddings, layers, final norm, output head."""
    norm = shape.hidden * (2 if family.norm_bias else 1) * (1 if family.norms else 0)
    kinds = shape.layers
    total = shape.vocabulary * shape.hidden * (1 if shape.tied else 2)
    total += norm + (norm if family.embedding_norm else 0)
    total += shape.vocabulary if family.head_bias else 0
    if family.positions_offset is not None:
        context = fields.required(*names.CONTEXT)
        total += (context + family.positions_offset) * shape.hidden
    total += kinds.total * (_attention_parameters(fields, family, shape) + family.norms * norm)
    if shape.dense_size is not None:
        bias = _on(fields, family.feed_forward_bias)
        dense = _feed_forward(family, shape.hidden, shape.dense_size, bias=bias)
        total += (kinds.total - kinds.moe) * dense
    return total + kinds.moe * _moe_parameters(family, shape)


def _attention_parameters(fields: Fields, family: Family, shape: Shape) -> int:
    hidden, heads = shape.hidden, shape.heads
    if shape.mla:
        return _mla_parameters(shape, shape.mla)
    query, key = heads * shape.head_dim, shape.kv_heads * shape.head_dim
    total = hidden * (query + 2 * key) + query * hidden
    total += query + 2 * key if _on(fields, family.qkv_bias) else 0
    total += hidden if _on(fields, family.output_bias) else 0
    total += heads if family.sinks else 0
    if family.qk_norm and _on(fields, family.qk_norm_if):
        total += 2 * shape.head_dim if family.qk_norm == "head" else query + key
    return total


def _mla_parameters(shape: Shape, mla: Mla) -> int:
    """Down- and up-projections of DeepSeek-V2's attention (arXiv 2405.04434, section 2.1)."""
    query = shape.heads * (mla.nope_dim + mla.rope_dim)
    if mla.query_rank is None:
        total = shape.hidden * query
    else:
        total = shape.hidden * mla.query_rank + mla.query_rank + mla.query_rank * query
    total += shape.hidden * (mla.kv_rank + mla.rope_dim) + mla.kv_rank
    total += mla.kv_rank * shape.heads * (mla.nope_dim + mla.value_dim)
    return total + shape.heads * mla.value_dim * shape.hidden


def _feed_forward(family: Family, hidden: int, size: int, *, bias: bool) -> int:
    up = 2 if family.gated else 1
    return (up + 1) * hidden * size + (up * size + hidden if bias else 0)


def _moe_parameters(family: Family, shape: Shape) -> int:
    experts = shape.experts
    if experts is None:
        return 0
    total = experts.count * _expert(family, shape, experts) + shape.hidden * experts.count
    total += experts.count if family.router_bias else 0
    total += experts.count if family.routing_correction else 0
    total += shape.hidden if experts.shared_gate else 0
    return total + _feed_forward(family, shape.hidden, experts.shared_size, bias=False)


def _expert(family: Family, shape: Shape, experts: Experts) -> int:
    return _feed_forward(family, shape.hidden, experts.size, bias=family.expert_bias)


def idle_parameters(family: Family, shape: Shape) -> int:
    """Weights of the experts that one token does not visit."""
    experts = shape.experts
    if experts is None:
        return 0
    idle = experts.count - experts.per_token
    return shape.layers.moe * idle * _expert(family, shape, experts)


def _on(fields: Fields, flag: Flag) -> bool:
    return flag if isinstance(flag, bool) else fields.flag(flag[0], default=flag[1])


def vision_parameters(config: Mapping[str, object]) -> int:
    """An estimate of a vision tower: four square matrices a layer and two (gated: three) others."""
    tower = config.get("vision_config")
    if not isinstance(tower, Mapping):
        return 0
    fields = Fields(tower)
    hidden = fields.whole("hidden_size", "embed_dim")
    depth = fields.whole("num_hidden_layers", "depth", "num_layers")
    if hidden is None or depth is None:
        return 0
    size = fields.whole("intermediate_size") or 4 * hidden
    matrices = 3 if fields.text("hidden_act") == "silu" else 2
    return depth * (4 * hidden * hidden + matrices * hidden * size)
