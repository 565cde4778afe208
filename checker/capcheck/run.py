"""One run: paths in, a report out. The edge where manifests and tables are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from capcheck import plugins, policies
from capcheck import stated as stated_files
from capcheck.check import check, likeness
from capcheck.compare.model import COMPARED, Comparison, LimitChange
from capcheck.errors import InputError, Problem
from capcheck.finding import Finding, Verdict
from capcheck.judge import Context
from capcheck.manifest.discover import read_manifest
from capcheck.manifest.load import Entry
from capcheck.parallel import in_order
from capcheck.policies import NO_LABELS, Labels, Policies
from capcheck.policy import fleet, lint, loosened
from capcheck.policy.combine import DEFAULT, failing, merged
from capcheck.policy.model import EMPTY, Policy
from capcheck.policy.settle import settled_run
from capcheck.policy.waive import remarks
from capcheck.predict import coefficients
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.economics import Rates, with_hosted
from capcheck.records import dataclass
from capcheck.registry import tables
from capcheck.registry.tables import Registry
from capcheck.report.model import DeploymentReport, Report
from capcheck.search.wanted import BEST, Wanted

if TYPE_CHECKING:
    from capcheck.base import Base
    from capcheck.search.fleet import Plan


@dataclass(frozen=True, slots=True)
class Options:
    """What a run depends on besides its paths.

    `now` has a time zone; `wanted` says which alternatives to look for. `base` is the commit to
    compare with, None for none; `environment` the one to check in each manifest. `policy` is the
    organisation's file, None to look for it where it usually is. `fail_on` None leaves it to the
    policy, or else to the default; what is stated adds to the policy's. `jobs` processes share the
    deployments, 0 is one a core. `rates` are prices for what stands beside the bill; `plan` is one
    for all deployments, which together may cost `budget_usd_month`.
    """

    fail_on: tuple[Verdict, ...] | None
    now: datetime
    alternatives: bool = True
    wanted: Wanted = BEST
    coefficients: Path | None = None
    base: str | None = None
    jobs: int = 1
    rates: Rates | None = None
    plan: bool = False
    budget_usd_month: float | None = None
    environment: str | None = None
    policy: Path | str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, and the lines of the files by path for excerpts."""

    report: Report
    sources: Mapping[str, Sequence[str]]


def run(
    paths: Iterable[str], options: Options, *, instead: Mapping[str, str] | None = None
) -> Outcome:
    """Judge every deployment of every manifest that can be read; report those that cannot.

    `instead` are texts by path that are judged in the place of what is on disk.
    Raises CoefficientsError; with a base InputError outside of a git repository.
    """
    paths = list(paths)
    registry, fitted = tables.load(), coefficients.load(options.coefficients)
    problems: list[Problem] = []
    manifests = stated_files.manifests(paths, problems)
    reading = partial(
        stated_files.read,
        paths,
        manifests,
        environment=options.environment,
        instead=instead or {},
    )
    read = reading()
    stated, sources, unread, files = read.stated, read.sources, read.unread, read.files
    problems += read.problems
    comparison: Comparison | None
    deployments: tuple[DeploymentReport, ...]
    base = _base(paths, files, options)
    asked = Path(options.policy) if options.policy is not None else None
    on_head = policies.on_disk(asked, tuple(map(Path, files)), stated, problems)
    before = base.policies if base and not isinstance(base, Comparison) else None
    judging, moved = policies.judging_by(on_head, before)
    if labels := judging.labels():
        # Which policy says so is known only now.
        stated = reading(labels=labels).stated
        base = _base(paths, files, options, labels)
    for one in judging.all:
        problems += lint.unknown_rules(one, plugins.rule_ids(judging))
    context = Context(
        registry=tables.with_facts(registry, merged(*(one.facts for one in judging.all))),
        coefficients=fitted,
        today=options.now.date(),
        policies=judging.by_manifest(),
        plugins=plugins.load(judging, problems),
    )
    for one in judging.all:
        sources.update(_lines_of(one))
    if base is None or isinstance(base, Comparison):
        check_one = partial(_check, context=context, options=options)
        deployments = in_order(check_one, stated, options.jobs, likeness=_likeness)
        comparison = base
    else:
        # A manifest that was deleted since is no mistake.
        problems = [
            one
            for one in problems
            if one.code != "path-not-found" or one.place.path not in base.meant
        ]
        deployments, comparison = _compared(stated, base, unread, context, options)
    again = partial(stated_files.read_text, environment=options.environment, labels=labels)
    deployments = _placed(deployments, sources, again)
    report = Report(
        deployments=deployments,
        problems=tuple(problems),
        files=len(files),
        fail_on=_fail_on(judging, options),
        created=options.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        data=_provenance(context.registry, fitted),
        comparison=comparison,
        plan=_plan(deployments, options) if options.plan else None,
        findings=_about_the_run(judging, deployments, comparison, moved, options),
        limits_changed=moved,
        policy=next((one.sources[0] for one in judging.all if one.sources), None),
        draft=_draft(stated),
    )
    return Outcome(report, sources)


def _placed(
    deployments: tuple[DeploymentReport, ...],
    sources: Mapping[str, Sequence[str]],
    read: Callable[[str, str], tuple[Entry, ...]],
) -> tuple[DeploymentReport, ...]:
    """With the changes of the text that every alternative means."""
    if not any(one.ways for one in deployments):
        return deployments
    from capcheck.edit.offers import placed  # not where no alternatives are looked for

    texts = {path: "\n".join(lines) for path, lines in sources.items()}
    return placed(deployments, texts, read)


def _plan(deployments: Sequence[DeploymentReport], options: Options) -> Plan:
    from capcheck.search.fleet import plan

    return plan(deployments, options.budget_usd_month)


def _draft(stated: Sequence[Entry]) -> str | None:
    """A manifest for the native files among them; None where all is in manifests."""
    native = [entry for entry in stated if entry.is_native]
    if not native:
        return None
    from capcheck.manifest.native.draft import draft  # most runs read manifests only

    return draft(native)


def _fail_on(judging: Policies, options: Options) -> tuple[Verdict, ...]:
    """What the policies say, and what the caller adds; the default where nobody says anything."""
    stated = [one for one in judging.all if one.fail_on is not None]
    if not stated:
        return DEFAULT if options.fail_on is None else options.fail_on
    return failing(*judging.all, Policy(fail_on=options.fail_on)) or ()


def _about_the_run(
    judging: Policies,
    deployments: Sequence[DeploymentReport],
    comparison: Comparison | None,
    moved: Sequence[LimitChange],
    options: Options,
) -> tuple[Finding, ...]:
    """What no single deployment is to blame for."""
    today, found = options.now.date(), list[Finding]()
    found += settled_run(
        map(loosened.finding, moved), judging.own or EMPTY, today, options.environment
    )
    for policy, manifest in judging.groups():
        own = [one for one in deployments if manifest in (None, one.resolved.deployment.path)]
        before = None
        if comparison is not None and comparison.status == COMPARED:
            paired = [one.change.base for one in own if one.change and one.change.base]
            before = [one.forecast.cost.usd_month_max for one in (*paired, *comparison.removed)]
        bills = [one.forecast.cost.usd_month_max for one in own]
        judged = [(one.resolved.deployment, one.findings) for one in own]
        said = (
            *fleet.cost(policy, bills, before),
            *remarks(policy, judged, today, options.environment),
        )
        found += settled_run(said, policy, today, options.environment)
    return tuple(found)


def _lines_of(policy: Policy) -> Mapping[str, Sequence[str]]:
    """For excerpts; a policy of another commit may not be on disk."""
    found = {}
    for source in policy.sources:
        try:
            found[source.path] = read_manifest(Path(source.path)).decode().split("\n")
        except (InputError, ValueError):
            continue
    return found


def _base(
    paths: Sequence[str],
    shown: Sequence[str],
    options: Options,
    labels: Labels = NO_LABELS,
) -> Base | Comparison | None:
    """What base states, or why there is nothing to compare with; None when it was not asked for."""
    if options.base is None:
        return None
    # Git is a subprocess, and most runs start without one.
    from capcheck.base import BaseError, read_base

    try:
        asked = Path(options.policy) if options.policy is not None else None
        return read_base(
            options.base,
            paths,
            shown,
            environment=options.environment,
            policy=asked,
            labels=labels,
        )
    except BaseError as error:
        return Comparison(str(error))


def _compared(
    stated: Sequence[Entry], base: Base, unread: frozenset[str], context: Context, options: Options
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


def _check(
    entry: Entry, context: Context, options: Options, *, search: bool = True
) -> DeploymentReport:
    deployment = entry.deployment()
    report = check(
        deployment,
        context,
        alternatives=options.alternatives and search,
        wanted=options.wanted,
        rates=with_hosted(options.rates, context.policy(deployment).facts.hosted_api),
    )
    return replace(report, is_asked=entry.is_asked)


def _likeness(entry: Entry) -> str:
    return likeness(entry.deployment())


def _provenance(registry: Registry, fitted: Coefficients) -> dict[str, str]:
    """The data behind the figures: what two reports must share to be comparable."""
    captured = (price.captured for price in registry.prices)
    return {
        "coefficients": f"{fitted.version} ({fitted.sha256[:12]})",
        "prices": max(filter(None, captured), default="undated"),
    }
