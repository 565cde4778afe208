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
            **{"": 3.0, "engine": 0.13, "platform": 0.35, "host": 0.18, "era": 0.12},
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
            **{"": 2.0, "engine": 0.2, "platform": 0.8, "host": 0.3, "era": 0.2},
            **{"arch": 0.44, "host-arch": 0.2, "segment": 1.0, "host-segment": 0.3, "kernel": 0.25},
            **{"host-kernel": 0.25, "kernel-arch": 0.15, "gpu": 0.19, "flag": 0.4},
            **{"host-flag": 0.2, "session": 0.4},
        },
    ),
    "request_overhead": (float(np.log(5.0)), {"": 1.5, "engine": 0.52, "session": 1.2}),
    "chunk_floor": (
        float(np.log(0.03)),
        {"": 1.0, "host": 0.33, "era": 0.3, "arch": 0.72, "flag": 0.75},
    ),
    "attention": (float(np.log(2.0)), {"": 1.0, "host": 1.56, "arch": 0.33, "session": 0.65}),
    "exchange": (0.7, {"": 0.5, "link": 1.0, "host": 0.3}),
}
NAMES = tuple(PRIORS)


@dataclass(frozen=True)
class Form:
    """One candidate: how times overlap, and by how much its priors differ from PRIORS.

    `means` maps a law to its prior mean, `spreads` "law.kind" to a standard deviation; `shrinkage`
    multiplies all spreads but the means'. `widths` replaces entries of SCALE: the residual from
    which on a point of that kind counts by its distance instead of its square. `padding` multiplies
    the tiles that a step's products fill, `unfused` what attention without a fused kernel moves.
    `beside` is the share of a prompt's time that it holds others up on data-centre GPUs. Only
    `roofline`'s overlaps and share and a `padding` of 1 are what the checker computes: a form with
    others has to change `roofline` before it ships.
    """

    name: str
    step_overlap: float = roofline.STEP_OVERLAP
    prefill_overlap: float = roofline.PREFILL_OVERLAP
    padding: float = 1.0
    unfused: float = 1.0
    beside: float = roofline.PREFILL_BESIDE["hbm"]
    shrinkage: float = 1.0
    means: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)
    widths: Mapping[Kind, float] = field(default_factory=lambda: {"step": 0.05})

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

    def scale(self, kind: Kind) -> float:
        """The standard deviation of log residuals that is expected beside the law."""
        return self.widths.get(kind, SCALE[kind])

    def ms(self, values: Sequence[Array], facts: Facts) -> Array:
        """Times of all points; `values` has one array per law, on its fitting scale."""
        f = _Scaled(dict(zip(NAMES, values, strict=True)), facts)
        step = np.asarray(
            roofline.step(facts, f, self.step_overlap, self.padding)  # type: ignore[arg-type]
        )
        prefill = np.asarray(
            roofline.prefill(facts, f, self.prefill_overlap)  # type: ignore[arg-type]
        )
        n, kind = facts.sequences, facts.kind
        shared = np.asarray(roofline.prefill_shared(facts, f))  # type: ignore[arg-type]
        times: Array = np.select(
            [kind == "step", kind == "prefill", kind == "tpot", kind == "ttft", kind == "static"],
            [
                step,
                prefill + f.request_overhead + facts.scores_ms + self.unfused * facts.unfused_ms,
                step + (n - 1) / facts.output * self.interruption(facts, prefill, shared),
                f.request_overhead + self.first_token(facts, step, prefill - shared, shared),
                prefill + facts.output * step,
            ],
        )
        return times

    def _beside(self, facts: Facts) -> Array:
        """The share of a prompt's own time that it holds others up; all of it in step."""
        return np.where((facts.in_step > 1) | ~facts.hides, 1.0, self.beside)

    def interruption(self, facts: Facts, prefill: Array, shared: Array) -> Array:
        """What one prompt takes from the requests that decode beside it.

        Prompts that a scheduler finds at the same look share an iteration.
        """
        polls = 2 * facts.poll_steps + 1
        together = np.maximum(1.0, polls * (facts.sequences - 1) / facts.output)
        held: Array = (prefill - shared) * self._beside(facts) + shared / together
        return held

    def first_token(self, facts: Facts, step: Array, own: Array, shared: Array) -> Array:
        """Mean time to the first token in a benchmark of `facts.rounds` requests per client.

        All clients start at once, so that one request in so many waits in a burst: prompts pass one
        after the other, as many to an iteration as its token budget holds, which pays what they
        share once. The others arrive one by one, in the running step and at times beside another
        prompt. Where prompts share steps, each iteration with one in it is a step, too.
        """
        n, ahead = facts.sequences, own * self._beside(facts)
        together = np.clip(np.floor(facts.step_tokens / facts.prompt_tokens), 1.0, n)
        burst = (n + together) / 2 * ahead + own - ahead + (n / together + 1) / 2 * shared
        burst = burst + facts.mixes * (n / together - 1) / 2 * step
        cycle = facts.output * step + n * ahead
        busy = np.minimum(0.9, (n - 1) * ahead / cycle)
        settled = (1 + facts.mixes / 2) * step + shared + own + busy * ahead
        in_step = step + (np.minimum(n, facts.in_step) + 1) / 2 * (own + shared)
        polls = facts.poll_steps * step
        # Those that arrive between two looks pass together, and the first waits for the last.
        gathered = np.minimum(2 * polls * (n - 1) / cycle, n - 1)
        settled = settled + ahead * np.maximum(0.0, gathered - busy) * (polls > 0)
        others = np.where(facts.in_step > 1, in_step, settled + polls)
        mean: Array = (burst + polls) / facts.rounds + (1 - 1 / facts.rounds) * others
        return mean + facts.unseen_steps * step


FORMS: tuple[Form, ...] = (
    Form("times add, products in whole tiles"),
    Form("times add, products as small as the batch", padding=0.0),
    Form("times overlap", step_overlap=2.0, prefill_overlap=3.0),
    Form("times add, attention always fused", unfused=0.0),
    Form("times add, chunks cost alike in every release", spreads={"chunk_floor.era": 0.01}),
    Form("times add, prompts hold all steps up", beside=1.0),
    Form("times add, prompts hold steps up half", beside=0.5),
    Form("times add, weak shrinkage", shrinkage=2.0),
    Form("times add, strong shrinkage", shrinkage=0.5),
    Form("times add, wide residuals", widths={"step": 0.08}),
    Form("times add, narrow residuals", widths={"step": 0.03, "prefill": 0.06, "static": 0.06}),
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
        self.attention = exp["attention"]
        self.group_cost = 1 / (1 + 1 / exp["group_cost"])
        self.efficiency = 1.05 / (1 + 1 / exp["efficiency"])
        self.utilisation = facts.ceiling / (1 + 1 / exp["utilisation"])


# What its requests pay for on the host is what users pay: no nuisance.
_SERVED = "aic_silicon"


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
    if name == "request_overhead" and session != f"{_SERVED}/1":
        return [f"session={point.kind}/{session}"]
    return []
