"""The laws of speed by themselves, from the hold-outs of `capfit.speed`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from capfit.artifact import selection
from capfit.data.cells import Cell
from capfit.speed import HeldOut, hold_out
from capfit.speed.points import Point
from capfit.speed.validate import By
from capfit.validate.rows import Row, Unit

# How `capfit.speed` calls what the pages call a held-out model, GPU or concurrency.
BY: Mapping[str, By] = {"model": "shape", "GPU": "gpu", "concurrency": "concurrency"}

DECODE, STEP, TPOT = "decode, one stream", "decode step of a batch", "TPOT, law alone"
TTFT, PREFILL, STATIC = "TTFT, law alone", "prefill, one prompt", "output rate, static batch"


def rows(cells: Sequence[Cell], held_out: str) -> list[Row]:
    """Every point of the speed fit, predicted by a refit without its group."""
    found = hold_out(cells, by=BY[held_out], form=selection.load().speed())
    if held_out == "concurrency":
        found = [one for one in found if one.point.sequences > 1]
    refitted = _tr133_refitted(found)
    return [_row(one, held_out, own) for one, own in zip(found, refitted, strict=True)]


def predictor(point: Point) -> str:
    """Which figure of a deployment a point speaks for."""
    if point.kind == "step":
        return DECODE if point.sequences == 1 else STEP
    return {"prefill": PREFILL, "tpot": TPOT, "ttft": TTFT, "static": STATIC}[point.kind]


def _row(one: HeldOut, held_out: str, refitted: float) -> Row:
    unit, of_ms = figure(one.point)
    baselines = {**one.baselines, "TR133, refitted": refitted}
    low, high = sorted((of_ms(one.low), of_ms(one.high)))
    return Row(
        predictor=predictor(one.point),
        held_out=held_out,
        backend=one.point.cell.setting.backend.name,
        group=one.group,
        what=describe(one.point),
        unit=unit,
        predicted=of_ms(one.predicted),
        measured=of_ms(one.measured),
        low=low,
        high=high,
        baselines={name: of_ms(ms) for name, ms in baselines.items() if np.isfinite(ms)},
    )


def figure(point: Point) -> tuple[Unit, Callable[[float], float]]:
    """The unit a user knows the figure in, and how it follows from a time in ms."""
    tokens = {
        DECODE: 1.0,
        PREFILL: point.prompt,
        STATIC: point.sequences * point.output,
    }.get(predictor(point))
    if tokens is None:
        return "ms", lambda ms: ms
    return "tok/s", lambda ms: tokens * 1e3 / ms


def describe(point: Point) -> str:
    """One point in words."""
    setting = point.cell.setting
    load = "" if point.sequences == 1 else f", {point.sequences:.0f} sequences"
    gpus = f"{setting.n_gpus} x {point.gpu.name}" if setting.n_gpus > 1 else point.gpu.name
    engine = " ".join(filter(None, (setting.backend.name, setting.version)))
    tokens = f", prompt {point.prompt:.0f}" if point.prompt else ""
    return f"{point.model.name} {point.quant.name}, {engine}, {gpus}{load}{tokens}"


def _tr133_refitted(found: Sequence[HeldOut]) -> list[float]:
    """TR133's power law of one stream, its two coefficients refitted per engine without the group.

    NaN for other loads. SOURCE: TR133 SS5.4 and SS14.1: rate = a B^-b, times the bandwidth's ratio.
    """
    answers = [float("nan")] * len(found)
    for members in _alike(found):
        names = [found[i].group for i in members]
        size = np.log([found[i].point.model.params_b for i in members])
        gb_s = [found[i].point.gpu.bandwidth_gb_s or np.nan for i in members]
        scaled = np.log([found[i].measured for i in members]) + np.log(gb_s)
        for name in dict.fromkeys(names):
            mine = np.array([other == name for other in names])
            train = ~mine & np.isfinite(scaled)
            if len(set(size[train])) < 2:
                continue
            slope, base = np.polyfit(size[train], scaled[train], 1)
            for at in np.flatnonzero(mine):
                answers[members[at]] = float(np.exp(base + slope * size[at]) / gb_s[at])
    return answers


def _alike(found: Sequence[HeldOut]) -> Iterator[list[int]]:
    engines: dict[str, list[int]] = {}
    for i, one in enumerate(found):
        if predictor(one.point) == DECODE:
            engines.setdefault(one.point.traits.host, []).append(i)
    yield from engines.values()
