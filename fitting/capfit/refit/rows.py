"""A user's table of measurements, and each of its rows as a deployment to predict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from capcheck.errors import InputError, Problem
from capcheck.estimate import Estimate
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.place import Place
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.speed.engine_copy import speed
from capcheck.predict.speed.refit import cell_name, class_name
from capcheck.predict.speed.traits import Traits, traits_of
from capcheck.registry.matches import Miss
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Resolved

from capfit.data.columns import Role, Row, column
from capfit.data.load import load_file, place_of

SECTIONS = {"decode_tok_s": "decode", "ttft_ms": "prefill"}


@dataclass(frozen=True, kw_only=True)
class Own(Row):
    """One measurement of one stream: its decode rate, or the time to its first token."""

    table: ClassVar[str] = "own"
    model: str = column(role=Role.SUBJECT)
    quant: str | None = column(role=Role.SUBJECT)
    backend: str = column(role=Role.SUBJECT)
    backend_version: str | None = column(role=Role.SUBJECT)
    gpu: str = column(role=Role.SUBJECT)
    tensor_parallel_size: int | None = column(role=Role.SUBJECT, least=1, most=64)
    prompt_tokens: float = column(role=Role.SUBJECT, unit="tokens", least=1)
    output_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=1)
    metric: str = column(role=Role.MEASURE, allowed=tuple(SECTIONS))
    value: float = column(role=Role.MEASURE, unit="tokens/s or ms, see metric", least=1e-3)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A row that the checker can predict: `ms` a token, or to the first one."""

    row: Own
    resolved: Resolved
    traits: Traits
    section: str
    ms: float

    @property
    def touched(self) -> str:
        """The class that the row speaks for."""
        return class_name(self.section, self.traits)

    @property
    def cell(self) -> str:
        """Its model and kernel."""
        name = self.resolved.model.name if self.resolved.model else ""
        return cell_name(name, self.traits)

    def predicted_ms(self, coefficients: Coefficients) -> float:
        """The same time by the law, NaN where the checker has none."""
        found = speed(self.resolved, coefficients)
        if isinstance(found, Estimate):
            return float("nan")
        if self.section == "prefill":
            return found.prefill_ms(tokens=self.row.prompt_tokens)
        context = self.row.prompt_tokens + (self.row.output_tokens or 0.0) / 2
        return found.step_ms(sequences=1.0, context_tokens=context)


def load(path: Path, registry: Registry, coefficients: Coefficients) -> list[Measurement]:
    """Every row of the table, resolved. Raises InputError with the place of every bad cell."""
    rows = load_file(Own, path)
    problems: list[Problem] = []
    found = [_measurement(row, path, registry, coefficients, problems) for row in rows]
    if not rows:
        place = Place(str(path), 1, 1, 1)
        problems.append(Problem("empty-table", place, "no row", "a row per measurement"))
    if problems:
        raise InputError(problems)
    return [measurement for measurement in found if measurement is not None]


def _measurement(
    row: Own,
    path: Path,
    registry: Registry,
    coefficients: Coefficients,
    problems: list[Problem],
) -> Measurement | None:
    unknown = list(_unknown(row, path, registry))
    if unknown:
        problems += unknown
        return None
    deployment = Deployment(
        name="own",
        path=str(path),
        place=Place(str(path), row.line, 1, 2),
        model=row.model,
        quant=row.quant,
        backend=row.backend,
        backend_version=row.backend_version,
        gpu=row.gpu,
        serving=Serving(tensor_parallel_size=row.tensor_parallel_size),
    )
    resolved, _ = resolve(deployment, registry)
    traits = traits_of(resolved, coefficients.section("engines"))
    if traits is None:
        place = place_of(path, row.line, "model")
        problems.append(
            Problem("no-prediction", place, "no law for this row", "what capcheck can predict")
        )
        return None
    section = SECTIONS[row.metric]
    ms = 1e3 / row.value if section == "decode" else row.value
    measurement = Measurement(row, resolved, traits, section, ms)
    predicted = measurement.predicted_ms(coefficients)
    if not predicted > 0:
        place = place_of(path, row.line, "model")
        problems.append(
            Problem("no-prediction", place, "no law for this row", "what capcheck can predict")
        )
        return None
    return measurement


def _unknown(row: Own, path: Path, registry: Registry) -> Iterable[Problem]:
    """Every name of a row that the registry does not know, with the nearest one that it does."""
    looked_up: dict[str, object] = {
        "model": registry.model(row.model),
        "backend": registry.backend(row.backend),
        "gpu": registry.gpu(row.gpu),
    }
    if row.quant is not None:
        looked_up["quant"] = registry.quant(row.quant)
    for name, found in looked_up.items():
        if isinstance(found, Miss):
            place = place_of(path, row.line, name)
            nearest = found.nearest[0] if found.nearest else None
            text = f"{found.text!r} in column {name!r}"
            yield Problem(f"unknown-{name}", place, text, f"a known {name}", nearest)
