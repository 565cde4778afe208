"""Whole deployments under load: the artifact fitted without a group, then the checker itself.

"under load" is what capcheck says of a manifest: a loop that has settled. A published benchmark
starts its clients together and ends after a few rounds; "in a benchmark" replays that with the same
predicted times of steps and prompts, and the settled answer's relative interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median

from capcheck.estimate import Estimate
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Load
from capcheck.registry.tables import Registry

from capfit.artifact import selection
from capfit.data.cells import Cell, Cells
from capfit.data.setting import Setting
from capfit.latency.benchmark import Spread, benchmark
from capfit.latency.deployed import unloaded
from capfit.latency.served import METRICS
from capfit.speed import fit
from capfit.validate.rows import Row, Unit

_ARRIVALS = ("closed", "poisson")
_SETTLED, _BENCHMARK = "under load", "in a benchmark"
RATE = "total output rate under load"


def group_of(setting: Setting, held_out: str) -> str:
    """What is held out with a setting: its model's shape, or its GPU."""
    return setting.model_group if held_out == "model" else setting.gpu_group


def groups(serving: Cells, held_out: str) -> list[str]:
    """Every group with served rows that the checker can be asked about, in order."""
    return sorted({group_of(setting, held_out) for setting in _settings(serving)})


def rows(
    cells: Sequence[Cell],
    serving: Cells,
    registry: Registry,
    shipped: Coefficients,
    *,
    held_out: str,
    group: str,
) -> list[Row]:
    """The group's served rows, predicted as for a user whose model or GPU was never measured."""
    others = [cell for cell in cells if group_of(cell.setting, held_out) != group]
    sections = fit(others, form=selection.load().speed())
    coefficients = replace(shipped, sections={**shipped.sections, **sections})
    found: list[Row] = []
    for setting, figures in _settings(serving).items():
        if group_of(setting, held_out) == group:
            found += _rows(setting, figures, registry, coefficients, held_out)
    return found


def _settings(serving: Cells) -> Mapping[Setting, Mapping[str, Cell]]:
    return {
        setting: figures
        for setting, figures in serving.by_setting().items()
        if setting.arrival in _ARRIVALS
        and setting.prompt_tokens
        and setting.output_tokens
        and (setting.concurrency or setting.request_rate_rps)
        and any(_wanted(metric) for metric in figures)
    }


def _wanted(metric: str) -> bool:
    return metric in METRICS or metric == "total_output_tok_s"


def _rows(
    setting: Setting,
    figures: Mapping[str, Cell],
    registry: Registry,
    coefficients: Coefficients,
    held_out: str,
) -> Iterator[Row]:
    deployed = unloaded(setting, registry, coefficients)
    if deployed is None:
        return
    load = deployed.loaded().load
    replayed = benchmark(deployed, setting) if setting.arrival == "closed" else None
    for metric, cell in figures.items():
        if not _wanted(metric) or cell.value <= 0.0:
            continue
        name, unit, settled = _answer(load, metric)
        answers = {name.format(_SETTLED): settled}
        if replayed is not None:
            answers[name.format(_BENCHMARK)] = _scaled(settled, _printed(replayed, metric))
        for predictor, estimate in answers.items():
            if estimate.value and estimate.low:
                yield Row(
                    predictor=predictor,
                    held_out=held_out,
                    backend=setting.backend.name,
                    group=group_of(setting, held_out),
                    what=describe(setting),
                    unit=unit,
                    predicted=estimate.value,
                    measured=cell.value,
                    low=estimate.low,
                    high=estimate.high,
                    baselines={},
                )


def _printed(replayed: Spread, metric: str) -> float:
    """A figure of a replayed benchmark."""
    if metric not in METRICS:
        return replayed.total_tok_s
    _, field, part = METRICS[metric]
    value: float = getattr(getattr(replayed, field), part)
    return value


def _scaled(settled: Estimate, value: float) -> Estimate:
    """Another value with the relative interval of an estimate."""
    if not settled.value or not settled.low:
        return replace(settled, value=None)
    by = value / settled.value
    high = None if settled.high is None else settled.high * by
    return replace(settled, value=value, low=settled.low * by, high=high)


def _answer(load: Load, metric: str) -> tuple[str, Unit, Estimate]:
    """A name with a place for the kind of load, the unit, and what is said of a settled loop."""
    if metric == "total_output_tok_s":
        return "total output rate {}", "tok/s", load.throughput_tok_s
    label, field, part = METRICS[metric]
    name = f"{label} {{}}" if part == "mean" else f"{label} {{}}, {part}"
    return name, "ms", getattr(getattr(load, field), part)


def describe(setting: Setting) -> str:
    """One setting in words."""
    engine = " ".join(filter(None, (setting.backend.name, setting.version)))
    load = (
        f"{setting.concurrency} clients"
        if setting.arrival == "closed"
        else f"{setting.request_rate_rps} requests/s"
    )
    gpus = f"{setting.n_gpus} x {setting.gpu.name}" if setting.n_gpus > 1 else setting.gpu.name
    lengths = f"{setting.prompt_tokens:.0f} in, {setting.output_tokens:.0f} out"
    return f"{setting.model.name} {setting.quant.name}, {engine}, {gpus}, {load}, {lengths}"


def with_class_mean(found: Sequence[Row]) -> list[Row]:
    """The rows with a baseline: the median of the same figure of the same engine elsewhere."""
    alike: dict[tuple[str, str, str], list[Row]] = {}
    for row in found:
        alike.setdefault((row.predictor, row.held_out, row.backend), []).append(row)
    means = {
        (key, group): median(others)
        for key, rows in alike.items()
        for group in {row.group for row in rows}
        if (others := [row.measured for row in rows if row.group != group])
    }
    out = []
    for row in found:
        mean = means.get(((row.predictor, row.held_out, row.backend), row.group))
        out.append(row if mean is None else replace(row, baselines={"class mean": mean}))
    return out
