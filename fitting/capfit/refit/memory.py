"""Own device memory or KV pools: what an engine holds on one GPU beside what the laws derive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Memory
from capcheck.predict.memory.device import memory
from capcheck.predict.memory.refit import OVERHEAD, class_name, is_refittable, with_refit
from capcheck.resolution.resolved import Resolved

from capfit.refit.measurement import Z90, Measurement, Prior
from capfit.refit.rows import Own

# Two starts of one configuration, of all that is not cache: the start-up logs' own scatter.
_NOISE = 0.01
# Where a GPU shares its memory with the host: what a process takes does not depend on it.
_AMPLE_GIB = 1000.0


def measurement(row: Own, resolved: Resolved, coefficients: Coefficients) -> Measurement | None:
    """The row as GiB beside the cache, on one GPU; None where there is no law of one value.

    `kv_cache_tokens` are what a budget leaves, `vram_gib` what nvidia-smi shows of the process.
    """
    model, quant, backend, gpu = resolved.model, resolved.quant, resolved.backend, resolved.gpu
    if not (model and quant and backend and gpu) or not is_refittable(backend):
        return None
    is_budget = backend.memory_model == "budget"
    if resolved.usable_gib is None and not is_budget:
        resolved = replace(resolved, usable_gib=_AMPLE_GIB)
    if is_budget != (row.metric == "kv_cache_tokens"):
        return None
    prior = memory(resolved, coefficients)
    beside = _beside_the_cache(prior)
    if beside is None:
        return None
    if is_budget:
        pool = (prior.usable.value or 0.0) - beside
        tokens = prior.kv_cache_tokens.value or 0.0
        if pool <= 0 or tokens <= 0:
            return None
        measured = (prior.usable.value or 0.0) - row.value * pool / tokens
    else:
        measured = row.value - prior.parts["kv_cache"]
    if measured <= 0:
        return None
    law = coefficients.section("memory")["backends"][backend.name]
    if law.get("fraction_of") == "free":
        return None
    low, high = law["interval"]
    width = beside * math.log(high / low)
    if "interval_gib" in law:
        width += law["interval_gib"][1] - law["interval_gib"][0]

    def predicted(candidate: Coefficients) -> float:
        return _beside_the_cache(memory(resolved, candidate)) or float("nan")

    def values(candidate: Coefficients) -> Mapping[str, float]:
        entry = candidate.section("memory")["backends"][backend.name]
        found = with_refit(entry, backend, gpu, candidate)
        held = found["eras"][-1][OVERHEAD] if is_budget else found["context_gib"]
        return {OVERHEAD: held}

    return Measurement(
        row=row,
        resolved=resolved,
        section="memory",
        touched=class_name(backend, gpu),
        cell=f"{model.name} {quant.name}",
        measured=measured,
        predicted=predicted,
        prior=Prior((OVERHEAD,), np.array([[(width / (2 * Z90)) ** 2]])),
        noise=_NOISE,
        values=values,
        figure="the memory beside the cache",
    )


def _beside_the_cache(found: Memory) -> float | None:
    if found.needed.value is None:
        return None
    return sum(size for name, size in found.parts.items() if name != "kv_cache")
