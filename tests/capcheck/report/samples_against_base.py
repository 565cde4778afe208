"""Sample reports of runs against another commit, one per thing that output can show."""

from collections.abc import Callable
from dataclasses import replace

from capcheck.compare.model import COMPARED, Cause, Change, Comparison, Edit, LimitChange, Mark
from capcheck.estimate import Estimate, exact
from capcheck.finding import Finding, worst
from capcheck.judge import Checked
from capcheck.place import Place
from capcheck.report.model import DeploymentReport, Report

from tests.capcheck.report.conftest import (
    BROKEN,
    EVIL,
    LATE,
    PATH,
    about,
    alternative,
    borderline,
    finding,
    forecast,
    hostile,
    passing,
    report,
    run,
    too_late,
    unpredictable,
    with_ways,
)

BASE = "9be04d1a2b3c4d5e6f708192a3b4c5d6e7f80910"
HEAD = "3f2a91c0d5b7e6f8a9014c2d3e4f5a6b7c8d9e0f"
QUANT = Edit("/deployments/chat-prod/quant", "awq-int4", "bf16", Place(PATH, 5, 12, 16))
SLOWER = Cause(QUANT, "latency", "quant awq-int4 → bf16 raises p95 latency from 4.50 s to 14.0 s")


def checked(entry: DeploymentReport) -> Checked:
    return Checked(entry.resolved, entry.forecast, entry.gates, entry.findings, entry.verdict)


def fast(name: str = "chat-prod", path: str = PATH) -> Checked:
    """What base said: 4.50 s, with a smaller quant and a cheaper machine."""
    predicted = forecast(
        vram=about(7.7, 0.03, "derived"),
        p95=Estimate(4500.0, 4100.0, 5000.0, "interpolated", "fitted law"),
        score=Estimate(0.664, 0.62, 0.708, "measured", "MMLU, 485 items"),
        usd=exact(912.5, "acme g6.xlarge, 2026-08-15"),
    )
    return checked(
        report(name, predicted=predicted, gates={"latency": (9000.0, "pass")}, path=path)
    )


def changed(
    entry: DeploymentReport, change: Change, cause: Cause | None = None
) -> DeploymentReport:
    """Every finding that decides is new, and comes from the one cause."""
    marks = {
        found: Mark("new", cause if found.verdict != "pass" else None) for found in entry.findings
    }
    verdict = worst(*(found.verdict for found in entry.findings))
    return replace(entry, change=replace(change, marks=marks, cause=cause, verdict=verdict))


def modified(entry: DeploymentReport, cause: Cause | None = None) -> DeploymentReport:
    return changed(entry, Change("modified", "pass", base=fast(), edits=(QUANT,)), cause)


def unchanged(entry: DeploymentReport) -> DeploymentReport:
    marks = {found: Mark("unchanged") for found in entry.findings}
    return replace(entry, change=Change("unchanged", "pass", base=checked(entry), marks=marks))


def compared(*deployments: DeploymentReport, removed: tuple[Checked, ...] = ()) -> Report:
    return replace(run(*deployments), comparison=Comparison(COMPARED, BASE, HEAD, removed))


def late() -> DeploymentReport:
    entry = with_ways()
    return modified(replace(entry, findings=(replace(LATE, gate="latency"),)), SLOWER)


def near() -> DeploymentReport:
    entry = borderline()
    (found,) = entry.findings
    placed = replace(
        found,
        place=QUANT.place,
        related=found.place,
        gate="latency",
        subject="latency_p95",
    )
    message = "quant awq-int4 → bf16 raises p95 latency from 4.50 s to 8.60 s"
    cause = Cause(QUANT, "latency", f"{message}, together with 2 other edits")
    return modified(replace(entry, findings=(placed,)), cause)


def goalposts() -> DeploymentReport:
    limit = Place(PATH, 12, 20, 23)
    said = "slo.latency_p95 was loosened from 9s to 16s: base's 9s still judges"
    moved = LimitChange(
        "chat-prod", "/deployments/chat-prod/slo/latency_p95", "9s", "16s", limit, said
    )
    warning = Finding("limit-loosened", "warning", "pass", said, limit, gate="latency")
    entry = late()
    entry = replace(entry, findings=(*entry.findings, warning))
    assert entry.change is not None
    return changed(entry, replace(entry.change, loosened=(moved,)), SLOWER)


def mended() -> DeploymentReport:
    before = replace(checked(too_late()), findings=(replace(LATE, gate="latency"),))
    return changed(
        passing(),
        Change("modified", "pass", base=before, edits=(QUANT,), fixed=before.findings),
    )


def renamed() -> DeploymentReport:
    base = fast("chat", "deploy/old/chat.yaml")
    return changed(passing(), Change("renamed", "pass", base=base, edits=(QUANT,)))


def dearer() -> DeploymentReport:
    return modified(replace(passing(), alternatives=(alternative(515.97, 515.96),)))


def legacy(**where: str | int) -> DeploymentReport:
    path = "deploy/legacy.yaml"
    entry = too_late("legacy-rerank", path=path, line=3)
    slow = finding(
        "latency-over-limit", "fail", "p95 latency 14.0 s exceeds 9.00 s", line=12, path=path
    )
    note = finding("gpu-ambiguous", "pass", "L4 may be two", line=6, severity="note", path=path)
    return unchanged(replace(entry, findings=(slow, note)))


def mixed() -> Report:
    team = [unchanged(passing(f"team-{index}", line=50 + 10 * index)) for index in range(3)]
    added = replace(unpredictable(), change=None)
    new = Change("added", "cannot-predict", marks={added.findings[0]: Mark("new")})
    return compared(
        late(), replace(added, change=new), legacy(), *team, removed=(fast("old-embed"),)
    )


def evil() -> DeploymentReport:
    """What a pull request can choose, on both commits."""
    entry = hostile()
    path = entry.resolved.deployment.path
    place = Place(path, 4, 12, 16)
    edit = Edit(f"/deployments/x/{EVIL.replace('/', '~1')}", EVIL, EVIL, place)
    moved = LimitChange(EVIL, edit.pointer, EVIL, EVIL, place, f"{EVIL} was loosened")
    change = Change(
        "renamed",
        "fail",
        base=fast(EVIL, path),
        edits=(edit,),
        loosened=(moved,),
        fixed=(finding("gpu-ambiguous", "pass", EVIL, line=1, path=path),),
    )
    return changed(entry, change, Cause(edit, "latency", EVIL))


SAMPLES: dict[str, Callable[[], Report]] = {
    "pass": lambda: compared(dearer()),
    "fail-with-cause": lambda: compared(late()),
    "borderline": lambda: compared(near()),
    "mixed": mixed,
    "goalposts": lambda: compared(goalposts()),
    "added": lambda: compared(replace(passing(), change=Change("added", "pass"))),
    "removed": lambda: compared(unchanged(passing()), removed=(fast("old-embed"),)),
    "renamed": lambda: compared(renamed()),
    "mended": lambda: compared(mended()),
    "unchanged": lambda: compared(unchanged(passing())),
    "unchanged-failing": lambda: compared(legacy()),
    "missing": lambda: replace(
        run(too_late()), comparison=Comparison('"origin/main" is not a commit of this checkout')
    ),
    "unread": lambda: replace(
        run(problems=BROKEN),
        comparison=Comparison(COMPARED, BASE, HEAD, unread=frozenset({"deploy/broken.yaml"})),
    ),
    "hostile": lambda: compared(evil(), removed=(fast(EVIL, "a|b`.yaml"),)),
}
