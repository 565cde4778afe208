"""Do the GPUs of a replica, its parallelism and the model's shape fit together?"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.registry.specs import ModelSpec, QuantSpec
from capcheck.resolution.choices import parallel_sizes
from capcheck.resolution.resolved import Resolved
from capcheck.rules.rule import Rule

# Engines refuse a rank that would hold part of a group of weights with one scale. SOURCE: vllm and
# sglang model_executor/layers/quantization (fp8_utils, awq).
_GROUP_ENGINES = ("vllm", "sglang")
# Both pad the vocabulary to a multiple of this before they split it.
_VOCABULARY_MULTIPLE = 64
_GROUP_OF_QUANT = {"FP8-block": 128, "AWQ": 128}

RULES = (
    Rule(
        id="gpus-below-parallelism",
        title="Fewer GPUs than the parallelism needs",
        severity="error",
        gate="support",
        why="The engine waits for ranks that have no device, then gives up.",
        how="tensor × pipeline × data parallel size is held against gpus_per_replica.",
        fix="Raise gpus_per_replica, or lower a parallel size.",
        failing="serving: {tensor_parallel_size: 4, max_model_len: 8192}\ngpus_per_replica: 2",
        passing="serving: {tensor_parallel_size: 4, max_model_len: 8192}\ngpus_per_replica: 4",
    ),
    Rule(
        id="gpus-unused",
        title="GPUs of a replica that the parallelism does not use",
        severity="warning",
        why="They are paid for and idle.",
        how=(
            "gpus_per_replica is held against tensor × pipeline × data parallel size, for engines "
            "that use no more GPUs than these say."
        ),
        fix="Lower gpus_per_replica, or raise tensor_parallel_size to use them.",
        failing="serving: {tensor_parallel_size: 4, max_model_len: 8192}\ngpus_per_replica: 8",
        passing="serving: {tensor_parallel_size: 4, max_model_len: 8192}\ngpus_per_replica: 4",
    ),
    Rule(
        id="pipeline-parallel-above-layers",
        title="More pipeline stages than layers",
        severity="error",
        gate="support",
        why="A stage without a layer cannot start.",
        how="pipeline_parallel_size is held against the model's number of layers.",
        fix="Set pipeline_parallel_size to the number of layers or less.",
        failing="serving: {pipeline_parallel_size: 40, max_model_len: 8192}\nmodel: llama3.1-8b",
        passing="serving: {pipeline_parallel_size: 2, max_model_len: 8192}\nmodel: llama3.1-8b",
    ),
    Rule(
        id="tensor-parallel-does-not-divide-heads",
        title="Tensor parallelism does not divide the attention heads",
        severity="error",
        gate="support",
        why="Engines deal out whole heads and refuse to start otherwise.",
        how=(
            "tensor_parallel_size must divide the attention heads, and divide the KV heads or be a "
            "multiple of them."
        ),
        fix="Take a size that divides both; the finding names the largest.",
        failing="model: qwen2.5-7b\nserving: {tensor_parallel_size: 8, max_model_len: 8192}",
        passing="model: qwen2.5-7b\nserving: {tensor_parallel_size: 4, max_model_len: 8192}",
    ),
    Rule(
        id="tensor-parallel-does-not-divide-vocab",
        title="Tensor parallelism does not divide the vocabulary",
        severity="error",
        gate="support",
        why="vLLM and SGLang split the embedding by rows and refuse an uneven split.",
        how=(
            "The vocabulary, padded to a multiple of 64 as both engines do, must be a multiple of "
            "tensor_parallel_size."
        ),
        fix="Take a tensor_parallel_size that divides it; powers of two up to 64 always do.",
        failing="vocab_size: 32064\nserving: {tensor_parallel_size: 5, max_model_len: 4096}",
        passing="vocab_size: 32064\nserving: {tensor_parallel_size: 2, max_model_len: 4096}",
    ),
    Rule(
        id="tensor-parallel-splits-quant-group",
        title="Tensor parallelism cuts through groups of quantised weights",
        severity="error",
        gate="support",
        why="A group shares one scale; engines refuse a rank that would hold part of one.",
        how=(
            "The feed-forward width of a rank must be whole groups (128 for AWQ and block FP8), on "
            "vllm and sglang."
        ),
        fix="Lower tensor_parallel_size, or split the replica with pipeline_parallel_size.",
        failing="model: qwen2.5-1.5b\nserving: {tensor_parallel_size: 4, max_model_len: 8192}",
        passing="model: qwen2.5-1.5b\nserving: {tensor_parallel_size: 2, max_model_len: 8192}",
    ),
    Rule(
        id="kv-heads-replicated",
        title="Ranks keep copies of the same KV heads",
        severity="note",
        why="The copies take KV cache that could hold more requests.",
        how=(
            "More ranks than KV heads share them; a model with a compressed KV cache (MLA) keeps "
            "all of it on every rank."
        ),
        fix="Use data_parallel_size or pipeline_parallel_size for the other GPUs.",
        failing="model: qwen2.5-1.5b\nserving: {tensor_parallel_size: 4, max_model_len: 8192}",
        passing="model: qwen2.5-1.5b\nserving: {tensor_parallel_size: 2, max_model_len: 8192}",
    ),
    Rule(
        id="tensor-parallel-over-pcie",
        title="Tensor parallelism over PCIe",
        severity="note",
        why="Ranks exchange activations in every layer; without NVLink that is felt in latency.",
        how="The GPU's link in the table is PCIe without NVLink, and tensor_parallel_size above 1.",
        fix="Use a GPU with NVLink, or pipeline_parallel_size, when latency matters.",
        failing="gpu: L4 24GB\nserving: {tensor_parallel_size: 2, max_model_len: 8192}",
        passing="gpu: L4 24GB\nserving: {tensor_parallel_size: 1, max_model_len: 8192}",
    ),
)


def check(resolved: Resolved) -> Iterator[Finding]:
    """Hold tensor, pipeline and data parallelism against the GPUs and the model: RULES."""
    model = resolved.model
    ranks, stages, copies = parallel_sizes(resolved.deployment.serving, resolved.backend)
    yield from _gpus(resolved, ranks, stages, copies)
    if model is None:
        return
    yield from _layers(resolved, model, stages)
    if ranks == 1:
        return
    refused = list(_heads(resolved, model, ranks)) or list(_vocabulary(resolved, model, ranks))
    if not refused and resolved.quant is not None:
        refused = list(_quant_groups(resolved, model, resolved.quant, ranks))
    yield from refused
    if not refused:
        yield from _replicated_heads(resolved, model, ranks)
        yield from _link(resolved, ranks)


def _gpus(resolved: Resolved, ranks: int, stages: int, copies: int) -> Iterator[Finding]:
    wanted, there = ranks * stages * copies, resolved.gpus_per_replica
    deployment = resolved.deployment
    product = f"tensor {ranks} x pipeline {stages} x data parallel {copies}"
    if there < wanted:
        yield Finding(
            rule="gpus-below-parallelism",
            severity="error",
            verdict="fail",
            message=f"{product} needs {wanted} GPUs; a replica has {there}",
            place=deployment.at(
                "/serving/tensor_parallel_size",
                "/serving/pipeline_parallel_size",
                "/serving/data_parallel_size",
                "/gpus_per_replica",
            ),
            related=deployment.at("/gpus_per_replica", "/gpu"),
            fix=f"set gpus_per_replica: {wanted}, or lower tensor_parallel_size",
        )
    elif there > wanted and resolved.backend and resolved.backend.memory_model == "budget":
        yield Finding(
            rule="gpus-unused",
            severity="warning",
            verdict="pass",
            message=(
                f"a replica has {there} GPUs; {product} uses {wanted}: "
                f"{there - wanted} are paid for and idle"
            ),
            place=deployment.at("/gpus_per_replica", "/gpu"),
            related=deployment.at("/serving/tensor_parallel_size", "/gpu"),
            fix=f"set gpus_per_replica: {wanted}, or tensor_parallel_size: {there}",
        )


def _layers(resolved: Resolved, model: ModelSpec, stages: int) -> Iterator[Finding]:
    if model.n_layers is not None and stages > model.n_layers:
        yield Finding(
            rule="pipeline-parallel-above-layers",
            severity="error",
            verdict="fail",
            message=f"{stages} pipeline stages, but {model.name} has {model.n_layers} layers",
            place=resolved.deployment.at("/serving/pipeline_parallel_size"),
            fix=f"set pipeline_parallel_size to {model.n_layers} or less",
        )


def _heads(resolved: Resolved, model: ModelSpec, ranks: int) -> Iterator[Finding]:
    """Attention heads are dealt out whole; KV heads are dealt out or repeated whole."""
    heads = model.n_heads
    kv_heads = None if model.mla_kv_lora_rank is not None else model.n_kv_heads
    if heads and heads % ranks:
        counted = f"{heads} attention heads"
    elif kv_heads and max(ranks, kv_heads) % min(ranks, kv_heads):
        counted = f"{kv_heads} KV heads"
    else:
        return
    valid = [n for n in range(1, ranks) if _divides(n, heads, kv_heads)]
    yield Finding(
        rule="tensor-parallel-does-not-divide-heads",
        severity="error",
        verdict="fail",
        message=f"tensor_parallel_size {ranks} does not divide the {counted} of {model.name}",
        place=resolved.deployment.at("/serving/tensor_parallel_size"),
        related=resolved.deployment.at("/model"),
        fix=f"set tensor_parallel_size: {valid[-1]}" if valid else None,
    )


def _divides(ranks: int, heads: int | None, kv_heads: int | None) -> bool:
    if heads and heads % ranks:
        return False
    return not kv_heads or not max(ranks, kv_heads) % min(ranks, kv_heads)


def _vocabulary(resolved: Resolved, model: ModelSpec, ranks: int) -> Iterator[Finding]:
    """SOURCE: vocab_parallel_embedding of vllm and sglang; vllm reports 1399 and 31474."""
    if model.vocab_size is None or not resolved.backend:
        return
    padded = -(-model.vocab_size // _VOCABULARY_MULTIPLE) * _VOCABULARY_MULTIPLE
    if resolved.backend.name not in _GROUP_ENGINES or padded % ranks == 0:
        return
    valid = [
        n
        for n in range(1, ranks)
        if padded % n == 0 and _divides(n, model.n_heads, model.n_kv_heads)
    ]
    yield Finding(
        rule="tensor-parallel-does-not-divide-vocab",
        severity="error",
        verdict="fail",
        message=(
            f"tensor_parallel_size {ranks} does not divide the {padded} rows of "
            f"{model.name}'s vocabulary"
        ),
        place=resolved.deployment.at("/serving/tensor_parallel_size"),
        related=resolved.deployment.at("/model", "/architecture"),
        fix=f"set tensor_parallel_size: {valid[-1]}",
    )


def _quant_groups(
    resolved: Resolved, model: ModelSpec, quant: QuantSpec, ranks: int
) -> Iterator[Finding]:
    group = _GROUP_OF_QUANT.get(quant.name)
    if group is None or resolved.backend is None or resolved.backend.name not in _GROUP_ENGINES:
        return
    widths = [model.intermediate_size]
    if quant.name == "FP8-block":
        widths.append(model.moe_intermediate_size)
    for width in filter(None, widths):
        if width % group or not width % (ranks * group):
            continue
        yield Finding(
            rule="tensor-parallel-splits-quant-group",
            severity="error",
            verdict="fail",
            message=(
                f"tensor_parallel_size {ranks} leaves {width / ranks:g} of {model.name}'s {width} "
                f"feed-forward columns to a rank, which {quant.name}'s groups of {group} do not fit"
            ),
            place=resolved.deployment.at("/serving/tensor_parallel_size"),
            related=resolved.deployment.at("/quant", "/model"),
            fix="lower tensor_parallel_size, or split the replica with pipeline_parallel_size",
        )
        return


def _replicated_heads(resolved: Resolved, model: ModelSpec, ranks: int) -> Iterator[Finding]:
    if model.mla_kv_lora_rank is not None:
        kept = f"every one of {ranks} ranks keeps the whole compressed KV cache of {model.name}"
        times: float = ranks
    elif model.n_kv_heads and ranks > model.n_kv_heads:
        kept = f"{ranks} ranks share {model.n_kv_heads} KV heads of {model.name}"
        times = ranks / model.n_kv_heads
    else:
        return
    yield Finding(
        rule="kv-heads-replicated",
        severity="note",
        verdict="pass",
        message=f"{kept}: the replica's KV cache takes {times:g} times its size",
        place=resolved.deployment.at("/serving/tensor_parallel_size"),
        fix="use data_parallel_size or pipeline_parallel_size for the other GPUs",
    )


def _link(resolved: Resolved, ranks: int) -> Iterator[Finding]:
    gpu = resolved.gpu
    if gpu is None or not gpu.interconnect.startswith("PCIe") or "NVLink" in gpu.interconnect:
        return
    yield Finding(
        rule="tensor-parallel-over-pcie",
        severity="note",
        verdict="pass",
        message=(
            f"{ranks} ranks of {gpu.name} exchange activations in every "
            f"layer over {gpu.interconnect}"
        ),
        place=resolved.deployment.at("/serving/tensor_parallel_size"),
        related=resolved.deployment.at("/gpu"),
        fix="use a GPU with NVLink, or pipeline_parallel_size, when latency matters",
    )
