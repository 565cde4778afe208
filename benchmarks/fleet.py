"""A repository of a thousand deployments, with and without alternatives.

    .venv/bin/python benchmarks/fleet.py [DEPLOYMENTS]

Wall time on all cores beside processor time over all processes: on a busy machine the first says
little.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

MODELS = (
    ("llama3.1-8b", "FP16", "vllm", "L4 24GB"),
    ("llama3.2-3b", "Q4_K_M", "ollama", "RTX 4060 8GB"),
    ("qwen2.5-7b", "BF16", "vllm", "A100 80GB SXM"),
    ("mistral-small-24b", "FP8", "vllm", "H100 80GB SXM"),
    ("llama3.1-8b", "Q8_0", "llama.cpp", "RTX 4090 24GB"),
)
RATES = (0.05, 0.1, 0.2, 0.5, 1.0)
PROFILES = ("chat", "generate", "rag", "long")
LIMITS = ("5s", "20s", "60s")


def manifest(count: int) -> str:
    """So many deployments, no two neighbours alike."""
    kinds = list(product(RATES, PROFILES, LIMITS, MODELS))
    lines = ["version: 1", "deployments:"]
    for index in range(count):
        rate, profile, limit, (model, quant, backend, gpu) = kinds[index % len(kinds)]
        # Every round through the kinds has a rate of its own.
        exact = rate * (1 + index // len(kinds) / 10)
        lines += [
            f"  it-{index}:",
            f"    model: {model}",
            f"    quant: {quant}",
            f"    backend: {backend}",
            f"    gpu: {gpu}",
            f"    traffic: {{requests_per_second: {exact:.4f}, profile: {profile}}}",
            f"    slo: {{latency_p95: {limit}}}",
            "    budget: {monthly_usd: 4000}",
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Print wall and processor time of both."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capcheck.yaml"
        path.write_text(manifest(count), encoding="utf-8")
        print(f"{count} deployments, {os.cpu_count()} cores")
        for label, options in (("without", ["--no-alternatives"]), ("with", [])):
            command = [sys.executable, "-m", "capcheck", "check", *options, str(path)]
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{label:>8} alternatives: {wall:7.1f} s wall, {used:7.1f} s of processor, "
                f"{after.ru_maxrss / 1024:.0f} MiB at most in a process"
            )


if __name__ == "__main__":
    main()
