"""What the artifact says about engines: releases by era, and costs outside the GPU."""

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
        "host": {
            "ollama": {
                "gpu_overhead_ms": 35.0,
                "delay_ms": 5.0,
                "measured_host_delay_ms": 200.0,
            },
            "llama.cpp": {"delay_ms": 5.0},
            "llamafile": {"delay_ms": 5.0},
        },
        "source": (
            "Ollama: TR128 and TR129 single-request timings; their 200 ms per request are a "
            "Windows host's, 5 ms are assumed elsewhere"
        ),
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

# TR130's growth per agent: 63 to 76 % of it is the load generator's own slowdown.
CLIENT_LIMITED: dict[str, Any] = {
    "vllm": {"ms": 1.622, "exponent": 0.829},
    "tgi": {"ms": 1.948, "exponent": 0.773},
    "source": (
        "TR130: step(n) = step(1) + ms * (n - 1)^exponent; 63 to 76 % of it is the load "
        "generator's own slowdown, so it reproduces that report and no other host"
    ),
}
