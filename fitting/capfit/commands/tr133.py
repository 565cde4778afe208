"""`capfit tr133`: TR133's own procedure, for whoever holds its raw files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from capfit.tr133 import artifact, records
from capfit.tr133 import split as splitting
from capfit.tr133.fit import fit
from capfit.tr133.validate import TARGETS, Metrics, SpotCheck, met, spot_checks, validate


@click.command(name="tr133")
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="A folder with the raw files below folders named tr123 to tr130.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write fitted_models.json, splits.json and validation.json to this folder.",
)
def command(folder: Path, output: Path | None) -> None:
    """Run TR133's own procedure on its raw files.

    Reads cost_per_measurement.csv, quality_cost_merged.csv, metrics.csv and analysis.json, splits
    each category 80/20 by stratum (seed 42), fits the six forms on the larger part and validates
    them on the smaller one, as TR133 does.
    """
    data = records.read(folder)
    train, held_out, splits = splitting.split_dataset(data)
    planner = fit(train)
    found = validate(planner, held_out)
    checks = spot_checks(planner)
    click.echo(_sizes(len(data.files), splits, data.left_out))
    click.echo(_table(found))
    click.echo(_checks(checks))
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        _write(output / "fitted_models.json", artifact.as_json(planner))
        _write(output / "splits.json", splitting.as_json(splits))
        _write(output / "validation.json", _validation(found, checks))


def _sizes(files: int, splits: Mapping[str, splitting.Split], left_out: Mapping[str, int]) -> str:
    total = sum(len(one.train) + len(one.validation) for one in splits.values())
    lines = [f"{files} files, {total:,} records"]
    lines += [f"  left out: {reason}, {count:,}" for reason, count in left_out.items()]
    lines.append(f"  {'':<12}{'train':>8}{'validation':>12}")
    for name, one in splits.items():
        lines.append(f"  {name:<12}{len(one.train):>8,}{len(one.validation):>12,}")
    return "\n".join(lines)


def _table(found: Mapping[str, Metrics | None]) -> str:
    lines = [f"\n{'':14}{'n':>6}{'R²':>8}{'RMSE':>10}{'MAE':>10}{'MAPE':>9}  target"]
    for name, one in found.items():
        if one is None:
            lines.append(f"  {name:<12}{0:>6}  nothing was held out")
            continue
        errors = f"{one.rmse:>10.3f}{one.mae:>10.3f}{one.mape:>9.1%}"
        lines.append(f"  {name:<12}{one.n:>6,}{one.r2:>8.3f}{errors}  {_target(name, one)}")
    return "\n".join(lines)


def _target(name: str, found: Metrics) -> str:
    if name not in TARGETS:
        return "none"
    metric, limit = TARGETS[name]
    sign = ">=" if metric == "r2" else "<="
    return f"{metric} {sign} {limit:g}: {'met' if met(name, found) else 'missed'}"


def _checks(checks: Sequence[SpotCheck]) -> str:
    lines = ["\nspot checks"]
    for one in checks:
        result = "pass" if one.passed else "FAIL"
        lines.append(f"  {one.number:>2}  {one.check:<40}{one.value:>10.4g}  {result}")
    return "\n".join(lines)


def _validation(
    found: Mapping[str, Metrics | None], checks: Sequence[SpotCheck]
) -> dict[str, object]:
    return {
        "metrics": {name: one and _plain(asdict(one)) for name, one in found.items()},
        "targets_met": {name: met(name, found.get(name)) for name in TARGETS},
        "spot_checks": [asdict(one) for one in checks],
    }


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
