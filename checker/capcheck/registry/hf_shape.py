"""The dimensions of a decoder, read from its config and named once."""

from __future__ import annotations

from capcheck.records import dataclass
from capcheck.registry import hf_fields as names
from capcheck.registry.hf_families import Family
from capcheck.registry.hf_fields import ConfigError, Fields
from capcheck.registry.hf_layers import Layers, layers


@dataclass(frozen=True, slots=True)
class Experts:
    """The mixture of experts: sizes in hidden units of the feed-forward."""

    count: int
    per_token: int
    size: int
    shared_size: int
    shared_gate: bool


@dataclass(frozen=True, slots=True)
class Mla:
    """Multi-head latent attention: ranks of the compressed query (None: not compressed) and KV."""

    query_rank: int | None
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder's dimensions, named once."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    dense_size: int | None
    tied: bool
    layers: Layers
    mla: Mla | None
    experts: Experts | None


def read_shape(fields: Fields, family: Family) -> Shape:
    """The dimensions that a config states. Raises ConfigError where they are missing or clash."""
    hidden = fields.required(*names.HIDDEN)
    heads = fields.required(*names.HEADS)
    kv_heads = _kv_heads(fields, family, heads)
    mla = _mla(fields)
    head_dim = mla.value_dim if mla else fields.whole("head_dim", "attention_head_dim")
    if head_dim is None:
        if hidden % heads:
            raise ConfigError(
                "head_dim", None, f"a head size: {heads} heads do not divide {hidden}"
            )
        head_dim = hidden // heads
    kinds = layers(fields, family)
    experts = _experts(fields, family)
    dense_size = fields.whole(family.dense_size_field, *names.FEED_FORWARD)
    if dense_size is None and family.feed_forward_ratio:
        dense_size = family.feed_forward_ratio * hidden
    if dense_size is None and (experts is None or kinds.moe < kinds.total):
        raise ConfigError("intermediate_size", None, "the size of the feed-forward layers")
    return Shape(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=fields.required("vocab_size"),
        dense_size=dense_size,
        tied=fields.flag("tie_word_embeddings", default=family.tied),
        layers=kinds,
        mla=mla,
        experts=experts,
    )


def _kv_heads(fields: Fields, family: Family, heads: int) -> int:
    if fields.text("model_type") == "falcon" and not fields.flag(
        "new_decoder_architecture", default=False
    ):
        kv_heads = 1 if fields.flag("multi_query", default=True) else heads
    else:
        kv_heads = fields.whole(*names.KV_HEADS) or family.kv_heads or heads
    if heads % kv_heads:
        raise ConfigError("num_key_value_heads", kv_heads, f"a divisor of the {heads} heads")
    return kv_heads


def _mla(fields: Fields) -> Mla | None:
    kv_rank = fields.whole("kv_lora_rank")
    if kv_rank is None:
        return None
    return Mla(
        query_rank=fields.whole("q_lora_rank"),
        kv_rank=kv_rank,
        nope_dim=fields.required("qk_nope_head_dim"),
        rope_dim=fields.required("qk_rope_head_dim"),
        value_dim=fields.required("v_head_dim"),
    )


def _experts(fields: Fields, family: Family) -> Experts | None:
    count = fields.whole(*names.EXPERTS)
    if count is None or count == 1:
        return None
    size = fields.whole(*names.EXPERT_SIZE) or fields.required(*names.FEED_FORWARD)
    shared = fields.whole("shared_expert_intermediate_size", "shared_intermediate_size", least=0)
    gate = shared is not None and fields.get("shared_expert_intermediate_size") is not None
    if shared is None:
        shared = size * (fields.whole("n_shared_experts", least=0) or family.shared_experts)
    per_token = fields.required(*names.EXPERTS_PER_TOKEN)
    if per_token > count:
        raise ConfigError("num_experts_per_tok", per_token, f"at most the {count} experts")
    return Experts(count, per_token, size, shared, gate and shared > 0)
