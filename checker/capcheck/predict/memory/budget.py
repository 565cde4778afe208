"""Engines that turn a share of the device into weights and a KV pool."""

from __future__ import annotations

import math

from capcheck.estimate import Estimate, Provenance, exact, unknown
from capcheck.predict.footprint.weights import loaded_bytes
from capcheck.predict.forecast import Memory
from capcheck.predict.memory.activations import (
    expert_workspace_bytes,
    logits_bytes,
    streaming_bytes,
)
from capcheck.predict.memory.request import GIB, MemoryRequest
from capcheck.records import dataclass

_FP16 = 2


@dataclass(frozen=True, slots=True)
class Era:
    """Constants of the engine versions below `until` (None: all later ones)."""

    until: tuple[int, ...] | None
    logits_copies: float
    expert_workspace_stays: bool
    overhead_gib: float
    overhead_gib_multi_gpu: float
    graphs_in_budget: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """One GPU's account: parts charged to the engine's budget, and GiB that live outside of it."""

    weights: float
    sequence: float
    activation_peak: float
    runtime_overhead: float
    cuda_graphs: float
    outside: float

    @property
    def fixed(self) -> float:
        """Everything in the budget that is not KV cache."""
        return self.weights + self.activation_peak + self.runtime_overhead + self.cuda_graphs


def budgeted(request: MemoryRequest) -> Memory:
    """vLLM, SGLang, TGI, TensorRT-LLM: the KV pool is what weights and peak leave of the budget.

    The engine starts when the pool holds one sequence of `max_model_len`: that sequence is part of
    `needed`. SOURCE: each engine's start-up code, its constants fitted on start-up logs (see the
    coefficients' `memory` section).
    """
    eras = _eras(request)
    ledgers = [_ledger(request, era) for era in eras]
    ledger = ledgers[0]
    low, high = request.law["interval"]
    fixed_low = min(other.fixed for other in ledgers) * low
    fixed_high = max(other.fixed for other in ledgers) * high
    if len(eras) == 1:
        fixed_high += _expert_reserve_gib(request, eras[0])
    unused = ledger.sequence * (1.0 / _pool_share(request) - 1.0)
    cache = ledger.sequence + unused
    usable = _usable(request, ledgers)
    provenance = _provenance(request, eras)

    def pool(total: float | None, fixed: float) -> float:
        return max(0.0, (total or 0.0) - fixed) * _pool_share(request)

    pools = (
        pool(usable.value, ledger.fixed),
        pool(usable.low, fixed_high),
        pool(usable.high, fixed_low),
    )
    return Memory(
        needed=Estimate(
            ledger.fixed + cache,
            fixed_low + cache,
            fixed_high + cache * (request.law["recurrent_state"][1] if request.is_hybrid else 1.0),
            provenance,
            _basis(request, eras),
        ),
        usable=usable,
        parts={
            "weights": ledger.weights,
            "kv_cache": ledger.sequence,
            "activation_peak": ledger.activation_peak,
            "runtime_overhead": ledger.runtime_overhead + unused,
            "cuda_graphs": ledger.cuda_graphs,
        },
        kv_cache_tokens=_count(request, pools, _gib_per_token(request, ledger), provenance),
        max_concurrent_sequences=_capped(
            request, _count(request, pools, ledger.sequence, provenance)
        ),
    )


def _eras(request: MemoryRequest) -> list[Era]:
    """The era of the stated version; for an unknown version the newest first, then the others."""
    eras = [
        Era(**{**entry, "until": tuple(entry["until"]) if entry["until"] else None})
        for entry in request.law["eras"]
    ]
    if request.version is None:
        return eras[::-1]
    return [era for era in eras if era.until is None or request.version < era.until][:1]


def _ledger(request: MemoryRequest, era: Era) -> Ledger:
    law, shard = request.law, request.shard
    activation = _activation_gib(request, era)
    overhead = era.overhead_gib_multi_gpu if shard.tensor * shard.pipeline > 1 else era.overhead_gib
    graphs = _graphs_gib(request)
    inside = law["fraction_of"] != "weights and pool"
    outside = law["context_gib"]
    if not inside:
        outside += activation + overhead + graphs
    elif not era.graphs_in_budget:
        outside += graphs
    return Ledger(
        weights=_weights_gib(request),
        sequence=_sequence_gib(request),
        activation_peak=activation if inside else 0.0,
        runtime_overhead=overhead if inside else 0.0,
        cuda_graphs=graphs if inside and era.graphs_in_budget else 0.0,
        outside=outside,
    )


def _weights_gib(request: MemoryRequest) -> float:
    """The GPU's share of the weights; the table of rotary positions is copied to every rank."""
    model = request.model
    rotary = _FP16 * (model.max_context or 0) * (model.head_dim or 0)
    share = request.shard.weights_share(model)
    return (loaded_bytes(model, request.quant) * share + rotary) / GIB


def _activation_gib(request: MemoryRequest, era: Era) -> float:
    """Peak of the dummy run: the sampler over `max_num_seqs` rows, or one layer over all tokens."""
    model, engine, tensor = request.model, request.engine, request.shard.tensor
    batch = engine.max_num_batched_tokens
    sampled = min(engine.max_num_seqs, batch, request.law["sampled_rows_at_most"] or batch)
    sampler = era.logits_copies * logits_bytes(model, rows=sampled)
    sampler += _FP16 * batch * (model.hidden_size or 0)
    layer = streaming_bytes(
        model,
        tokens=batch,
        tensor_parallel_size=tensor,
        widths=request.law["streaming_widths"],
    )
    experts = expert_workspace_bytes(model, tokens=batch, tensor_parallel_size=tensor)
    if era.expert_workspace_stays:
        return (max(sampler, layer) + experts) / GIB
    return max(sampler, layer + experts) / GIB


def _expert_reserve_gib(request: MemoryRequest, era: Era) -> float:
    """What a mixture of experts may take beyond its workspace: an upper bound, not an estimate.

    Releases whose workspace was not shared were seen to lose 5 GiB of pool when only max_model_len
    grew from 100,000 to 221,000. SOURCE: vllm issue 25350 (Qwen3-30B-A3B FP8, 48 GB, 0.10).
    """
    longer = request.engine.max_model_len - request.engine.max_num_batched_tokens
    if era.expert_workspace_stays or longer <= 0:
        return 0.0
    extra = expert_workspace_bytes(
        request.model, tokens=longer, tensor_parallel_size=request.shard.tensor
    )
    return extra / GIB


def _graphs_gib(request: MemoryRequest) -> float:
    if request.engine.enforce_eager:
        return 0.0
    base, per_layer = request.law["graphs_gib"]
    layers = (request.model.n_layers or 0) * request.shard.layer_share(request.model)
    return float(base + per_layer * layers)


def _sequence_gib(request: MemoryRequest) -> float:
    """One sequence of `max_model_len` tokens in whole blocks.

    A sliding layer also holds the chunk being processed. A recurrent state costs a hybrid model
    about as much as a share of its cache.
    """
    engine, block = request.engine, request.law["block_tokens"]
    tokens = math.ceil(engine.max_model_len / block) * block
    window = request.cache.window
    kept = float(tokens)
    if window is not None:
        in_window = min(window - 1 + engine.max_num_batched_tokens, tokens)
        kept = min(tokens, (math.ceil(in_window / block) + 1) * block)
    full, sliding = _padding(request)
    size = request.cache_gib(full_tokens=full * tokens, sliding_tokens=sliding * kept)
    return size * (request.law["recurrent_state"][0] if request.is_hybrid else 1.0)


def _padding(request: MemoryRequest) -> tuple[float, float]:
    """How much a pool that groups layers of one kind pads full and sliding layers, as factors.

    vLLM gives every group as many layers as the rarer kind has (or the commoner, if within a
    quarter of it). SOURCE: vLLM kv_cache_utils, confirmed by the logs of Gemma 3 4B and 27B.
    """
    full, sliding = request.model.n_full_attention_layers or 0, request.model.n_sliding_layers
    if not (request.law["groups_layers"] and full and sliding):
        return 1.0, 1.0
    fewer, more = sorted((full, sliding))
    group = more if more < 1.25 * fewer else fewer
    return (
        math.ceil(full / group) * group / full,
        math.ceil(sliding / group) * group / sliding,
    )


def _gib_per_token(request: MemoryRequest, ledger: Ledger) -> float:
    """What one token of the pool's printed size costs.

    An engine that groups layers divides its pool by all of them; else a token of a full-length
    sequence is meant.
    """
    if not request.law["groups_layers"] or request.is_hybrid:
        return ledger.sequence / request.engine.max_model_len
    full, sliding = _padding(request)
    return request.cache_gib(full_tokens=full, sliding_tokens=sliding)


def _pool_share(request: MemoryRequest) -> float:
    """The share of what the fixed parts leave of the budget that becomes the pool."""
    return max(0.01, _fraction(request)) if request.law["fraction_of"] == "free" else 1.0


def _fraction(request: MemoryRequest) -> float:
    """The engine's memory fraction in force, or its default in the coefficients."""
    stated = request.engine.memory_fraction
    return float(request.law["default_fraction"] if stated is None else stated)


def _usable(request: MemoryRequest, ledgers: list[Ledger]) -> Estimate:
    """What the engine may use of each product that the GPU's name can mean."""
    sizes = [_usable_of(request, total, ledgers[0]) for total in request.totals_gib]
    fraction = _fraction(request)
    basis = {
        "device": f"{fraction:.2f} of device memory",
        "free": f"device memory, of which {fraction:.2f} of what is free becomes the pool",
        "weights and pool": f"{fraction:.2f} of device memory, for weights and pool",
    }[request.law["fraction_of"]]
    if sizes[0] == 0.0:
        basis = f"refuses to start: it asks for {basis} and less is free"
    return Estimate(sizes[0], min(sizes), max(sizes), "derived", basis)


def _usable_of(request: MemoryRequest, total_gib: float, ledger: Ledger) -> float:
    free = total_gib - request.reserved_gib
    if request.law["fraction_of"] == "free":
        return max(0.0, free - ledger.outside)
    asked = _fraction(request) * total_gib
    if request.law["checks_free_memory"] and asked > free:
        return 0.0
    return max(0.0, min(asked, free - ledger.outside))


def _count(
    request: MemoryRequest, pools: tuple[float, float, float], size: float, provenance: Provenance
) -> Estimate:
    """How many of `size` GiB the pools (value, low, high) of all engine copies hold."""
    if size <= 0.0:
        return unknown("the model keeps no KV cache")
    copies = request.engine.data_parallel_size
    value, low, high = (copies * pool / size for pool in pools)
    return Estimate(
        value, low, high, provenance, "what the budget leaves after weights, peak and overhead"
    )


def _capped(request: MemoryRequest, held: Estimate) -> Estimate:
    """Sequences at a time: those that the pool holds, but no more than the engine has slots."""
    slots = float(request.engine.max_num_seqs * request.engine.data_parallel_size)
    if held.value is None or held.low is None or held.high is None:
        return exact(slots, "slots of the engine")
    return Estimate(
        min(slots, held.value),
        min(slots, held.low),
        min(slots, held.high),
        held.provenance,
        f"{held.basis}, at most {slots:g} slots",
    )


def _provenance(request: MemoryRequest, eras: list[Era]) -> Provenance:
    if not request.law["measured"] or len(eras) > 1 or request.beyond_measured:
        return "extrapolated"
    return "interpolated"


def _basis(request: MemoryRequest, eras: list[Era]) -> str:
    engine = request.engine
    text = (
        f"one sequence of {engine.max_model_len} tokens, {engine.max_num_batched_tokens} tokens "
        f"and {engine.max_num_seqs} sequences a step; {request.law['basis']}"
    )
    text = "; ".join(filter(None, (text, request.beyond_measured)))
    return text if len(eras) == 1 else f"{text}; engine version not stated: all versions spanned"
