"""One run: paths in, a report out. The edge where manifests and tables are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from capcheck.check import check
from capcheck.compare.model import COMPARED, Comparison
from capcheck.errors import InputError, Problem
from capcheck.finding import Verdict
from capcheck.judge import Context
from capcheck.manifest.discover import find, read_manifest, reader_for, repository_root
from capcheck.manifest.load import Entry, entries
from capcheck.parallel import in_order
from capcheck.predict import coefficients
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.economics import Rates
from capcheck.registry import tables
from capcheck.registry.tables import Registry
from capcheck.report.model import DeploymentReport, Report
from capcheck.search.find import BEST, Wanted
from capcheck.search.fleet import plan

if TYPE_CHECKING:
    from capcheck.base import Base


@dataclass(frozen=True, slots=True)
class Options:
    """What a run depends on besides its paths.

    `now` has a time zone; `wanted` says which alternatives to look for. `base` is the commit to
    compare with, None for none. `jobs` processes share the deployments, 0 is one a core. `rates`
    are prices for what stands beside the bill; `plan` is one for all deployments, which together
    may cost `budget_usd_month`.
    """

    fail_on: tuple[Verdict, ...]
    now: datetime
    alternatives: bool = True
    wanted: Wanted = BEST
    coefficients: Path | None = None
    base: str | None = None
    jobs: int = 1
    rates: Rates | None = None
    plan: bool = False
    budget_usd_month: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, and the lines of the manifests by path for excerpts."""

    report: Report
    sources: Mapping[str, Sequence[str]]


def run(paths: Iterable[str], options: Options) -> Outcome:
    """Judge every deployment of every manifest that can be read; report those that cannot.

    Raises CoefficientsError; with a base InputError outside of a git repository.
    """
    paths = list(paths)
    registry, fitted = tables.load(), coefficients.load(options.coefficients)
    context = Context(registry, fitted, options.now.date())
    problems: list[Problem] = []
    manifests = _manifests(paths, problems)
    stated: list[Entry] = []
    sources: dict[str, Sequence[str]] = {}
    unread: set[str] = set()
    for manifest in manifests:
        name = manifest.as_posix()
        try:
            data = read_manifest(manifest)
            sources[name] = data.decode("utf-8-sig", "replace").split("\n")
            stated += entries(data, name, read_file=reader_for(repository_root(manifest)))
        except InputError as error:
            problems += error.problems
            unread.add(name)
    comparison: Comparison | None
    deployments: tuple[DeploymentReport, ...]
    base = _base(paths, [manifest.as_posix() for manifest in manifests], options)
    if base is None or isinstance(base, Comparison):
        deployments = in_order(partial(_checked, options), stated, options.jobs)
        comparison = base
    else:
        # A manifest that was deleted since is no mistake.
        problems = [
            one
            for one in problems
            if one.code != "path-not-found" or one.place.path not in base.meant
        ]
        deployments, comparison = _compared(stated, base, unread, context, options)
    report = Report(
        deployments=deployments,
        problems=tuple(problems),
        files=len(manifests),
        fail_on=options.fail_on,
        created=options.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        data=_provenance(registry, fitted),
        comparison=comparison,
        plan=plan(deployments, options.budget_usd_month) if options.plan else None,
    )
    return Outcome(report, sources)


def _base(paths: Sequence[str], shown: Sequence[str], options: Options) -> Base | Comparison | None:
    """What base states, or why there is nothing to compare with; None when it was not asked for."""
    if options.base is None:
        return None
    # Git is a subprocess, and most runs start without one.
    from capcheck.base import BaseError, read_base

    try:
        return read_base(options.base, paths, shown)
    except BaseError as error:
        return Comparison(str(error))


def _compared(
    stated: Sequence[Entry], base: Base, unread: set[str], context: Context, options: Options
) -> tuple[tuple[DeploymentReport, ...], Comparison]:
    """Every deployment against base; what can't be read here is not taken for removed."""
    from capcheck.compare.fleet import compare, judge_entry

    readable = [entry for entry in base.asked if entry.path not in unread]
    deployments, left = compare(
        stated, (*readable, *base.gone), context, partial(_check, context=context, options=options)
    )
    asked = set(map(id, readable))
    return deployments, Comparison(
        status=COMPARED,
        base=base.commit,
        head=base.head,
        removed=tuple(judge_entry(entry, context) for entry in left if id(entry) in asked),
        unread=base.unread & unread,
    )


def _checked(options: Options, entry: Entry) -> DeploymentReport:
    """A check that can be made in another process: the tables are read there, once."""
    fitted = coefficients.load(options.coefficients)
    return _check(entry, Context(tables.load(), fitted, options.now.date()), options)


def _check(
    entry: Entry, context: Context, options: Options, *, search: bool = True
) -> DeploymentReport:
    return check(
        entry.deployment(),
        context,
        alternatives=options.alternatives and search,
        wanted=options.wanted,
        rates=options.rates,
    )


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
