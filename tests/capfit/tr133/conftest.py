"""A small world in TR133's raw layout, whose every coefficient is known in advance."""

import csv
import json
from pathlib import Path

import pytest
from capfit.tr133.planner import SHAPES, cache_gb

OVERHEAD, ACTIVATION = 1.05, 0.004
SERIAL = {("llama3.2-1b", "ollama"): 0.5, ("llama3.2-1b", "vllm"): 0.8}
RATES = {("llama3.2-1b", "ollama"): 150.0, ("llama3.2-3b", "ollama"): 90.0}


def peak_mb(model: str, context: int) -> float:
    shape = SHAPES[model]
    gb = shape.params_b * 2 * OVERHEAD + cache_gb(shape, context_tokens=context)
    return 1024 * (gb + ACTIVATION * shape.n_layers * (context / 1024) ** 2)


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, names, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Five reports, each with the file that TR133 Appendix E names."""
    root = tmp_path / "research"
    write(
        root / "tr123/results/20260216_181539/cost_per_measurement.csv",
        [
            {"model": model, "backend": "transformers-gpu", "decode_tok_per_s": rate}
            for model, rate in (("gpt2", 195.0), ("llama-3.2-1b", 70.0), ("phi-2", 47.0))
            for _ in range(5)
        ],
    )
    write(
        root / "results/eval/tr124_phase1/1/quality_cost_merged.csv",
        [
            {"model": "llama-3.2-1b", "backend": backend, "composite_quality": score}
            for backend, score in (("transformers-gpu", 0.52), ("transformers-cpu", 0.52))
        ],
    )
    write(
        root / "results/eval/tr125_phase2/1/quality_cost_merged.csv",
        [
            {"model": f"llama3.2:1b-instruct-{quant}", "backend": "ollama", "composite_quality": s}
            for quant, s in (("q8_0", 0.54), ("q2_K", 0.42))
        ],
    )
    write(
        root / "tr127/results/1/metrics.csv",
        [
            {
                "model": model,
                "backend": "transformers-gpu",
                "context_length": context,
                "vram_peak_mb": peak_mb(model, context),
                "tokens_per_s": "",
                "status": status,
            }
            for model in ("qwen2.5-0.5b", "qwen2.5-1.5b", "llama3.2-3b")
            for context in (512, 2048, 8192)
            for status in ("ok",) * 5 + ("oom",)
        ],
    )
    write(
        root / "tr130/results/1/metrics.csv",
        [
            {
                "model": {"llama3.2-1b": "llama3.2:1b", "llama3.2-3b": "llama3.2:3b"}[model],
                "backend": backend,
                "n_agents": agents,
                "effective_tps": rate if agents == 1 else rate * 0.6,
                "wall_ms": 1000.0 * 128 / rate * agents,
                "ttft_ms": 20.0,
                "status": "ok",
            }
            for (model, backend), rate in RATES.items()
            for agents in (1, 2)
            for _ in range(5)
        ],
    )
    analysis = root / "tr129/results/1/analysis.json"
    analysis.parent.mkdir(parents=True)
    fits = {"llama3.2:1b": {"serial_fraction": 0.5, "r_squared": 0.97}}
    analysis.write_text(json.dumps({"amdahl": fits}))
    better = {"model": "llama3.2-1b", "backend": "ollama", "serial_fraction": 0.6, "r2": 0.90}
    served = {"vllm": {"llama3.2-1b": {"serial_fraction": 0.8, "r_squared": 0.99}}}
    (root / "tr130/results/1/analysis.json").write_text(json.dumps({"a": [better], "b": served}))
    return root
