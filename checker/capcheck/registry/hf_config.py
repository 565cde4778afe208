"""A model from its Hugging Face config.json: exact parameter count and KV bytes per token.

Required: `hidden_size`, `num_hidden_layers`, `num_attention_heads`, `vocab_size`, and
`intermediate_size` (unless every layer is a mixture of experts, or the type fixes a ratio). With
`kv_lora_rank` (multi-head latent attention) also `qk_nope_head_dim`, `qk_rope_head_dim` and
`v_head_dim`; with experts also `num_experts_per_tok`. Everything else has the type's default. A
multimodal config is read by its `text_config`. `num_parameters` is ours, not Hugging Face's: the
total, for types that this arithmetic cannot count; their KV bytes are then known only where
`layer_types` or `full_attention_interval` says which layers cache.
"""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.registry import hf_fields as names
from capcheck.registry.hf_count import idle_parameters, parameters, vision_parameters
from capcheck.registry.hf_families import FAMILIES, LLAMA, NOT_COUNTED
from capcheck.registry.hf_fields import ConfigError, Fields
from capcheck.registry.hf_quant import native_quant
from capcheck.registry.hf_shape import Shape, read_shape
from capcheck.registry.specs import ModelSpec

__all__ = ["ConfigError", "from_config"]


def from_config(config: Mapping[str, object], *, name: str) -> ModelSpec:
    """The model that a config.json describes. A vision tower is estimated; see `source`.

    Raises ConfigError, a ValueError with the field, what was found and what was expected.
    SOURCE: tensor shapes in huggingface/transformers, by `model_type` (hf_families.py).
    """
    fields = Fields(config)
    model_type = _model_type(fields)
    family = FAMILIES.get(model_type, LLAMA)
    if model_type == "falcon" and fields.flag("new_decoder_architecture", default=False):
        family = family._replace(norms=2)
    shape = read_shape(fields, family)
    stated = _stated_parameters(fields, model_type)
    counted = parameters(fields, family, shape)
    vision = 0 if stated else vision_parameters(config)
    params = stated or counted + vision
    experts, mla, kinds = shape.experts, shape.mla, shape.layers
    irregular = model_type in NOT_COUNTED and not kinds.uncached
    idle = idle_parameters(family, shape)
    if idle >= params:
        raise ConfigError("num_parameters", stated, f"more than the {idle} of idle experts")
    return ModelSpec(
        name=name,
        params=params,
        active_params=params - vision - idle,
        n_layers=kinds.total,
        hidden_size=shape.hidden,
        n_heads=shape.heads,
        n_kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        vocab_size=shape.vocabulary,
        intermediate_size=shape.dense_size,
        moe_intermediate_size=experts.size if experts else None,
        tied_embeddings=shape.tied,
        max_context=fields.whole(*names.CONTEXT),
        attention=_attention(shape, irregular=irregular),
        sliding_window=kinds.window,
        n_full_attention_layers=kinds.full,
        n_sliding_layers=kinds.sliding,
        mla_kv_lora_rank=mla.kv_rank if mla else None,
        mla_rope_dim=mla.rope_dim if mla else None,
        n_experts=experts.count if experts else None,
        experts_per_token=experts.per_token if experts else None,
        native_quant=native_quant(fields),
        kv_bytes_per_token_16bit=None if irregular else _kv_bytes(shape),
        family=name,
        licence=None,
        hf_repo=None,
        source=_source(model_type, stated=bool(stated), vision=vision),
    )


def _model_type(fields: Fields) -> str:
    nested = fields.part.get("model_type")
    if isinstance(nested, str) and (nested in FAMILIES or nested in NOT_COUNTED):
        return nested
    return fields.text("model_type") or "llama"


def _kv_bytes(shape: Shape) -> int:
    """Bytes per token of a 16-bit cache: layers that keep every token, or all when none does."""
    cached = shape.layers.full or shape.layers.sliding
    if shape.mla:
        return 2 * cached * (shape.mla.kv_rank + shape.mla.rope_dim)
    return 2 * cached * 2 * shape.kv_heads * shape.head_dim


def _attention(shape: Shape, *, irregular: bool) -> str:
    if shape.mla:
        plain = "MLA"
    elif shape.kv_heads == shape.heads:
        plain = "MHA"
    else:
        plain = "MQA" if shape.kv_heads == 1 else "GQA"
    return f"hybrid {plain}" if shape.layers.uncached or irregular else plain


def _stated_parameters(fields: Fields, model_type: str) -> int | None:
    value = fields.get("num_parameters")
    if value is not None:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**15:
            raise ConfigError("num_parameters", value, "a positive whole number")
        return value
    if model_type in NOT_COUNTED:
        reason = NOT_COUNTED[model_type]
        expected = f"the total number of parameters: {model_type} has {reason}, not counted here"
        raise ConfigError("num_parameters", None, expected)
    return None


def _source(model_type: str, *, stated: bool, vision: int) -> str:
    notes = ["computed from the architecture given"]
    if stated:
        notes = ["architecture given, with its parameter count"]
    elif model_type not in FAMILIES:
        notes.append(f"approximate: model_type {model_type} is counted as a Llama")
    if vision:
        notes.append(f"vision tower estimated at {vision / 1e9:.2f}B")
    return "; ".join(notes)
