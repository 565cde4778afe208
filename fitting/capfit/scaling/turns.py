"""Requests that take turns on one slot: Ollama's closed loops.

N agents wait max(Z + S, N S - think). S is what Ollama reports of a request on the GPU (prefill and
decode) and an overhead that it does not report; Z is the host's time, which overlaps with other
requests. Overhead and delays are fitted. SOURCE of the form: the asymptotic bounds of a closed
network (Denning and Buzen, The Operational Analysis of Queueing Network Models, 1978).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from capfit.data.constants import Constant, sources, tree
from capfit.data.rows import LatencyLoad, Scaling, ServiceTime
from capfit.data.tables import Data
from capfit.held_out import HeldOut

# Each report's single requests: the clock state of its rows of 50 requests a model.
SINGLES = {"TR128": "low-clock", "TR129": "low-clock", "TR130": "high-clock"}
SINGLE_REQUESTS = 50
# TR129 opened an HTTP client for every request: its delay is not the server's host's alone.
_KEPT_ITS_CLIENT = ("TR128", "TR130")
_HOSTS = "engines/llama.cpp/host/"
_START_MS, _DELAY_MS = 30.0, 250.0
# Two reports' single requests on one clock differ by about this much.
_USUAL = 0.02


@dataclass(frozen=True, slots=True)
class Overhead:
    """A form of the unreported GPU time per request: free numbers, and ms from them.

    `ms(numbers, reported_ms, agents)`; the first number is the overhead of one agent.
    """

    name: str
    start: tuple[float, ...]
    ms: Callable[[Sequence[float], float, int], float]


OVERHEADS = (
    Overhead("the same for every request", (_START_MS,), lambda p, gpu, n: p[0]),
    Overhead("more with every agent", (_START_MS, 1.0), lambda p, gpu, n: p[0] + p[1] * (n - 1)),
    Overhead("a share of the reported time", (0.05,), lambda p, gpu, n: p[0] * gpu),
    Overhead("none", (), lambda p, gpu, n: 0.0),
)


@dataclass(frozen=True, slots=True)
class Loop:
    """N agents of one report on one model: the GPU time that a lone request reported, the wall."""

    report: str
    model: str
    agents: int
    think_ms: float
    reported_ms: float
    wall_ms: float

    @property
    def what(self) -> str:
        """The loop in words."""
        think = f", {self.think_ms:g} ms of thought" if self.think_ms else ""
        return f"{self.model}, {self.agents} agents{think} ({self.report})"


@dataclass(frozen=True, slots=True)
class Turns:
    """A fitted law: the overhead's numbers, and the host's delay by report, in ms."""

    form: Overhead
    numbers: tuple[float, ...]
    delay_ms: Mapping[str, float]

    @property
    def overhead_ms(self) -> float:
        """The unreported GPU time of a lone request of a typical length."""
        return self.form.ms(self.numbers, _TYPICAL_MS, 1)

    @property
    def host_ms(self) -> float:
        """The host's delay, by the reports that kept their HTTP client."""
        return statistics.fmean(self.delay_ms[name] for name in _KEPT_ITS_CLIENT)

    def wall_ms(self, loop: Loop) -> float:
        """The wall time of one request of a loop."""
        service = loop.reported_ms + self.form.ms(self.numbers, loop.reported_ms, loop.agents)
        alone = self.delay_ms[loop.report] + service
        return max(alone, loop.agents * service - loop.think_ms)


_TYPICAL_MS = 600.0


def loops(data: Data) -> list[Loop]:
    """Single requests and closed loops on Ollama, each with the GPU time of its clock state."""
    reported = _reported(data)
    found = [
        Loop(row.source, row.model, 1, 0.0, reported[row.model, row.session or ""], row.mean_ms)
        for row in single_rows(data)
        if row.mean_ms and SINGLES.get(row.source) == row.session
    ]
    for row in (*_walls(data), *_rates(data)):
        if (row.model, row.session) in reported:
            gpu_ms = reported[row.model, row.session]
            found.append(Loop(row.report, row.model, row.agents, row.think_ms, gpu_ms, row.wall_ms))
    return found


def single_rows(data: Data) -> Iterator[ServiceTime]:
    """The rows of 50 single requests on Ollama."""
    for row in data.rows(ServiceTime):
        if row.backend == "ollama" and row.n_samples == SINGLE_REQUESTS and not row.excluded:
            yield row


def fit(found: Sequence[Loop], form: Overhead = OVERHEADS[0]) -> Turns:
    """Log errors of the wall times, squares below the usual scatter; nothing below 0."""
    reports = sorted({loop.report for loop in found})

    def law(free: Sequence[float]) -> Turns:
        numbers, delays = free[: len(form.start)], free[len(form.start) :]
        return Turns(form, tuple(map(float, numbers)), dict(zip(reports, delays, strict=True)))

    def errors(free: NDArray[np.float64]) -> NDArray[np.float64]:
        turns = law(list(free))
        return np.array([math.log(turns.wall_ms(loop) / loop.wall_ms) for loop in found])

    start = [*form.start, *(_DELAY_MS for _ in reports)]
    fitted = least_squares(
        errors, start, bounds=(0.0, np.inf), x_scale=start, loss="soft_l1", f_scale=_USUAL
    )
    return law([float(x) for x in fitted.x])


def without(found: Sequence[Loop], form: Overhead = OVERHEADS[0]) -> dict[str, Turns]:
    """The law that has not seen a model, by model."""
    models = sorted({loop.model for loop in found})
    return {name: fit([loop for loop in found if loop.model != name], form) for name in models}


def hold_out(data: Data, form: Overhead = OVERHEADS[0]) -> list[HeldOut]:
    """Walls in ms, by overheads and delays of the other models; the GPU time is the model's own.

    Bounds are the worst log residual of the other models. Baselines: `N requests in turn` (no
    overlap), `35 and 200 ms` (as once stated).
    """
    found = loops(data)
    laws = without(found, form)
    stated = Turns(OVERHEADS[0], (35.0,), dict.fromkeys(SINGLES, 200.0))
    off = {
        name: max(
            abs(math.log(loop.wall_ms / laws[name].wall_ms(loop)))
            for loop in found
            if loop.model == name
        )
        for name in laws
    }
    alone = {(loop.report, loop.model): loop.wall_ms for loop in found if loop.agents == 1}
    rows = []
    for loop in found:
        said = laws[loop.model].wall_ms(loop)
        worst = max(residual for other, residual in off.items() if other != loop.model)
        single = alone[loop.report, loop.model]
        rows.append(
            HeldOut(
                predictor="turns on one slot",
                backend="ollama",
                metric="wall_ms_mean",
                group=loop.model,
                what=loop.what,
                predicted=said,
                low=said * math.exp(-worst),
                high=said * math.exp(worst),
                measured=loop.wall_ms,
                baselines={
                    "N requests in turn": loop.agents * single,
                    "35 and 200 ms": stated.wall_ms(loop),
                },
            )
        )
    return rows


def hosts(data: Data, form: Overhead = OVERHEADS[0]) -> dict[str, Any]:
    """`host`: ms per request outside the reported GPU time, by backend; `source`: their evidence.

    Ollama's is fitted; the delay of a host that nobody measured is assumed (`constants.csv`).
    """
    found = loops(data)
    law = fit(found, form)
    errors = [abs(row.error) for row in hold_out(data, form)]
    stated = data.rows(Constant)
    host = dict(tree(stated)["engines"]["llama.cpp"]["host"])
    host["ollama"] = {
        **host["ollama"],
        "gpu_overhead_ms": law.overhead_ms,
        "measured_host_delay_ms": law.host_ms,
    }
    return {
        "host": host,
        "source": (
            f"Ollama: {len(found)} single requests and closed loops of TR128 to TR130, "
            f"{len({loop.model for loop in found})} models; leave one model out: mean error "
            f"{statistics.fmean(errors):.1%}. delay_ms {sources(stated, _HOSTS)['ollama/delay_ms']}"
        ),
    }


@dataclass(frozen=True, slots=True)
class _Wall:
    report: str
    session: str
    model: str
    agents: int
    think_ms: float
    wall_ms: float


def _reported(data: Data) -> dict[tuple[str, str], float]:
    """Prefill and decode of a lone request by model and clock state, of the reports' mean."""
    prefills = {
        row.model: row.prefill_ms_mean for row in single_rows(data) if row.source == "TR128"
    }
    found: dict[tuple[str, str], list[float]] = {}
    for row in single_rows(data):
        prefill = row.prefill_ms_mean or prefills.get(row.model)
        decode = row.decode_ms_mean
        if decode is None and row.eff_tok_s and row.gpu_tok_s and row.mean_ms:
            decode = row.eff_tok_s * row.mean_ms / row.gpu_tok_s
        if prefill is not None and decode is not None:
            found.setdefault((row.model, row.session or ""), []).append(prefill + decode)
    return {key: statistics.fmean(values) for key, values in found.items()}


def _walls(data: Data) -> Iterator[_Wall]:
    for row in data.rows(LatencyLoad):
        named = row.backend == "ollama" and row.arrival == "closed" and row.source in SINGLES
        if named and not row.excluded and (row.concurrency or 0) > 1 and row.wall_ms_mean:
            think, session = row.think_ms or 0.0, row.session or ""
            yield _Wall(
                row.source, session, row.model, row.concurrency or 1, think, row.wall_ms_mean
            )


def _rates(data: Data) -> Iterator[_Wall]:
    """TR129's loops without thought print rates: the tokens of its single requests over them."""
    tokens = {
        row.model: row.eff_tok_s * row.mean_ms
        for row in single_rows(data)
        if row.source == "TR129" and row.eff_tok_s and row.mean_ms
    }
    for row in data.rows(Scaling):
        if (row.source, row.backend) != ("TR129", "ollama") or row.model not in tokens:
            continue
        counted = row.efficiency_computed and row.concurrency > 1 and not row.excluded
        if counted and row.per_agent_tok_s and not row.think_ms:
            wall = tokens[row.model] / row.per_agent_tok_s
            yield _Wall(row.source, row.session or "", row.model, row.concurrency, 0.0, wall)
