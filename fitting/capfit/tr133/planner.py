"""TR133's six forms, predict only. "GB" is TR133's own mixture: decimal weights, binary cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capcheck.registry.specs import ModelSpec

GIB = 2**30

# SS5.3 prints the reduction from 16 bits; 4.5 for Q4_K_M is in its glossary.
BITS = {
    "FP16": 16.0,
    "Q8_0": 8.0,
    "Q6_K": 6.5,
    "Q5_K_M": 5.5,
    "Q4_K_M": 4.5,
    "Q3_K_S": 3.5,
    "Q2_K": 2.5,
}
# SS5.3: used where no quantised rate was measured, and none was.
DEFAULT_MULTIPLIERS = {
    "FP16": 1.0,
    "Q8_0": 1.3,
    "Q6_K": 1.5,
    "Q5_K_M": 1.7,
    "Q4_K_M": 1.9,
    "Q3_K_S": 2.1,
    "Q2_K": 2.3,
}
# SS6.3, and the share of SS7.1 for a model that was never scored.
DEFAULT_SERIAL = {"ollama": 0.45, "vllm": 0.15, "tgi": 0.20}
UNKNOWN_QUALITY = 0.5
# SS1.3 and SS8.2: RTX 4080 12GB, the reference of bandwidth scaling and of $/hour.
REFERENCE_GB_S = 556.0
REFERENCE_USD_HOUR = 0.035
HOURS_PER_MONTH = 24 * 30
# SS9.1, Appendix E.
TAIL_FACTOR, AVERAGE_TOKENS, UTILISATION_CAP = 3.0, 128.0, 0.70


@dataclass(frozen=True, slots=True)
class Shape:
    """What the forms need to know of a model (Appendix A)."""

    params_b: float
    n_layers: int
    n_kv_heads: int
    head_dim: int


# Appendix A.
SHAPES = {
    "gpt2": Shape(0.124, 12, 12, 64),
    "qwen2.5-0.5b": Shape(0.49, 24, 2, 64),
    "llama3.2-1b": Shape(1.24, 16, 8, 64),
    "qwen2.5-1.5b": Shape(1.54, 28, 2, 128),
    "phi-2": Shape(2.78, 32, 32, 80),
    "qwen2.5-3b": Shape(3.09, 36, 2, 128),
    "llama3.2-3b": Shape(3.21, 28, 8, 128),
    "llama3.1-8b": Shape(8.03, 32, 8, 128),
}


def shape_of(model: ModelSpec) -> Shape | None:
    """The shape of a registry's model, None where it is not known."""
    if model.n_layers is None or model.n_kv_heads is None or model.head_dim is None:
        return None
    return Shape(model.params_b, model.n_layers, model.n_kv_heads, model.head_dim)


def cache_gb(shape: Shape, *, context_tokens: float, batch: int = 1) -> float:
    """SS4.1: keys and values of 16 bits."""
    elements = 2 * shape.n_layers * batch * context_tokens * shape.n_kv_heads * shape.head_dim
    return elements * 2 / GIB


def efficiency(serial: float, agents: float) -> float:
    """SS6.1 as stated: 1 / (s + (1 - s) N). SS6.2's table follows 1 / (1 + s (N - 1)) instead."""
    return 1.0 / (serial + (1.0 - serial) * agents)


def usd_per_million_tokens(tok_s: float, *, usd_hour: float = REFERENCE_USD_HOUR) -> float:
    """SS8.1."""
    return usd_hour / (tok_s * 3600.0) * 1e6


def usd_month(*, usd_hour: float = REFERENCE_USD_HOUR) -> float:
    """SS8.1: 24 x 30 hours."""
    return usd_hour * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Planner:
    """The coefficients of the six forms, as fitted_models.json holds them."""

    overhead_factor: float
    activation_gb: float
    throughput: Mapping[tuple[str, str, str], float]  # model, backend, quant: tokens/s
    multipliers: Mapping[str, float]
    power_law: tuple[float, float]
    serial: Mapping[tuple[str, str], float]
    quality_scores: Mapping[tuple[str, str], float]  # model, quant
    quality_deltas: Mapping[str, float]
    service_ms: Mapping[tuple[str, str], float]  # model, backend

    def vram_gb(self, shape: Shape, bits: float, *, context_tokens: float, batch: int = 1) -> float:
        """SS4.1: weights, cache, and the quadratic activation."""
        weights = shape.params_b * bits / 8 * self.overhead_factor
        activation = self.activation_gb * shape.n_layers * (context_tokens / 1024) ** 2
        return weights + cache_gb(shape, context_tokens=context_tokens, batch=batch) + activation

    def tok_s(
        self, model: str, backend: str, quant: str, *, params_b: float, gpu_gb_s: float
    ) -> float:
        """SS5.1 and key finding 9: look-up, FP16 look-up x multiplier, power law; x bandwidth."""
        ratio = gpu_gb_s / REFERENCE_GB_S
        multiplier = self.multipliers.get(quant, 1.0)
        known = self.throughput.get((model, backend, quant))
        if known is not None:
            return known * ratio
        baseline = self.throughput.get((model, backend, "FP16"))
        if baseline is None:
            factor, exponent = self.power_law
            baseline = factor * params_b**-exponent
        return baseline * multiplier * ratio

    def eta(self, model: str, backend: str, *, agents: float) -> float:
        """SS6.1 with the pair's serial fraction or SS6.3's default (Ollama's for other engines)."""
        default = DEFAULT_SERIAL.get(backend, DEFAULT_SERIAL["ollama"])
        return efficiency(self.serial.get((model, backend), default), agents)

    def quality(self, model: str, quant: str) -> float:
        """SS7.1: look-up, FP16 + mean delta, 0.5."""
        known = self.quality_scores.get((model, quant))
        if known is not None:
            return known
        baseline = self.quality_scores.get((model, "FP16"))
        if baseline is None:
            return UNKNOWN_QUALITY
        return baseline + self.quality_deltas.get(quant, 0.0)

    def p95_ms(self, *, service_ms: float, request_rate_rps: float, copies_eta: float) -> float:
        """SS9.1: S + 3 W of M/D/1 at capacity `copies_eta` / S; infinite from saturation on.

        `copies_eta` is N x eta(N), 1 for one agent.
        """
        capacity = copies_eta / service_ms * 1e3
        load = request_rate_rps / capacity
        if load >= 1.0:
            return float("inf")
        wait_s = load / (2.0 * capacity * (1.0 - load))
        return service_ms + TAIL_FACTOR * wait_s * 1e3
