"""Lengths against each other: the model's, the engine's, the requests'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from capcheck.manifest.deployment import Deployment, Tokens
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.rules import context

Build = Callable[[Mapping[str, Any]], Deployment]
Values = dict[str, Any]

LEN, SEQS, BUDGET, CHUNKED = (
    f"/serving/{name}"
    for name in (
        "max_model_len",
        "max_num_seqs",
        "max_num_batched_tokens",
        "enable_chunked_prefill",
    )
)
PROMPT, OUTPUT = "/traffic/prompt_tokens", "/traffic/output_tokens"
VLLM: Values = {"/model": "llama3.1-8b", "/backend": "vllm", "/gpu": "H100 SXM"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (VLLM, []),
        (VLLM | {LEN: 131072}, []),
        (VLLM | {LEN: 131073}, [("max-model-len-over-model", "error", "fail", LEN)]),
        # Certain without a GPU.
        (
            {"/model": "phi-2", "/backend": "vllm", LEN: 4096},
            [("max-model-len-over-model", "error", "fail", LEN)],
        ),
        (VLLM | {LEN: 4096, PROMPT: 3584, OUTPUT: 512}, []),
        (
            VLLM | {LEN: 4096, PROMPT: 3585, OUTPUT: 512},
            [("request-longer-than-context", "error", "fail", LEN)],
        ),
        (
            VLLM | {LEN: 4096, PROMPT: Tokens(512, 1024, 4000), OUTPUT: Tokens(64, None, 128)},
            [("request-longer-than-context", "error", "fail", LEN)],
        ),
        (
            VLLM | {LEN: 4096, PROMPT: Tokens(512, 4000), OUTPUT: 128},
            [("request-longer-than-context", "error", "fail", LEN)],
        ),
        (VLLM | {LEN: 4096, PROMPT: Tokens(512, 1024), OUTPUT: 128}, []),
        # Nobody stated the context: the traffic's line is the one to look at.
        (
            {
                "/model": "llama3.2:3b",
                "/backend": "ollama",
                "/gpu": "RTX 4060 8GB",
                PROMPT: 10240,
                OUTPUT: 1536,
            },
            [("request-longer-than-context", "error", "fail", PROMPT)],
        ),
        # A stated context is enough, GPU or not.
        (
            {"/model": "phi-2", "/backend": "vllm", LEN: 1024, PROMPT: 2000, OUTPUT: 10},
            [("request-longer-than-context", "error", "fail", LEN)],
        ),
        (
            VLLM | {LEN: 8192, BUDGET: 4096, CHUNKED: False},
            [("batched-tokens-below-context", "error", "fail", BUDGET)],
        ),
        (VLLM | {LEN: 8192, BUDGET: 4096}, []),
        (VLLM | {LEN: 8192, CHUNKED: False}, []),
        (
            VLLM | {BUDGET: 128, SEQS: 256},
            [("batched-tokens-below-sequences", "error", "fail", BUDGET)],
        ),
        (VLLM | {BUDGET: 128}, []),
        (VLLM | {"/backend": "sglang", BUDGET: 128, SEQS: 256}, []),
        (VLLM | {"/model": "nonsense", LEN: 999_999}, []),
    ],
)
def test_findings(
    stated: Build, registry: Registry, values: Values, expected: list[tuple[str, str, str, str]]
):
    deployment = stated(values)
    resolved, _ = resolve(deployment, registry)
    pointers = {place: pointer for pointer, place in deployment.places.items()}
    assert [
        (found.rule, found.severity, found.verdict, pointers[found.place])
        for found in context.check(resolved)
    ] == expected


@pytest.mark.parametrize(
    ("values", "message", "fix"),
    [
        (
            VLLM | {LEN: 200_000},
            "max_model_len 200,000 is beyond the 131,072 tokens that llama3.1-8b has positions for",
            "set max_model_len: 131072",
        ),
        (
            VLLM | {LEN: 4096, PROMPT: 4096, OUTPUT: 512},
            "a request of 4,096 prompt + 512 output = 4,608 tokens exceeds max_model_len 4,096",
            "set max_model_len: 4608",
        ),
        (
            {
                "/model": "llama3.2:3b",
                "/backend": "ollama",
                "/gpu": "RTX 4060 8GB",
                PROMPT: 10240,
                OUTPUT: 1536,
            },
            "a request of 10,240 prompt + 1,536 output = 11,776 tokens exceeds max_model_len 4,096 "
            "(default of ollama 0.34.4)",
            "set max_model_len: 11776",
        ),
        (
            {"/model": "phi-2", "/backend": "vllm", "/gpu": "L4", PROMPT: 2048, OUTPUT: 512},
            "a request of 2,048 prompt + 512 output = 2,560 tokens exceeds max_model_len 2,048 "
            "(default of vllm 0.33.0)",
            "a model with a longer context",
        ),
        (
            VLLM | {BUDGET: 128, SEQS: 256},
            "max_num_batched_tokens 128 is less than one token for each of max_num_seqs 256",
            "set max_num_batched_tokens: 256 or more",
        ),
    ],
)
def test_messages(stated: Build, registry: Registry, values: Values, message: str, fix: str):
    resolved, _ = resolve(stated(values), registry)
    found = list(context.check(resolved))
    assert [(it.message, it.fix) for it in found] == [(message, fix)]
