"""How fast one engine copy is: its decode step, its prefill, and how sure we are of both."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from capcheck.estimate import Estimate, Provenance, unknown, weakest
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.footprint.kv_cache import cache_shape
from capcheck.predict.speed.batching import StepLaw, step_law
from capcheck.predict.speed.certainty import Certainty, certainty, refitted
from capcheck.predict.speed.fitted import fitted
from capcheck.predict.speed.kernels import method_launches, tile_tokens
from capcheck.predict.speed.measured import Stream, measured_stream
from capcheck.predict.speed.prefill import PrefillLaw, prefill_law
from capcheck.predict.speed.refit import refit_of
from capcheck.predict.speed.traits import Traits, traits_of
from capcheck.records import Keyed, dataclass, replace
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec
from capcheck.resolution.resolved import Resolved


@dataclass(frozen=True, slots=True)
class Speed(Keyed):
    """Times of one engine copy (all GPUs of its TP x PP group together), at the point estimate.

    `host_delay_ms` delays each request without holding the GPU. The multipliers bound the 90 %
    interval of the times (low <= 1 <= high): `stream` those of one sequence alone, `step` those of
    a batch.
    """

    step: StepLaw
    prefill: PrefillLaw
    host_delay_ms: float
    stream_low: float
    stream_high: float
    step_low: float
    step_high: float
    prefill_low: float
    prefill_high: float
    stream_provenance: Provenance
    stream_basis: str
    step_provenance: Provenance
    step_basis: str
    prefill_provenance: Provenance
    prefill_basis: str

    def step_ms(self, *, sequences: float, context_tokens: float) -> float:
        """One decode step; `context_tokens` is the mean number of cached tokens per sequence."""
        return self.step.ms(sequences, context_tokens)

    def prefill_ms(self, *, tokens: float, context_tokens: float = 0.0) -> float:
        """GPU-busy time to prefill `tokens` of one request alone, engine overhead included."""
        return self.prefill(tokens=tokens, context_tokens=context_tokens)

    def prefill_shared_ms(self, *, tokens: float) -> float:
        """Of it, what prompts of that length that pass in one iteration pay once."""
        return self.prefill.shared_ms(tokens)


def speed(resolved: Resolved, coefficients: Coefficients) -> Speed | Estimate:
    """The speed of one engine copy; an unknown estimate with the reason when it cannot be told.

    When the GPU's name may mean several products the intervals span them all.
    """
    found = _speed(resolved, coefficients)
    if isinstance(found, Estimate) or len(resolved.gpu_variants) < 2:
        return found
    for variant in resolved.gpu_variants[1:]:
        other = _speed(replace(resolved, gpu=variant, gpu_variants=(variant,)), coefficients)
        if not isinstance(other, Estimate):
            found = _spanning(found, other)
    return found


def decode_tok_s(speed: Speed | Estimate, *, context_tokens: float) -> Estimate:
    """Tokens per second of one sequence alone in the engine, at a mean context."""
    if isinstance(speed, Estimate):
        return speed
    rate = 1e3 / speed.step_ms(sequences=1.0, context_tokens=context_tokens)
    return Estimate(
        rate,
        rate / speed.stream_high,
        rate / speed.stream_low,
        speed.stream_provenance,
        speed.stream_basis,
    )


def prefill_tok_s(speed: Speed | Estimate, *, prompt_tokens: float) -> Estimate:
    """Prompt tokens per second of one request alone."""
    if isinstance(speed, Estimate):
        return speed
    tokens = max(1.0, prompt_tokens)
    rate = 1e3 * tokens / speed.prefill_ms(tokens=tokens)
    return Estimate(
        rate,
        rate / speed.prefill_high,
        rate / speed.prefill_low,
        speed.prefill_provenance,
        speed.prefill_basis,
    )


def _speed(resolved: Resolved, coefficients: Coefficients) -> Speed | Estimate:
    traits = traits_of(resolved, coefficients.section("engines"))
    model, quant, gpu, engine = resolved.model, resolved.quant, resolved.gpu, resolved.engine
    backend = resolved.backend
    if not (traits and model and quant and gpu and engine and backend):
        return unknown(resolved.needs)
    return _of_traits(
        traits,
        model,
        quant,
        gpu,
        backend,
        measured_stream(resolved),
        coefficients,
        cache_bytes_per_element=engine.kv_bytes_per_element,
        max_num_batched_tokens=engine.max_num_batched_tokens,
    )


# A search asks for it again with other slots, lengths and replicas, a fleet for other traffic.
@lru_cache(maxsize=8192)
def _of_traits(
    traits: Traits,
    model: ModelSpec,
    quant: QuantSpec,
    gpu: GpuSpec,
    backend: BackendSpec,
    cell: Stream | None,
    coefficients: Coefficients,
    *,
    cache_bytes_per_element: float,
    max_num_batched_tokens: int,
) -> Speed | Estimate:
    """The speed of one engine copy by all that it depends on; `cell` is its own measurement."""
    engines = coefficients.section("engines")
    missing = _missing(gpu)
    if missing:
        return unknown(f"the registry has no {missing} of {gpu.name}")
    cache = cache_shape(model)
    if cache is None or not model.n_layers or not model.hidden_size or not model.params:
        return unknown(f"the architecture of {model.name} is not known: add `architecture:`")
    values = fitted(traits, coefficients)
    entry = engines.get(backend.engine_family, {})
    host = entry.get("host", {}).get(backend.name, {})
    step = step_law(
        model,
        quant,
        gpu,
        cache,
        values,
        tensor_parallel_size=traits.tensor_parallel_size,
        cache_bytes_per_element=cache_bytes_per_element,
        eager=traits.eager,
        expert_launches=float(entry.get("expert_launches", 0.0)),
        cache_copied=bool(entry.get("cache_copied")),
        method_launches=method_launches(traits),
        tile_tokens=tile_tokens(traits),
    )
    prefill = prefill_law(
        model,
        quant,
        gpu,
        values,
        tensor_parallel_size=traits.tensor_parallel_size,
        chunk_tokens=float(entry.get("chunk_tokens", max_num_batched_tokens)),
        overhead_ms=float(host.get("gpu_overhead_ms", 0.0)),
    )
    stream, batch, prompt = _certainties(traits, model, backend, coefficients)
    own_stream = refit_of(coefficients, "decode", traits)
    own_prompt = refit_of(coefficients, "prefill", traits)
    if own_prompt is not None:
        prompt = refitted(own_prompt, traits, model)
    if own_stream is not None:
        stream, cell = refitted(own_stream, traits, model), None
    if cell is not None:
        step = step.at_stream(1e3 / cell.decode_tok_s, cell.context_tokens)
        stream = Certainty(cell.low, cell.high, "measured", cell.basis)
    return Speed(
        step=step,
        prefill=prefill,
        host_delay_ms=_host_delay_ms(host, values.request_overhead, on_that_host=cell is not None),
        stream_low=stream.low,
        stream_high=stream.high,
        step_low=batch.low,
        step_high=batch.high,
        prefill_low=prompt.low,
        prefill_high=prompt.high,
        stream_provenance=stream.provenance,
        stream_basis=stream.basis,
        step_provenance=batch.provenance,
        step_basis=batch.basis,
        prefill_provenance=prompt.provenance,
        prefill_basis=prompt.basis,
    )


# The same for all formats that run on the same kernels.
@lru_cache(maxsize=4096)
def _certainties(
    traits: Traits, model: ModelSpec, backend: BackendSpec, coefficients: Coefficients
) -> tuple[Certainty, Certainty, Certainty]:
    """Of a stream, a batch and a prompt."""
    stream, batch, prompt = (
        certainty(coefficients.section(name), traits, model, backend)
        for name in ("decode", "step", "prefill")
    )
    return stream, batch, prompt


def _host_delay_ms(host: Mapping[str, float], overhead_ms: float, *, on_that_host: bool) -> float:
    """A backend's delay per request: that of the host of its measured cells counts only there."""
    usual = float(host.get("delay_ms", overhead_ms))
    return float(host.get("measured_host_delay_ms", usual)) if on_that_host else usual


def _missing(gpu: GpuSpec) -> str | None:
    if not gpu.bandwidth_gb_s:
        return "memory bandwidth"
    return None if gpu.fp16_tflops else "16-bit FLOP rate"


def _spanning(assumed: Speed, other: Speed) -> Speed:
    """The assumed product's times, with an interval that holds the other's too."""
    stream = other.step_ms(sequences=1.0, context_tokens=1024.0) / assumed.step_ms(
        sequences=1.0, context_tokens=1024.0
    )
    step = other.step_ms(sequences=32.0, context_tokens=1024.0) / assumed.step_ms(
        sequences=32.0, context_tokens=1024.0
    )
    prefill = other.prefill_ms(tokens=1024.0) / assumed.prefill_ms(tokens=1024.0)
    return replace(
        assumed,
        stream_low=min(assumed.stream_low, other.stream_low * stream),
        stream_high=max(assumed.stream_high, other.stream_high * stream),
        step_low=min(assumed.step_low, other.step_low * step),
        step_high=max(assumed.step_high, other.step_high * step),
        prefill_low=min(assumed.prefill_low, other.prefill_low * prefill),
        prefill_high=max(assumed.prefill_high, other.prefill_high * prefill),
        stream_provenance=weakest(assumed.stream_provenance, other.stream_provenance),
        step_provenance=weakest(assumed.step_provenance, other.step_provenance),
        prefill_provenance=weakest(assumed.prefill_provenance, other.prefill_provenance),
    )
