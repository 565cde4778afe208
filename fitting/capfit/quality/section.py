"""The artifact's `quality` section: mean drops, and the law of divergence and size below them."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from capcheck.registry.specs import ModelSpec
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize

from capfit.quality.drops import CLASSES, Drop

# Formats of fewer bits than Q4_K_M that both kinds of form can speak for, and all that were scored.
LOW_BIT = ("Q3_K_S", "Q2_K")
SCORED = ("Q6_K", "Q5_K_M", "Q4_K_M", *LOW_BIT)

# A single model without kin tells nothing of the spread over models; fewer than these, little.
_LONE_SPREAD = 0.02
_FEW_MODELS = 5
_EVIDENCE = {
    "gguf": "TR125 8.1-8.5 and TR134 8.1, rescored MMLU and ARC, own Q8_0 as reference",
    "Q8_0": "TR125 8.1-8.5, rescored MMLU and ARC, own F16 as reference",
    "published": "published MMLU or average against own 16 bits (Qwen docs, auto-round, NVIDIA "
    "ModelOpt, Red Hat cards)",
}


@dataclass(frozen=True, slots=True)
class Form:
    """Whether formats below Q4_K_M follow the law, and what it is fitted on.

    `size`: it knows the model's size. `linear`: the logit falls with the divergence itself. A mean
    drop counts its kin's (formats that round alike) as `kin` models: 0 for none, infinite for the
    kin's alone.
    """

    name: str
    law: bool
    size: bool
    linear: bool = False
    fitted_on: tuple[str, ...] = SCORED
    kin: float = 0.0


_SIZE = "mean drop; below four bits the law of divergence and size"
FORMS = (
    Form(f"{_SIZE}; the mean of formats that round alike", law=True, size=True, kin=math.inf),
    Form(f"{_SIZE}; a mean drawn to that of its kin", law=True, size=True, kin=4.0),
    Form(_SIZE, law=True, size=True),
    Form(f"{_SIZE}, linear", law=True, size=True, linear=True),
    Form(f"{_SIZE}, of low bits alone", law=True, size=True, fitted_on=LOW_BIT),
    Form("mean drop; below four bits the law of divergence", law=True, size=False),
    Form("mean drop of every format", law=False, size=False),
)


@dataclass(frozen=True, slots=True)
class Law:
    """logit(score) - logit(reference) = scale * divergence^a * (size / unit)^b; scale <= 0."""

    scale: float
    divergence_exponent: float
    size_exponent: float
    size_unit_b: float

    def score(self, reference: float, divergence: float, model: ModelSpec) -> float:
        """The score of a model in a format of that divergence."""
        size = (model.params_b / self.size_unit_b) ** self.size_exponent
        shift = self.scale * divergence**self.divergence_exponent * size
        kept = min(max(reference, 1e-3), 1.0 - 1e-3)
        return 1.0 / (1.0 + math.exp(-(math.log(kept / (1.0 - kept)) + shift)))


def fit_law(
    drops: Sequence[Drop], divergence: Mapping[str, float], form: Form, *, unit_b: float
) -> Law:
    """The law with the least mean absolute error of scores over the form's formats."""
    known = [drop for drop in drops if drop.kind in form.fitted_on]

    def law(free: Sequence[float]) -> Law:
        scale, exponent, size = free
        exponent = 1.0 if form.linear else exponent
        return Law(-math.exp(scale), exponent, size if form.size else 0.0, unit_b)

    def loss(free: NDArray[np.float64]) -> float:
        candidate = law([float(x) for x in free])
        return math.fsum(
            abs(drop.score - candidate.score(drop.reference, divergence[drop.kind], drop.model))
            for drop in known
        )

    options = {"maxiter": 5000, "xatol": 1e-7, "fatol": 1e-12}
    found = minimize(loss, [0.1, 0.9, -0.7], method="Nelder-Mead", options=options)
    return law([float(x) for x in found.x])


def section(
    drops: Sequence[Drop],
    divergence: Mapping[str, float],
    constants: Mapping[str, Any],
    form: Form = FORMS[0],
) -> dict[str, Any]:
    """The section; `divergence` is the published one by format, `constants` the stated values."""
    unit = constants["low_bit"]["size_unit_b"]
    means = _means(drops, form)
    for name, like in constants["alike"].items():
        if like in means:
            means[name] = {
                **means[like],
                "n_models": 0,
                "evidence": f"as {like}, of like divergence",
            }
    law = fit_law(drops, divergence, form, unit_b=unit)
    low = {name: value for name, value in sorted(divergence.items()) if name not in means}
    return {
        "tiers": {
            **constants["tiers"],
            "evidence": "TR133 SS7.5: drop from the reference below these bounds, "
            "unacceptable above",
        },
        "composite_half_width": constants["composite_half_width"],
        "drops": dict(sorted(means.items())),
        "low_bit": {
            "scale": law.scale,
            "divergence_exponent": law.divergence_exponent,
            "size_exponent": law.size_exponent,
            "size_unit_b": unit,
            "divergence": low | constants["low_bit"]["divergence"],
            "spread_below": _spreads(drops, divergence, form, unit_b=unit),
            "evidence": "logit(score) - logit(reference) = scale * divergence^divergence_exponent "
            f"* (params/size_unit)^size_exponent, fitted on {len(_models(drops, LOW_BIT))} models "
            "at Q3_K_S and Q2_K (TR125, TR134); divergence: llama.cpp perplexity scoreboard, "
            "Llama-3-8B, without imatrix where listed",
        },
    }


def _means(drops: Sequence[Drop], form: Form) -> dict[str, dict[str, Any]]:
    by_kind: dict[str, list[Drop]] = defaultdict(list)
    for drop in drops:
        if not (form.law and drop.kind in LOW_BIT):
            by_kind[drop.kind].append(drop)
    found: dict[str, dict[str, Any]] = {}
    for kind, mine in by_kind.items():
        kin = [drop for drop in drops if drop.kin == mine[0].kin]
        n = len({drop.model.name for drop in mine})
        source = _EVIDENCE.get(kind, _EVIDENCE["published" if kind in CLASSES else "gguf"])
        alike = f" (with its kin {len({drop.model.name for drop in kin})})" if form.kin else ""
        entry = {
            "drop": max(0.0, _mean(mine, kin, form.kin)),
            "spread": _spread(mine, kin, form.kin),
            "n_models": n,
            "evidence": f"{n} model{'' if n == 1 else 's'}{alike}; {source}",
        }
        found |= dict.fromkeys(CLASSES.get(kind, (kind,)), entry)
    return found


def _mean(mine: Sequence[Drop], kin: Sequence[Drop], weight: float) -> float:
    """The mean drop of a format, its kin's counting as `weight` of its own models."""
    of_kin = statistics.fmean(drop.drop for drop in kin)
    if not mine or math.isinf(weight):
        return of_kin
    own = statistics.fmean(drop.drop for drop in mine)
    return (len(mine) * own + weight * of_kin) / (len(mine) + weight)


def _spread(mine: Sequence[Drop], kin: Sequence[Drop], weight: float) -> float:
    """The worst error on a model held out; of few models, no less than what the kin's scatter says.

    SOURCE of the latter: Student's prediction interval, 5 % on each side.
    """
    if len(kin) < 2:
        return _LONE_SPREAD
    worst = 0.0
    for one in mine:
        others = [drop for drop in kin if drop.model.name != one.model.name]
        own = [drop for drop in others if drop.kind == one.kind]
        if others and (own or math.isinf(weight)):
            worst = max(worst, abs(one.drop - _mean(own, others, weight)))
    if len(mine) >= _FEW_MODELS:
        return worst
    n = len(kin)
    scatter = statistics.stdev(drop.drop for drop in kin) * math.sqrt(1.0 + 1.0 / n)
    return max(worst, float(stats.t.ppf(0.95, n - 1)) * scatter)


def _spreads(
    drops: Sequence[Drop], divergence: Mapping[str, float], form: Form, *, unit_b: float
) -> list[list[float]]:
    """By upper bound of divergence, the law's worst error on a model held out; never falling."""
    worst: dict[str, float] = defaultdict(float)
    for name in _models(drops, LOW_BIT):
        law = fit_law([d for d in drops if d.model.name != name], divergence, form, unit_b=unit_b)
        for drop in drops:
            if drop.model.name == name and drop.kind in LOW_BIT:
                said = law.score(drop.reference, divergence[drop.kind], drop.model)
                worst[drop.kind] = max(worst[drop.kind], abs(drop.score - said))
    near, far = (worst[kind] for kind in LOW_BIT)
    middle = math.sqrt(divergence[LOW_BIT[0]] * divergence[LOW_BIT[1]])
    return [[middle, near], [10.0, max(near, far)]]


def _models(drops: Iterable[Drop], kinds: Sequence[str]) -> list[str]:
    return sorted({drop.model.name for drop in drops if drop.kind in kinds})
