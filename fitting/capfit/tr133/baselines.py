"""TR133's forms on any configuration, with the coefficients it printed; and the naive rules.

A form answers None where TR133's planner could not: it never guesses a missing architecture. Its
look-ups are keyed by its own names, which are the registry's; a model it never saw falls through
to its fallbacks, exactly as there. Its Ollama rates are filed under FP16 whatever the tag pulled,
so that a quantised query multiplies a rate that was quantised already: that is its error, kept.
"""

from __future__ import annotations

from capcheck.predict.footprint.weights import read_bytes
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec

from capfit.tr133.artifact import printed
from capfit.tr133.planner import AVERAGE_TOKENS, BITS, GIB, Planner, shape_of

_FULL_PRECISION = ("F16", "BF16", "FP16", "FP32", "F32")


def vram_gib(
    model: ModelSpec,
    quant: QuantSpec,
    *,
    context_tokens: float,
    batch: int = 1,
    planner: Planner | None = None,
) -> float | None:
    """SS4.1, read as GiB, as TR133 compares it with nvidia-smi's MB / 1024."""
    shape = shape_of(model)
    if shape is None:
        return None
    name = _quant(quant)
    bits = BITS.get(name, quant.bits_per_weight)
    form = planner or printed()
    return form.vram_gb(shape, bits, context_tokens=context_tokens, batch=batch)


def tok_s(
    model: ModelSpec,
    quant: QuantSpec,
    backend: BackendSpec,
    gpu: GpuSpec,
    *,
    planner: Planner | None = None,
) -> float | None:
    """SS5.1 scaled by bandwidth: tokens/s of one stream."""
    if gpu.bandwidth_gb_s is None:
        return None
    return (planner or printed()).tok_s(
        model.name,
        _backend(backend),
        _quant(quant),
        params_b=model.params_b,
        gpu_gb_s=gpu.bandwidth_gb_s,
    )


def eta(
    model: ModelSpec, backend: BackendSpec, *, agents: float, planner: Planner | None = None
) -> float:
    """SS6.1: the rate of each of N agents over that of one."""
    return (planner or printed()).eta(model.name, _backend(backend), agents=agents)


def quality(model: ModelSpec, quant: QuantSpec, *, planner: Planner | None = None) -> float:
    """SS7.1: the composite score, 0.5 for a model it does not know."""
    return (planner or printed()).quality(model.name, _quant(quant))


def latency_p95_ms(
    model: ModelSpec,
    quant: QuantSpec,
    backend: BackendSpec,
    gpu: GpuSpec,
    *,
    request_rate_rps: float,
    agents: float = 1.0,
    output_tokens: float = AVERAGE_TOKENS,
    planner: Planner | None = None,
) -> float | None:
    """SS9.1: S + 3 W of M/D/1 with S = tokens / rate; infinite from saturation on."""
    form = planner or printed()
    rate = tok_s(model, quant, backend, gpu, planner=form)
    if rate is None:
        return None
    return form.p95_ms(
        service_ms=output_tokens / rate * 1e3,
        request_rate_rps=request_rate_rps,
        copies_eta=agents * eta(model, backend, agents=agents, planner=form),
    )


def two_bytes_rule_gib(model: ModelSpec) -> float:
    """The rule of thumb: two bytes a parameter and a fifth on top."""
    return 2.0 * model.params * 1.2 / GIB


def bandwidth_rule_tok_s(model: ModelSpec, quant: QuantSpec, gpu: GpuSpec) -> float | None:
    """The rule of thumb: memory bandwidth over the bytes that a token reads."""
    if gpu.bandwidth_gb_s is None:
        return None
    return gpu.bandwidth_gb_s * 1e9 / read_bytes(model, quant, sequences=1.0)


def _quant(quant: QuantSpec) -> str:
    return "FP16" if quant.name in _FULL_PRECISION else quant.name


def _backend(backend: BackendSpec) -> str:
    """TR133 knows transformers with and without compilation; eager is the plain one."""
    return "transformers-gpu" if backend.name == "transformers" else backend.name
