"""llama.cpp and its kin: start-up buffers, and what the device holds beside them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capfit.memory.cases import Case

BUFFERS, DEVICE_PEAK = "buffers_gib", "device_peak_gib"

_NEVER = [10**9]


@dataclass(frozen=True, slots=True)
class Form:
    """What the compute buffer holds: logits, or the larger of logits and attention scores.

    `pool`: beside it, the buffers that a pool keeps where its platform never gives them back.
    """

    name: str
    scores: bool
    context: bool
    pool: bool = False


FORMS = (
    Form("larger of logits and scores, a context, a pool", scores=True, context=True, pool=True),
    Form("larger of logits and scores, and a context", scores=True, context=True),
    Form("logits, and a context", scores=False, context=True),
    Form("larger of logits and scores", scores=True, context=False),
    Form("larger of logits and scores, a pool", scores=True, context=False, pool=True),
)

# The platform of each vendor whose pool may keep buffers: on another one, its cards do not.
_PLATFORM = {"amd": "rocm"}


def measured(cases: Iterable[Case]) -> list[tuple[Case, str, float]]:
    """Every cell on one GPU with its metric and GiB, whole prompts only.

    A decode after an empty prompt never allocates the prompt's buffers. Rows that repeat a
    configuration on another GPU are one: buffers do not depend on it.
    """
    found: dict[tuple[object, ...], tuple[Case, str, float]] = {}
    for case in cases:
        if case.backend != "llama.cpp" or case.setting.n_gpus != 1:
            continue
        setting = case.setting
        decode_only = str(setting.condition("protocol") or "").startswith("tg")
        for metric in (BUFFERS, DEVICE_PEAK):
            if metric in case.figures and not decode_only:
                value = case.figures[metric]
                flash = setting.condition("flash_attention")
                where = (setting.source, setting.platform, setting.condition("build"), flash)
                what = (setting.model.name, setting.quant.name, case.engine.max_model_len)
                found.setdefault((metric, *where, *what, round(value, 3)), (case, metric, value))
    return list(found.values())


def fit(
    cases: Sequence[Case], constants: Mapping[str, Any], form: Form = FORMS[0]
) -> dict[str, Any]:
    """`context_gib`: the median of what devices hold beyond the buffers of the law."""
    law: dict[str, Any] = {**constants, "context_gib": 0.0}
    law["flash_attention_since"] = constants["flash_attention_since"] if form.scores else [0]
    law["keeps_buffers_on"] = constants["keeps_buffers_on"] if form.pool else []
    rest = [
        value - predicted_gib(law, case, metric)
        for case, metric, value in measured(cases)
        if metric == DEVICE_PEAK and case.setting.condition("flash_attention")
    ]
    context = max(0.0, statistics.median(rest)) if form.context and rest else 0.0
    stated = ("flash_attention_since", "keeps_buffers_on")
    return {"context_gib": context, **{name: law[name] for name in stated}}


def predicted_gib(law: Mapping[str, Any], case: Case, metric: str) -> float:
    """What a cell measured, by this law: buffers are logged without the context."""
    whole = {"interval": [1.0, 1.0], "interval_gib": [0.0, 0.0], "basis": "", **law}
    whole.setdefault("interval_gib_unfused", [0.0, 0.0])
    vendors = whole["keeps_buffers_on"]
    whole["keeps_buffers_on"] = [v for v in vendors if _PLATFORM[v] == case.setting.platform]
    parts = case.forecast({"backends": {case.backend: whole}}).parts
    total = sum(parts.values())
    return total - parts["runtime_overhead"] if metric == BUFFERS else total
