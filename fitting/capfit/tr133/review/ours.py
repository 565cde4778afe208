"""What the checker says of the deployments that TR133 talks about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from capcheck.check import check
from capcheck.judge import Context
from capcheck.manifest.load import load
from capcheck.predict import coefficients
from capcheck.registry import tables
from capcheck.report.model import DeploymentReport

# Prices age: answers are those of this day.
TODAY = date(2026, 11, 23)
THREE_B = "[llama3.2-3b, qwen2.5-3b, phi-2]"
LAPTOP = "RTX 4080 Laptop 12GB"


def deployment(fields: Mapping[str, str]) -> str:
    """A manifest with one deployment of these fields."""
    lines = [f"    {field}: {value}" for field, value in fields.items() if value]
    return "\n".join(["version: 1", "deployments:", "  it:", *lines, ""])


def report(fields: Mapping[str, str], *, search: bool = False) -> DeploymentReport:
    """The whole answer to one deployment; with the search for better ones if asked for."""
    (stated,) = load(deployment(fields).encode(), "capcheck.yaml")
    return check(stated, _context(), alternatives=search)


def vram_gib(model: str, quant: str, backend: str, context: int) -> float:
    """What it needs on TR133's card, at one context."""
    found = report(
        {
            "model": model,
            "quant": quant,
            "backend": backend,
            "gpu": LAPTOP,
            "serving": f"{{max_model_len: {context}}}",
        }
    )
    return _known(found.forecast.memory.needed.value)


def decode_tok_s(model: str, quant: str, backend: str, gpu: str = LAPTOP) -> float:
    """One stream."""
    found = report({"model": model, "quant": quant, "backend": backend, "gpu": gpu})
    return _known(found.forecast.decode_tok_s.value)


def score(model: str, quant: str, benchmark: str) -> float:
    """The score of a model in a format on a named benchmark."""
    found = report(
        {
            "model": model,
            "quant": quant,
            "backend": "ollama",
            "gpu": LAPTOP,
            "quality": f"{{benchmark: {benchmark}, min_score: 0.1}}",
        }
    )
    return _known(found.forecast.quality.score.value)


def eta(model: str, quant: str, backend: str, agents: int) -> float:
    """The rate of each of N agents over that of one, on one copy."""
    found = report(
        {
            "model": model,
            "quant": quant,
            "backend": backend,
            "gpu": LAPTOP,
            "traffic": f"{{agents: {agents}, prompt_tokens: 150, output_tokens: 128}}",
        }
    )
    return _known(found.forecast.load.scaling_efficiency.value)


@lru_cache(maxsize=1)
def _context() -> Context:
    return Context(tables.load(), coefficients.load(), TODAY)


def _known(value: float | None) -> float:
    return float("nan") if value is None else value
