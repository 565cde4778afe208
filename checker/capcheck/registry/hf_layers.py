"""Which layers of a config keep every token, slide, hold no cache, or are mixtures of experts."""

from __future__ import annotations

from capcheck.records import dataclass
from capcheck.registry import hf_fields as names
from capcheck.registry.hf_families import Family
from capcheck.registry.hf_fields import ConfigError, Fields

_FULL = frozenset({"full_attention", "attention"})
_SLIDING = frozenset({"sliding_attention", "chunked_attention"})
_UNCACHED = frozenset({"linear_attention", "mamba", "mamba2", "recurrent"})


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers by what they cache (full + sliding + uncached = total), and how many have experts."""

    total: int
    full: int
    sliding: int
    uncached: int
    window: int | None
    moe: int


def layers(fields: Fields, family: Family) -> Layers:
    """The layers of a config. Raises ConfigError where its lists contradict its counts."""
    total = fields.required(*names.LAYERS, most=names.MOST_LAYERS)
    window = _window(fields, family)
    full, sliding, uncached = _by_cache(fields, family, total, window)
    return Layers(
        total=total,
        full=full,
        sliding=sliding,
        uncached=uncached,
        window=window if sliding else None,
        moe=_with_experts(fields, family, total),
    )


def _window(fields: Fields, family: Family) -> int | None:
    if not fields.flag("use_sliding_window", default=True):
        return None
    return fields.whole(family.window_field)


def _by_cache(
    fields: Fields, family: Family, total: int, window: int | None
) -> tuple[int, int, int]:
    """How many layers keep every token, only a window, and none."""
    kinds = fields.items("layer_types")
    if kinds is not None:
        if len(kinds) != total or not all(
            isinstance(kind, str) and kind in _FULL | _SLIDING | _UNCACHED for kind in kinds
        ):
            known = ", ".join(sorted(_FULL | _SLIDING | _UNCACHED))
            raise ConfigError("layer_types", kinds, f"{total} of {known}")
        sliding = sum(kind in _SLIDING for kind in kinds) if window else 0
        uncached = sum(kind in _UNCACHED for kind in kinds)
        return total - sliding - uncached, sliding, uncached
    interval = fields.whole("full_attention_interval")
    if interval is not None:
        return total // interval, 0, total - total // interval
    if window is None:
        return total, 0, 0
    period = fields.whole("sliding_window_pattern", "_sliding_window_pattern") or family.full_every
    if period is not None:
        return total // period, total - total // period, 0
    if family.slides:
        return 0, total, 0
    first = fields.whole("max_window_layers", least=0)
    sliding = max(0, total - first) if first is not None else 0
    return total - sliding, sliding, 0


def _with_experts(fields: Fields, family: Family, total: int) -> int:
    if (fields.whole(*names.EXPERTS) or 1) == 1:
        return 0
    listed = fields.items("moe_layers")
    if listed is not None:
        return len(listed)
    every = 1
    if family.moe_field:
        every = fields.whole(family.moe_field) or 1
    every = fields.whole("moe_layer_freq") or every
    dense = fields.items("mlp_only_layers") or ()
    first = fields.whole("first_k_dense_replace", least=0) or 0
    if family.moe_field:
        return sum((layer + 1) % every == 0 and layer not in dense for layer in range(total))
    return sum(layer >= first and layer % every == 0 for layer in range(total))
