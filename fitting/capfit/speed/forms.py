"""The candidate forms of the speed laws: shapes, coefficients, their bounds and prior spreads.

Every coefficient lives on a scale without bounds (a logarithm for times, a logit for shares), so a
fit cannot leave the physical range: times and costs in (0, inf), `efficiency` in (0, 1.05),
`utilisation` in (0, the kernels' ceiling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from capcheck.predict.speed import roofline
from capcheck.predict.speed.fitted import LAWS

from capfit.data.protocol import protocol_of
from capfit.speed.facts import Facts
from capfit.speed.points import Kind, Point
from capfit.speed.shrink import Array, Law

# Standard deviations of log residuals that are expected beside the law, by kind of point.
SCALE: Mapping[Kind, float] = {
    **{"step": 0.08, "prefill": 0.12, "tpot": 0.12, "ttft": 0.25, "static": 0.12}
}

# Prior means, and prior spreads by kind of trait ("" is the mean itself). The spreads were chosen
# by coordinate search on held-out error (models and GPUs), from one hand-set start.
PRIORS: Mapping[str, tuple[float, Mapping[str, float]]] = {
    "floor": (
        float(np.log(0.06)),
        {
            **{"": 3.0, "engine": 0.48, "platform": 0.45, "host": 0.065, "era": 0.26},
            **{"arch": 0.6, "host-arch": 0.039, "kernel": 0.026},
            **{
                "host-method": 0.2,
                "flag": 0.33,
                "engine-flag": 0.13,
                "eager": 1.4,
                "host-eager": 0.5,
                "session": 0.2,
            },
        },
    ),
    "efficiency": (
        1.2,
        {
            **{"": 3.0, "engine": 0.13, "platform": 0.2, "host": 0.18, "era": 0.052},
            **{"memory": 0.45, "host-memory": 0.45, "kernel": 0.1, "host-kernel": 0.3},
            **{"kernel-memory": 0.44, "arch": 0.2, "host-arch": 0.5, "gpu": 0.13},
            **{"engine-flag": 0.24, "moe-kernel": 0.8, "session": 0.2},
        },
    ),
    "cache_cost": (0.0, {"": 1.0, "host": 0.24, "session": 0.6}),
    "group_cost": (-1.5, {"": 1.0, "host": 0.7, "era": 0.7}),
    "collective": (
        float(np.log(0.012)),
        {
            **{"": 2.0, "host": 0.88, "link": 0.5, "ranks": 0.25, "era": 0.2},
        },
    ),
    "step_arithmetic": (0.0, {"": 1.0, "host": 0.16, "kernel": 0.3}),
    "per_sequence": (float(np.log(0.02)), {"": 1.5, "host": 0.24, "era": 0.6}),
    "utilisation": (
        0.0,
        {
            **{"": 2.0, "engine": 0.2, "platform": 0.45, "host": 0.3, "era": 0.2},
            **{"arch": 0.44, "host-arch": 0.2, "segment": 1.0, "host-segment": 0.3, "kernel": 0.25},
            **{"host-kernel": 0.25, "kernel-arch": 0.15, "gpu": 0.19, "flag": 0.4},
            **{"host-flag": 0.4, "session": 0.4},
        },
    ),
    "request_overhead": (float(np.log(5.0)), {"": 1.5, "engine": 0.52, "session": 1.2}),
    "chunk_floor": (float(np.log(0.03)), {"": 1.0, "host": 0.33, "arch": 0.72, "flag": 0.75}),
    "attention": (float(np.log(2.0)), {"": 1.0, "host": 1.56, "arch": 0.33, "session": 0.65}),
    "exchange": (0.7, {"": 0.5, "link": 1.0, "host": 0.3}),
    "interference": (0.0, {"": 0.7, "host": 0.13, "session": 0.75}),
}
NAMES = tuple(PRIORS)


@dataclass(frozen=True)
class Form:
    """One candidate: how times overlap, and by how much its priors differ from PRIORS.

    `means` maps a law to its prior mean, `spreads` "law.kind" to a standard deviation; `shrinkage`
    multiplies all spreads but the means'. Only `STEP_OVERLAP` and `PREFILL_OVERLAP` are what the
    checker computes: a form with others has to change `roofline` before it ships.
    """

    name: str
    step_overlap: float = roofline.STEP_OVERLAP
    prefill_overlap: float = roofline.PREFILL_OVERLAP
    shrinkage: float = 1.0
    means: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)

    def laws(self) -> list[Law]:
        """The coefficients with their priors."""
        return [
            Law(
                name,
                self.means.get(name, mean),
                {
                    kind: self.spreads.get(f"{name}.{kind}", sd * (self.shrinkage if kind else 1.0))
                    for kind, sd in spread.items()
                },
            )
            for name, (mean, spread) in PRIORS.items()
        ]

    def ms(self, values: Sequence[Array], facts: Facts) -> Array:
        """Times of all points; `values` has one array per law, on its fitting scale."""
        f = _Scaled(dict(zip(NAMES, values, strict=True)), facts)
        step = np.asarray(roofline.step(facts, f, self.step_overlap))  # type: ignore[arg-type]
        prefill = np.asarray(
            roofline.prefill(facts, f, self.prefill_overlap)  # type: ignore[arg-type]
        )
        n, kind = facts.sequences, facts.kind
        shared = np.asarray(roofline.prefill_shared(facts, f))  # type: ignore[arg-type]
        times: Array = np.select(
            [kind == "step", kind == "prefill", kind == "tpot", kind == "ttft", kind == "static"],
            [
                step,
                prefill + f.request_overhead + facts.scores_ms,
                step + (n - 1) / facts.output * (prefill - shared) * f.interference,
                f.request_overhead + _first_token(facts, step, prefill - shared, shared),
                prefill + facts.output * step,
            ],
        )
        return times


def _first_token(facts: Facts, step: Array, own: Array, shared: Array) -> Array:
    """Mean time to the first token in a benchmark of `facts.rounds` requests per client.

    All clients start at once, so that one request in so many waits in a burst: prompts pass one
    after the other, as many to an iteration as its token budget holds, which pays what they share
    once. The others arrive one by one, in the running step and at times beside another prompt.
    """
    n = facts.sequences
    together = np.clip(np.floor(facts.step_tokens / facts.prompt_tokens), 1.0, n)
    burst = (n + together) / 2 * own + (n / together + 1) / 2 * shared
    busy = np.minimum(0.9, (n - 1) * own / (facts.output * step + n * own))
    settled = step + shared + own * (1 + busy)
    in_step = step + (np.minimum(n, facts.in_step) + 1) / 2 * (own + shared)
    polls = facts.poll_steps * step
    # Those that arrive between two looks pass together, and the first waits for the last.
    gathered = 2 * polls * (n - 1) / (facts.output * step + n * own)
    settled = settled + own * np.maximum(0.0, np.minimum(gathered, n - 1) - busy) * (polls > 0)
    others = np.where(facts.in_step > 1, in_step, settled + polls)
    mean: Array = (burst + polls) / facts.rounds + (1 - 1 / facts.rounds) * others
    return mean + facts.unseen_steps * step


FORMS: tuple[Form, ...] = (
    Form("roofline, times add"),
    Form("roofline, times overlap", step_overlap=2.0, prefill_overlap=3.0),
    Form("roofline, the longer time", step_overlap=8.0, prefill_overlap=8.0),
    Form("times add, weak shrinkage", shrinkage=2.0),
    Form("times add, strong shrinkage", shrinkage=0.5),
    Form(
        "times add, caches read once",
        means={"group_cost": -12.0},
        spreads={"group_cost.": 1e-3, "group_cost.host": 1e-3, "group_cost.era": 1e-3},
    ),
    Form(
        "times add, caches read by every query head",
        means={"group_cost": 12.0},
        spreads={"group_cost.": 1e-3, "group_cost.host": 1e-3, "group_cost.era": 1e-3},
    ),
    Form(
        "times add, GPUs of a class alike",
        spreads={"efficiency.gpu": 0.02, "utilisation.gpu": 0.02},
    ),
    Form(
        "times add, every GPU by itself",
        spreads={"efficiency.gpu": 0.5, "utilisation.gpu": 1.0}
        | {
            f"{law}.{kind}": 0.02
            for law in ("efficiency", "utilisation")
            for kind in ("arch", "host-arch", "memory", "segment")
        },
    ),
)
SHIPPED = FORMS[0]


class _Scaled:
    """Coefficients on their physical scales, as attributes (what `roofline` reads)."""

    def __init__(self, values: Mapping[str, Array], facts: Facts) -> None:
        exp = {name: np.exp(np.clip(value, -20, 20)) for name, value in values.items()}
        self.floor, self.cache_cost = exp["floor"], exp["cache_cost"]
        self.collective, self.exchange = exp["collective"], exp["exchange"]
        self.step_arithmetic, self.per_sequence = exp["step_arithmetic"], exp["per_sequence"]
        self.request_overhead, self.chunk_floor = exp["request_overhead"], exp["chunk_floor"]
        self.attention, self.interference = exp["attention"], exp["interference"]
        self.group_cost = 1 / (1 + 1 / exp["group_cost"])
        self.efficiency = 1.05 / (1 + 1 / exp["efficiency"])
        self.utilisation = facts.ceiling / (1 + 1 / exp["utilisation"])


def traits_of(name: str, points: Sequence[Point]) -> list[tuple[str, ...]]:
    """The traits of every point in one law: those of deployments, and those of measurements."""
    known: dict[object, list[str]] = {}
    found = []
    for point in points:
        if point.traits not in known:
            known[point.traits] = (
                LAWS[name][1](point.traits) if name in LAWS else [f"host={point.traits.host}"]
            )
        found.append(("", *known[point.traits], *_nuisance(name, point)))
    return found


def _nuisance(name: str, point: Point) -> list[str]:
    """Traits of a measurement (`session=`): absorbed here, never shipped."""
    setting = point.cell.setting
    session = f"{point.source}/{protocol_of(setting).in_step}"
    if point.kind == "ttft" and setting.engine_family == "sglang" and setting.version is None:
        session += "/stalled"
    if name in {"cache_cost", "attention"} and setting.condition("flash_attention") is False:
        return [f"session=no-flash/{point.traits.host}"]
    if name == "efficiency" and "low-clock" in setting.session:
        return [f"session=low-clock/{point.gpu.name}"]
    if name in {"efficiency", "utilisation"} and setting.condition("power_limit_w"):
        return [f"session=power-limited/{point.gpu.name}"]
    if name == "floor" and point.traits.eager:
        return [f"session={point.source}"]
    if name == "request_overhead":
        return [f"session={point.kind}/{session}"]
    if name == "interference":
        return [f"session={session}"]
    return []
