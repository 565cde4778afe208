"""transformers: memory that grows with a run, whose longest stage decides the peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.predict.footprint.weights import embedding_bytes, loaded_bytes
from capcheck.predict.memory.activations import (
    eager_attention_bytes,
    logits_bytes,
    streaming_bytes,
)
from capcheck.predict.memory.request import GIB, MemoryRequest
from capcheck.records import dataclass
from capcheck.registry.versions import Version

_FP16 = 2
_COPY_OF_HEAD = ("kept", "loading")


@dataclass(frozen=True, slots=True)
class Era:
    """What `generate()` of the releases below `until` (None: all later ones) holds.

    `prompt_logits` is the number of 16-bit copies of the scores of every prompt token, `caches`
    how many KV caches a step holds at once; `rotary_per_layer` says that every layer keeps a table
    of rotary positions.
    """

    until: tuple[int, ...] | None = None
    prompt_logits: float = 0.0
    caches: float = 1.0
    rotary_per_layer: bool = False


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a run's stages are made of, in GiB on one GPU.

    `logits`, `intermediate` and `hidden` are one 16-bit copy over all prompt tokens, `scores` one
    layer's eager attention. `head` is the embedding where the output shares it, `unpacked` one
    feed-forward matrix at 16 bits. `prompt_cache` is there after the prompt, `cache` at the end.
    """

    family: str
    weights: float
    rotary: float
    head: float
    unpacked: float
    prompt_cache: float
    cache: float
    logits: float
    scores: float
    intermediate: float
    hidden: float


def eras(law: Mapping[str, Any], version: Version | None) -> list[Era]:
    """The era of the stated release; for an unknown one the newest first, then the others.

    Coefficients from before eras were told apart know one.
    """
    found = [
        Era(**{**entry, "until": tuple(entry["until"]) if entry["until"] else None})
        for entry in law.get("eras", [{"until": None}])
    ]
    if version is None:
        return found[::-1]
    return [era for era in found if era.until is None or version < era.until][:1]


def sizes(request: MemoryRequest, *, sequences: int, prompt_tokens: int, tokens: int) -> Sizes:
    """The sizes of a static batch: each sequence has so many prompt tokens, `tokens` at its end."""
    model, shard = request.model, request.shard
    rows = sequences * prompt_tokens

    def vectors(intermediate: float, hidden: float) -> float:
        widths = (intermediate, hidden)
        return streaming_bytes(model, tokens=rows, tensor_parallel_size=1, widths=widths) / GIB

    layers = (model.n_layers or 0) * shard.layer_share(model)
    table = 2 * _FP16 * (model.max_context or 0) * (model.head_dim or 0)
    matrix = _FP16 * (model.hidden_size or 0) * (model.intermediate_size or 0)
    embedding = embedding_bytes(model, request.quant) if model.tied_embeddings else 0.0
    scores = eager_attention_bytes(model, sequences=sequences, tokens=prompt_tokens)
    return Sizes(
        family=request.quant.family,
        weights=loaded_bytes(model, request.quant) * shard.weights_share(model) / GIB,
        rotary=layers * table / GIB,
        head=embedding / GIB,
        unpacked=matrix / GIB,
        prompt_cache=sequences * request.sequence_gib(prompt_tokens),
        cache=sequences * request.sequence_gib(tokens),
        logits=logits_bytes(model, rows=rows) / 2 / GIB,
        scores=scores / GIB,
        intermediate=vectors(1.0, 0.0),
        hidden=vectors(0.0, 1.0),
    )


def peak_parts(found: Sizes, law: Mapping[str, Any], era: Era, *, fused: bool) -> dict[str, float]:
    """The parts of the peak: of loading, the prompt, and decoding, the stage that holds most.

    A prompt's pass holds one layer's vectors (and scores, without a fused kernel) or its scores
    over the vocabulary beside the last hidden states.
    """
    parts = standing_parts(found, law, era)
    unpacked = found.unpacked if found.family in law.get("unpacks", ()) else 0.0
    parts["runtime_overhead"] += unpacked
    intermediate, hidden = law["fused_widths" if fused else "eager_widths"]
    layer = intermediate * found.intermediate + hidden * found.hidden
    working = [layer, era.prompt_logits * found.logits + found.hidden]
    if not fused:
        working += [layer + found.scores, law["logits_copies"] * found.logits]
    copy = found.head if law.get("own_head", {}).get(found.family) in _COPY_OF_HEAD else 0.0
    stages = (
        found.prompt_cache + max(working),
        era.caches * found.cache,
        found.weights + copy - parts["weights"] - parts["runtime_overhead"],
    )
    return {**parts, "activation_peak": max(stages) - found.cache}


def standing_parts(found: Sizes, law: Mapping[str, Any], era: Era) -> dict[str, float]:
    """What stays after a run: weights with the tables beside them, cache and workspace."""
    copy = found.head if law.get("own_head", {}).get(found.family) == "kept" else 0.0
    return {
        "weights": found.weights + copy + (found.rotary if era.rotary_per_layer else 0.0),
        "kv_cache": found.cache,
        "activation_peak": 0.0,
        "runtime_overhead": law["workspace_gib"],
    }
