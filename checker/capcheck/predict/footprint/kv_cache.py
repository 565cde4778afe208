"""Bytes that the KV cache of one sequence takes, over the whole model (before sharding)."""

from __future__ import annotations

from functools import lru_cache

from capcheck.records import dataclass
from capcheck.registry.specs import ModelSpec

# DeepSeek sparse attention keeps 128 FP8 keys and one FP32 scale per token and layer.
_INDEX_BYTES = 132.0


@dataclass(frozen=True, slots=True)
class CacheShape:
    """Cached elements per token: `full` where every token is kept, `sliding` in windowed layers.

    `window` is how many tokens a sliding layer keeps; None when there is no such layer.
    `index_bytes` is what a sparse-attention index adds per token, whatever the cache's data type.
    """

    full: float
    sliding: float
    window: int | None
    index_bytes: float = 0.0


@lru_cache(maxsize=1024)
def cache_shape(model: ModelSpec) -> CacheShape | None:
    """What one token leaves in the cache; None when the architecture does not say.

    Keys and values of every KV head in attention layers, the compressed latent and its rotary part
    in MLA layers, nothing in linear-attention and state-space layers, whose state does not grow.
    A published figure that the shapes do not explain is that of the full layers (Gemma 4's have
    head sizes of their own).
    SOURCE: each model's published config; DeepSeek-V2 (arXiv 2405.04434) section 2.1 for MLA.
    """
    if model.kv_bytes_per_token_16bit is None and not _is_plain(model):
        return None
    full_layers, sliding_layers = _layers(model)
    per_layer = _elements_per_layer(model)
    published = model.kv_bytes_per_token_16bit
    if full_layers is None or per_layer is None:
        return None if published is None else CacheShape(published / 2, 0.0, None)
    window = model.sliding_window if sliding_layers else None
    full, sliding = full_layers * per_layer, sliding_layers * per_layer
    if published is not None and published not in (2 * full, 2 * (full + sliding)):
        full = published / 2
    index = _INDEX_BYTES * full_layers if "DSA" in model.attention.upper() else 0.0
    return CacheShape(full, sliding, window, index)


def bytes_per_token(model: ModelSpec, *, bytes_per_element: float) -> float | None:
    """Bytes that one token adds while the context is inside every sliding window.

    None when the architecture does not say.
    """
    shape = cache_shape(model)
    if shape is None:
        return None
    return (shape.full + shape.sliding) * bytes_per_element + shape.index_bytes


def bytes_of_context(model: ModelSpec, *, tokens: float, bytes_per_element: float) -> float | None:
    """Bytes of one sequence of `tokens` tokens; sliding layers stop growing at their window.

    None when the architecture does not say.
    """
    shape = cache_shape(model)
    if shape is None:
        return None
    windowed = tokens if shape.window is None else min(tokens, shape.window)
    elements = shape.full * tokens + shape.sliding * windowed
    return elements * bytes_per_element + shape.index_bytes * tokens


def _is_plain(model: ModelSpec) -> bool:
    return model.attention.upper() in {"MHA", "GQA", "MQA", "MLA"} and not model.sliding_window


def _layers(model: ModelSpec) -> tuple[int | None, int]:
    """Layers that keep every token, and layers with a sliding window."""
    if model.n_full_attention_layers is not None:
        return model.n_full_attention_layers, model.n_sliding_layers
    if model.n_layers is None or model.attention.lower().startswith("hybrid"):
        return None, 0
    return model.n_layers - model.n_sliding_layers, model.n_sliding_layers


def _elements_per_layer(model: ModelSpec) -> float | None:
    if model.mla_kv_lora_rank is not None:
        return model.mla_kv_lora_rank + (model.mla_rope_dim or 0)
    if model.n_kv_heads is None or model.head_dim is None:
        return None
    return 2 * model.n_kv_heads * model.head_dim
