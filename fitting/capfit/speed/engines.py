"""What the speed laws know of engines: releases by era, and how they run models."""

from __future__ import annotations

from typing import Any

from capfit.speed.facts import CACHE_COPIED, EXPERT_LAUNCHES

# The releases from which each era's measurements speak, oldest first.
ENGINES: dict[str, dict[str, Any]] = {
    "llama.cpp": {
        "eras": {
            "2023": {},
            "2024": {"llama.cpp": "2100", "ollama": "0.1.28"},
            "2025": {"llama.cpp": "4400", "ollama": "0.5.5"},
        },
        "chunk_tokens": 512,
    },
    "vllm": {"eras": {"2023": {}, "2024": {"vllm": "0.3.0"}, "2025": {"vllm": "0.7.4"}}},
    "sglang": {"eras": {"2024": {}, "2025": {"sglang": "0.4.4"}}},
    "tensorrt-llm": {
        "eras": {"2023": {}, "2024": {"tensorrt-llm": "0.7.1"}, "2025": {"tensorrt-llm": "0.17"}}
    },
    "transformers": {
        "eras": {"2024": {}, "2025": {"transformers": "4.50"}},
        "eager": True,
        "expert_launches": EXPERT_LAUNCHES["transformers"],
        "cache_copied": "transformers" in CACHE_COPIED,
    },
    "tgi": {"as": "vllm", "eras": {"2023": {}, "2024": {"tgi": "1.4"}, "2025": {"tgi": "3.0"}}},
}
