"""step(n) = step(1) + ms * (n - 1)^exponent, shared over models by engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from capfit.data.cells import Cell
from capfit.data.rows import Scaling
from capfit.data.tables import Data
from capfit.held_out import HeldOut
from capfit.tr133 import baselines as tr133

_REPORT, _ENGINES, _RATE = "TR130", ("vllm", "tgi"), "per_agent_tok_s"
_SOURCE = (
    "TR130: step(n) = step(1) + ms * (n - 1)^exponent; 63 to 76 % of it is the load generator's "
    "own slowdown, so it reproduces that report and no other host"
)


@dataclass(frozen=True, slots=True)
class Growth:
    """A form of the growth: its exponent, None where it is fitted (between 0 and 1)."""

    name: str
    exponent: float | None


GROWTHS = (
    Growth("a power of the other agents", None),
    Growth("a step per agent", 1.0),
    Growth("the square root of the other agents", 0.5),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One model served to n agents: ms a token with n and with one."""

    cell: Cell
    agents: int
    ms: float
    alone_ms: float


def client_limited(data: Data, growth: Growth = GROWTHS[0]) -> dict[str, Any]:
    """`ms` and `exponent` by engine, with their source."""
    found: dict[str, Any] = {}
    for engine in _ENGINES:
        ms, exponent = _fit(_points(data, engine), growth)
        found[engine] = {"ms": ms, "exponent": exponent}
    return {**found, "source": _SOURCE}


def hold_out(data: Data, growth: Growth = GROWTHS[0]) -> list[HeldOut]:
    """The rate of each of 2 to 8 agents in tok/s, by the growth that the other models show.

    The rate of one agent is given. Bounds are the worst log residual of the other models.
    Baselines: `TR133` (its eta with the default share), `no growth`.
    """
    rows = []
    for engine in _ENGINES:
        points = _points(data, engine)
        models = sorted({point.cell.setting.model.name for point in points})
        kept = {name: [p for p in points if p.cell.setting.model.name != name] for name in models}
        laws = {name: _fit(others, growth) for name, others in kept.items()}
        off = {
            name: max(
                abs(math.log(p.ms / _ms(p, *laws[name])))
                for p in points
                if p.cell.setting.model.name == name
            )
            for name in models
        }
        for point in points:
            name = point.cell.setting.model.name
            worst = max(residual for other, residual in off.items() if other != name)
            rows.append(_row(point, 1e3 / _ms(point, *laws[name]), worst))
    return rows


def _points(data: Data, engine: str) -> list[Point]:
    cells = [
        cell
        for cell in data.cells(Scaling).kept
        if cell.metric == _RATE
        and cell.setting.source == _REPORT
        and cell.setting.backend.name == engine
    ]
    alone = {c.setting.model.name: 1e3 / c.value for c in cells if c.setting.concurrency == 1}
    return [
        Point(cell, cell.setting.concurrency, 1e3 / cell.value, alone[cell.setting.model.name])
        for cell in cells
        if cell.setting.concurrency and cell.setting.concurrency > 1
    ]


def _ms(point: Point, ms: float, exponent: float) -> float:
    return point.alone_ms + ms * math.pow(point.agents - 1, exponent)


def _fit(points: Sequence[Point], growth: Growth) -> tuple[float, float]:
    """The least mean absolute log error; ms at least 0, the exponent between 0 and 1."""

    def law(free: NDArray[np.float64]) -> tuple[float, float]:
        exponent = growth.exponent if growth.exponent is not None else float(free[1])
        return math.exp(free[0]), exponent

    def loss(free: NDArray[np.float64]) -> float:
        if not 0 <= law(free)[1] <= 1:
            return math.inf
        return math.fsum(abs(math.log(point.ms / _ms(point, *law(free)))) for point in points)

    options = {"maxiter": 4000, "xatol": 1e-8, "fatol": 1e-12}
    return law(minimize(loss, [0.5, 0.8], method="Nelder-Mead", options=options).x)


def _row(point: Point, rate: float, worst: float) -> HeldOut:
    setting = point.cell.setting
    share = tr133.eta(setting.model, setting.backend, agents=point.agents)
    return HeldOut(
        predictor="batch step growth",
        backend=setting.backend.name,
        metric=_RATE,
        group=setting.model.name,
        what=f"{setting.model.name}, {point.agents} agents",
        predicted=rate,
        low=rate * math.exp(-worst),
        high=rate * math.exp(worst),
        measured=point.cell.value,
        baselines={"TR133": 1e3 / point.alone_ms * share, "no growth": 1e3 / point.alone_ms},
    )
