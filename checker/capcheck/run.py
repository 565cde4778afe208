"""One run: paths in, a report out. The edge where manifests and tables are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from capcheck.check import check
from capcheck.errors import InputError, Problem
from capcheck.finding import Verdict
from capcheck.judge import Context
from capcheck.manifest.deployment import Deployment
from capcheck.manifest.discover import find, read_manifest, reader_for, repository_root
from capcheck.manifest.load import load
from capcheck.predict import coefficients
from capcheck.predict.coefficients import Coefficients
from capcheck.registry import tables
from capcheck.registry.tables import Registry
from capcheck.report.model import Report
from capcheck.search.find import SHOWN


@dataclass(frozen=True, slots=True)
class Options:
    """What a run depends on besides its paths.

    `now` has a time zone; `shown` is the number of alternatives in the report, None for all.
    """

    fail_on: tuple[Verdict, ...]
    now: datetime
    alternatives: bool = True
    shown: int | None = SHOWN
    coefficients: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, and the lines of the manifests by path for excerpts."""

    report: Report
    sources: Mapping[str, Sequence[str]]


def run(paths: Iterable[str], options: Options) -> Outcome:
    """Judge every deployment of every manifest that can be read; report those that cannot.

    Raises CoefficientsError.
    """
    registry, fitted = tables.load(), coefficients.load(options.coefficients)
    context = Context(registry, fitted, options.now.date())
    problems: list[Problem] = []
    manifests = _manifests(paths, problems)
    deployments: list[Deployment] = []
    sources: dict[str, Sequence[str]] = {}
    for manifest in manifests:
        name = manifest.as_posix()
        try:
            data = read_manifest(manifest)
            sources[name] = data.decode("utf-8-sig", "replace").split("\n")
            deployments += load(data, name, read_file=reader_for(repository_root(manifest)))
        except InputError as error:
            problems += error.problems
    report = Report(
        deployments=tuple(
            check(deployment, context, alternatives=options.alternatives, shown=options.shown)
            for deployment in deployments
        ),
        problems=tuple(problems),
        files=len(manifests),
        fail_on=options.fail_on,
        created=options.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        data=_provenance(registry, fitted),
    )
    return Outcome(report, sources)


def _manifests(paths: Iterable[str], problems: list[Problem]) -> list[Path]:
    """Sorted, each once; a path that does not exist does not hide the others."""
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            for manifest in find((path,)):
                found.setdefault(manifest.resolve(), manifest)
        except InputError as error:
            problems += error.problems
    return sorted(found.values())


def _provenance(registry: Registry, fitted: Coefficients) -> dict[str, str]:
    """The data behind the figures: what two reports must share to be comparable."""
    captured = (price.captured for price in registry.prices)
    return {
        "coefficients": f"{fitted.version} ({fitted.sha256[:12]})",
        "prices": max(filter(None, captured), default="undated"),
    }
