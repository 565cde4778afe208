"""Do the context, the engine's token budget and the requests agree?"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.manifest.deployment import Tokens
from capcheck.resolution.resolved import Engine, Resolved
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="max-model-len-over-model",
        title="max_model_len is beyond what the model has positions for",
        severity="error",
        gate="support",
        why="Engines refuse it at start-up, or the model answers nonsense beyond its positions.",
        how="serving.max_model_len is held against the model's position limit.",
        fix="Set max_model_len to the model's limit or less.",
        failing="model: qwen2.5-7b\nserving: {max_model_len: 65536}",
        passing="model: qwen2.5-7b\nserving: {max_model_len: 32768}",
    ),
    Rule(
        id="request-longer-than-context",
        title="The longest request does not fit into the context",
        severity="error",
        gate="support",
        why="The engine rejects such requests, or cuts the prompt without a word.",
        how="Longest stated prompt + longest stated output, held against the context in force.",
        fix="Raise max_model_len, or correct the traffic.",
        failing="serving: {max_model_len: 1024}\ntraffic: {agents: 1, profile: rag}",
        passing="serving: {max_model_len: 8192}\ntraffic: {agents: 1, profile: rag}",
    ),
    Rule(
        id="batched-tokens-below-context",
        title="Without chunked prefill a step cannot hold a whole prompt",
        severity="error",
        gate="support",
        why="vLLM refuses to start so.",
        how="With chunked prefill off, max_num_batched_tokens must reach max_model_len.",
        fix="Raise max_num_batched_tokens, or leave chunked prefill on.",
        failing="max_num_batched_tokens: 4096\nenable_chunked_prefill: false",
        passing="max_num_batched_tokens: 4096\nenable_chunked_prefill: true",
    ),
    Rule(
        id="batched-tokens-below-sequences",
        title="A step has fewer tokens than sequences",
        severity="error",
        gate="support",
        why="vLLM refuses to start so: every running sequence needs a token of each step.",
        how="max_num_batched_tokens is held against max_num_seqs.",
        fix="Raise max_num_batched_tokens, or lower max_num_seqs.",
        failing="max_num_batched_tokens: 128\nmax_num_seqs: 256",
        passing="max_num_batched_tokens: 2048\nmax_num_seqs: 256",
    ),
)


def check(resolved: Resolved) -> Iterator[Finding]:
    """Hold lengths against each other: model, max_model_len, requests, token budget.

    Findings max-model-len-over-model, request-longer-than-context, batched-tokens-below-context,
    batched-tokens-below-sequences.
    """
    engine = resolved.engine
    yield from _beyond_model(resolved)
    length = engine.max_model_len if engine else resolved.deployment.serving.max_model_len
    if length is not None:
        yield from _requests(resolved, length)
    if engine is not None and resolved.backend and resolved.backend.name == "vllm":
        yield from _token_budget(resolved, engine)


def _beyond_model(resolved: Resolved) -> Iterator[Finding]:
    stated, model = resolved.deployment.serving.max_model_len, resolved.model
    if stated is None or model is None or model.max_context is None:
        return
    if stated > model.max_context:
        yield Finding(
            rule="max-model-len-over-model",
            severity="error",
            verdict="fail",
            message=(
                f"max_model_len {stated:,} is beyond the {model.max_context:,} tokens that "
                f"{model.name} has positions for"
            ),
            place=resolved.deployment.at("/serving/max_model_len"),
            related=resolved.deployment.at("/model"),
            fix=f"set max_model_len: {model.max_context}",
        )


def _requests(resolved: Resolved, available: int) -> Iterator[Finding]:
    deployment, traffic = resolved.deployment, resolved.deployment.traffic
    if traffic is None or not (traffic.prompt_tokens or traffic.output_tokens):
        return
    prompt, output = longest(traffic.prompt_tokens), longest(traffic.output_tokens)
    needed = prompt + output
    if needed <= available:
        return
    stated = "/serving/max_model_len" in deployment.places
    traffic_place = deployment.at(
        "/traffic/prompt_tokens/max",
        "/traffic/prompt_tokens/p95",
        "/traffic/prompt_tokens",
        "/traffic/output_tokens",
        "/traffic/profile",
        "/traffic",
    )
    roomy = resolved.model and needed <= (resolved.model.max_context or 0)
    yield Finding(
        rule="request-longer-than-context",
        severity="error",
        verdict="fail",
        message=(
            f"a request of {prompt:,} prompt + {output:,} output = {needed:,} tokens exceeds "
            f"max_model_len {available:,}{'' if stated else _basis(resolved)}"
        ),
        place=deployment.at("/serving/max_model_len") if stated else traffic_place,
        related=traffic_place if stated else None,
        fix=f"set max_model_len: {needed}" if roomy else "a model with a longer context",
    )


def longest(tokens: Tokens | None) -> int:
    """The longest length that was stated: max, else p95, else the mean."""
    if tokens is None:
        return 0
    if tokens.max is not None:
        return tokens.max
    return round(tokens.mean if tokens.p95 is None else tokens.p95)


def _basis(resolved: Resolved) -> str:
    origin = resolved.origins.get("max_model_len")
    return f" ({origin.text})" if origin else ""


def _token_budget(resolved: Resolved, engine: Engine) -> Iterator[Finding]:
    """What vLLM refuses at start-up. SOURCE: vllm 0.33.0 config/scheduler.py."""
    deployment, budget = resolved.deployment, engine.max_num_batched_tokens
    place = deployment.at("/serving/max_num_batched_tokens")
    if budget < engine.max_model_len and not engine.enable_chunked_prefill:
        yield Finding(
            rule="batched-tokens-below-context",
            severity="error",
            verdict="fail",
            message=(
                f"without chunked prefill max_num_batched_tokens {budget:,} must hold a whole "
                f"prompt of max_model_len {engine.max_model_len:,}"
            ),
            place=place,
            related=deployment.at("/serving/enable_chunked_prefill"),
            fix=f"set max_num_batched_tokens: {engine.max_model_len}, or enable_chunked_prefill",
        )
    if budget < engine.max_num_seqs:
        yield Finding(
            rule="batched-tokens-below-sequences",
            severity="error",
            verdict="fail",
            message=(
                f"max_num_batched_tokens {budget:,} is less than one token for each of "
                f"max_num_seqs {engine.max_num_seqs:,}"
            ),
            place=place,
            related=deployment.at("/serving/max_num_seqs"),
            fix=f"set max_num_batched_tokens: {engine.max_num_seqs} or more",
        )
