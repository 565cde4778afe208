"""What no device can do: read faster than its memory, compute beyond its peak, hold more.

Each bound is the least that a figure implies, so that nothing possible is rejected: weights are
read once a step, by one sequence's experts, and vocabulary matrices are left out of a prefill. A
batch that reads fewer experts than independent routing would is possible, but not representative:
its prompts were alike, as in benchmarks on generated prompts.
"""

from __future__ import annotations

from capcheck.predict.footprint.weights import read_bytes
from capcheck.predict.speed.kernels import ceiling
from capcheck.predict.speed.traits import Traits, architecture, flags, kernel, link, memory, segment
from capcheck.registry.specs import ModelSpec

from capfit.data.setting import Setting

_STREAM_RATES = (
    *("decode_tok_s", "output_tok_s_e2e", "gpu_tok_s", "eff_tok_s", "per_agent_tok_s"),
)
_BATCH_RATES = ("total_output_tok_s", "batch_decode_tok_s", "total_tok_s")
_STEP_TIMES = ("tpot_ms_mean", "tpot_ms_p99", "itl_ms_p50")
_WHOLE_TIMES = ("e2e_ms_mean", "e2e_ms_p99")
_PREFILL_TIMES = ("prefill_ms", "ttft_ms_mean", "ttft_ms_p50", "ttft_ms_p99")
_POSITIVE = (
    *_STREAM_RATES,
    *_BATCH_RATES,
    *_STEP_TIMES,
    *_WHOLE_TIMES,
    *_PREFILL_TIMES,
    "prefill_tok_s",
)
_DEVICE_GIB = (
    *("device_peak_gib", "device_after_run_gib", "device_used_gib"),
    *("buffers_gib", "allocated_peak_gib"),
)


def violation(setting: Setting, metric: str, value: float) -> tuple[str, str] | None:
    """Why the figure is impossible or not representative: a short reason, and how it was found."""
    if metric in _DEVICE_GIB:
        return _too_much_memory(setting, value)
    if value <= 0 and metric in _POSITIVE:
        return "physics", "not positive"
    computing = arithmetic_share(setting, metric, value)
    if computing is not None and computing > 1.0:
        return "physics", f"computes at {computing:.2f} times what the kernels can reach"
    reading = bandwidth_share(setting, metric, value, sequences=1.0)
    if reading is not None and reading > 1.0:
        return "physics", f"reads weights at {reading:.2f} times the bandwidth"
    if setting.arrival == "static":
        share = bandwidth_share(setting, metric, value, sequences=_sequences(setting))
        if share is not None and share > 1.0:
            return "alike-prompts", f"independent routing needs {share:.2f} times the bandwidth"
    return None


def bandwidth_share(
    setting: Setting, metric: str, value: float, *, sequences: float
) -> float | None:
    """The share of memory bandwidth that reading the weights of one step takes at this figure.

    `sequences` choose their experts independently. None when the figure says nothing about steps.
    """
    steps = _steps_per_s(setting, metric, value)
    if steps is None or not setting.gpu.bandwidth_gb_s:
        return None
    model = setting.model
    step_bytes = read_bytes(model, setting.quant, sequences=sequences)
    if not model.n_experts and sequences <= 1.0:
        step_bytes *= model.active_params / model.params
    return step_bytes * steps / (setting.gpu.bandwidth_gb_s * 1e9 * _readers(setting))


def arithmetic_share(setting: Setting, metric: str, value: float) -> float | None:
    """The share of what its kernels can reach at most that this prefill takes, at least."""
    peak, tokens = setting.gpu.fp16_tflops, setting.prompt_tokens
    if metric == "prefill_tok_s":
        tokens_per_s = value
    elif metric in _PREFILL_TIMES and tokens:
        tokens_per_s = tokens / value * 1e3
    else:
        return None
    if not peak:
        return None
    flop_per_s = 2.0 * _layer_params(setting.model) * tokens_per_s
    return flop_per_s / (peak * 1e12 * ceiling(traits(setting)) * setting.n_gpus)


def traits(setting: Setting, *, era: str = "", eager: bool = False) -> Traits:
    """A setting in the words that coefficients are filed under."""
    gpu = setting.gpu
    return Traits(
        engine=setting.engine_family,
        platform=setting.platform,
        era=era,
        kernel=kernel(setting.quant, gpu),
        memory=memory(gpu),
        architecture=architecture(gpu),
        segment=segment(gpu),
        gpu=gpu.name,
        link=link(gpu),
        tensor_parallel_size=setting.tensor_parallel_size,
        flags=flags(setting.model),
        eager=eager,
    )


def _too_much_memory(setting: Setting, gib: float) -> tuple[str, str] | None:
    # Marketed gigabytes are 2^30 bytes on most cards and fewer on none: an upper bound.
    card = setting.gpu.memory_gb
    if card is None or gib <= card * setting.n_gpus:
        return None
    return "physics", f"{gib:g} GiB on {setting.n_gpus} x {card:g} GB"


def _steps_per_s(setting: Setting, metric: str, value: float) -> float | None:
    """How often, at least, every sequence gets a token each second."""
    if metric in _STREAM_RATES:
        return value
    if metric in _BATCH_RATES and setting.concurrency:
        return value / setting.concurrency
    if metric in _STEP_TIMES:
        return 1e3 / value
    if metric in _WHOLE_TIMES and setting.output_tokens:
        return setting.output_tokens / value * 1e3
    return None


def _sequences(setting: Setting) -> float:
    """Sequences on one copy of the model."""
    copies = 1
    if setting.condition("sharding") == "data":
        copies = setting.n_gpus // setting.tensor_parallel_size
    return max(1.0, (setting.concurrency or 1) / copies)


def _readers(setting: Setting) -> int:
    """GPUs that read at the same time: one when layers are split and one sequence runs."""
    in_turn = setting.condition("sharding") in {"layer", "pipeline"}
    return 1 if in_turn and (setting.concurrency or 1) == 1 else setting.n_gpus


def _layer_params(model: ModelSpec) -> int:
    """Parameters that a prompt's every token meets: without embedding and output head."""
    vocabulary = model.embedding_params or 0
    return max(0, model.active_params - vocabulary * (1 if model.tied_embeddings else 2))
