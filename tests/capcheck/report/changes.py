"""Sample reports of pull requests: head against base, built like those of `conftest`."""

from collections.abc import Callable
from dataclasses import replace

from capcheck.compare.model import COMPARED, Cause, Change, Comparison, Edit, LimitChange, Mark
from capcheck.errors import Problem
from capcheck.finding import Finding, Verdict
from capcheck.judge import Checked
from capcheck.place import Place
from capcheck.report.model import DeploymentReport, Report

from tests.capcheck.report.conftest import (
    BROKEN,
    EVIL,
    PATH,
    about,
    borderline,
    cheaper,
    exact,
    forecast,
    gate,
    hostile,
    passing,
    resolved,
    run,
    too_late,
    unpredictable,
    with_ways,
)

BASE = "9be04d1a2b3c4d5e6f708192a3b4c5d6e7f80910"
HEAD = "3f2a91c0d5b7e6f8a9014c2d3e4f5a6b7c8d9e0f"
AGAINST = Comparison(COMPARED, BASE, HEAD)


def edit(pointer: str, base: object, head: object, *, line: int = 5) -> Edit:
    return Edit(f"/deployments/chat-prod{pointer}", base, head, Place(PATH, line, 12, 16))


QUANT = edit("/quant", "awq-int4", "bf16")
REPLICAS = edit("/replicas", 1, 2, line=8)


def checked(entry: DeploymentReport) -> Checked:
    return Checked(entry.resolved, entry.forecast, entry.gates, entry.findings, entry.verdict)


def small(name: str = "chat-prod") -> Checked:
    """What a deployment was before somebody unquantised it."""
    before = passing(name)
    predicted = forecast(vram=about(7.7, 0.02), p95=about(4500.0), usd=exact(516.0, "acme"))
    return replace(checked(before), forecast=predicted)


def modified(
    entry: DeploymentReport, *edits: Edit, base: Checked | None = None, cause: Edit | None = None
) -> DeploymentReport:
    """An entry whose findings are new."""
    because = Cause(cause, "latency", "raises p95 latency from 4.50 s to 14.0 s") if cause else None
    marks = {found: Mark("new", because) for found in entry.findings}
    change = Change("modified", entry.verdict, base or small(), edits, marks=marks, cause=because)
    return replace(entry, change=change)


def added(entry: DeploymentReport) -> DeploymentReport:
    marks = {found: Mark("new") for found in entry.findings}
    return replace(entry, change=Change("added", entry.verdict, marks=marks))


def unchanged(entry: DeploymentReport) -> DeploymentReport:
    marks = {found: Mark("unchanged") for found in entry.findings}
    return replace(entry, change=Change("unchanged", "pass", checked(entry), marks=marks))


def named(entry: DeploymentReport, name: str, *, line: int) -> DeploymentReport:
    return replace(entry, resolved=resolved(name, line=line))


def against(*deployments: DeploymentReport, **more: object) -> Report:
    problems = more.pop("problems", ())
    comparison = replace(AGAINST, **more)
    return replace(run(*deployments, problems=problems), comparison=comparison)


def failing() -> DeploymentReport:
    """It says which gate broke, so that the way out can name that gate's figure."""
    entry = with_ways()
    ways = tuple(
        replace(
            way, gates=(*way.gates, gate("latency", way.forecast.load.latency_ms.p95, 9e3, "pass"))
        )
        for way in entry.alternatives
    )
    findings = tuple(replace(found, gate="latency") for found in entry.findings)
    return modified(replace(entry, findings=findings, alternatives=ways), QUANT, cause=QUANT)


def mixed() -> Report:
    gpu = edit("/gpu", "nvidia-a10g", "nvidia-l4", line=7)
    quieter = modified(cheaper(), gpu, base=small("batch-summarise"))
    old = unchanged(named(too_late(), "legacy-rerank", line=60))
    return against(
        failing(),
        added(unpredictable()),
        named(quieter, "batch-summarise", line=40),
        old,
        *(unchanged(passing(f"team-{index}", line=80 + 10 * index)) for index in range(2)),
    )


def goalposts() -> Report:
    limit = edit("/slo/latency_p95", "9s", "16s", line=12)
    moved = LimitChange(
        "chat-prod", limit.pointer, "9s", "16s", limit.place, "latency_p95 9s → 16s"
    )
    entry = failing()
    return against(replace(entry, change=replace(entry.change, loosened=(moved,))))


def clean_again() -> Report:
    gone = too_late().findings
    before = replace(small(), findings=gone, verdict="fail")
    entry = modified(passing(), QUANT, base=before)
    return against(replace(entry, change=replace(entry.change, fixed=gone)))


def huge() -> Report:
    deployments = [
        modified(named(with_ways(), f"team-{index}", line=10 * index + 3), QUANT, cause=QUANT)
        if index % 10 == 0
        else modified(passing(f"team-{index}", line=10 * index + 3), REPLICAS, QUANT)
        for index in range(1000)
    ]
    return against(*deployments)


def evil() -> Report:
    entry = hostile()
    bad = Edit(f"/deployments/x/{EVIL.replace('/', '~1')}", EVIL, EVIL, entry.findings[0].place)
    cause = Cause(bad, "latency", EVIL)
    marks = {found: Mark("new", cause) for found in entry.findings}
    moved = LimitChange(EVIL, bad.pointer, EVIL, EVIL, bad.place, EVIL)
    change = Change(
        "renamed", entry.verdict, checked(entry), (bad,) * 5, (moved,), marks, cause, entry.findings
    )
    return against(replace(entry, change=change), removed=(checked(entry),))


def only_old() -> Report:
    """Nothing that this change did: a failing deployment that it does not touch."""
    return against(unchanged(too_late()), unchanged(passing("team-0", line=40)))


def without_base() -> Report:
    status = f"base commit {BASE[:7]} is not in this checkout."
    return replace(run(too_late(), passing("team-0", line=40)), comparison=Comparison(status))


def worse(entry: DeploymentReport, verdict: Verdict, found: Finding) -> DeploymentReport:
    """A deployment whose change breaks nothing new but one finding."""
    change = replace(entry.change, verdict=verdict, marks={found: Mark("unchanged")})
    return replace(entry, change=change)


def still_failing() -> Report:
    before = replace(small(), findings=too_late().findings, verdict="fail")
    entry = modified(too_late(), edit("/max_model_len", 4096, 8192, line=9), base=before)
    return against(worse(entry, "pass", entry.findings[0]))


def unreadable() -> Report:
    return against(modified(passing(), QUANT), problems=BROKEN)


def old_mistake() -> Report:
    old: tuple[Problem, ...] = BROKEN[:1]
    return against(unchanged(passing()), problems=old, unread=frozenset({old[0].place.path}))


CHANGES: dict[str, Callable[[], Report]] = {
    "pass": lambda: against(modified(cheaper(), QUANT)),
    "fail": lambda: against(failing()),
    "borderline": lambda: against(modified(borderline(), QUANT)),
    "cannot-predict": lambda: against(added(unpredictable())),
    "mixed": mixed,
    "goalposts": goalposts,
    "no-comparison": without_base,
    "clean-again": clean_again,
    "nothing-changed": lambda: against(unchanged(passing())),
    "only-old": only_old,
    "still-failing": still_failing,
    "removed": lambda: against(unchanged(passing("team-0", line=40)), removed=(small(),)),
    "bad-input": unreadable,
    "old-mistake": old_mistake,
    "hostile": evil,
    "huge": huge,
}
