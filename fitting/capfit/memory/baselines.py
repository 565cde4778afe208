"""What simpler rules say of the same memory: TR133's form and two bytes a parameter."""

from __future__ import annotations

from capfit.memory.residuals import FIXED, TOKENS, Residual
from capfit.tr133 import baselines as tr133
from capfit.tr133.planner import cache_gb, shape_of

_NAN = float("nan")


def predictions(residual: Residual) -> dict[str, float]:
    """The measurement by each rule, in its unit; NaN where the rule has no answer.

    A rule's KV pool is what its weights leave of the engine's share of the devices.
    """
    case = residual.case
    setting, engine = case.setting, case.engine
    if case.backend != "vllm":
        context = engine.max_model_len
        said = tr133.vram_gib(setting.model, setting.quant, context_tokens=context)
        return {
            "TR133": _NAN if said is None else said,
            "2 bytes x params x 1.2": tr133.two_bytes_rule_gib(setting.model),
        }
    weights = tr133.vram_gib(setting.model, setting.quant, context_tokens=0)
    if residual.metric == FIXED:
        ranks = setting.n_gpus
        return {
            "TR133": _NAN if weights is None else weights / ranks,
            "2 bytes x params x 1.2": tr133.two_bytes_rule_gib(setting.model) / ranks,
        }
    return {
        "TR133": _pool(residual, weights),
        "2 bytes x params x 1.2": _pool(residual, tr133.two_bytes_rule_gib(setting.model)),
    }


def _pool(residual: Residual, weights_gib: float | None) -> float:
    case = residual.case
    shape, device = shape_of(case.setting.model), case.resolved.usable_gib
    if weights_gib is None or shape is None or device is None:
        return _NAN
    ranks = case.setting.n_gpus
    pool = (case.engine.memory_fraction or 0.9) * device - weights_gib / ranks
    if residual.metric == TOKENS:
        return max(0.0, pool) * ranks / cache_gb(shape, context_tokens=1)
    return max(0.0, pool)
