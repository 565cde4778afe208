"""The two tables of a page: a row a deployment, a row a way to change one."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Verdict
from capcheck.report.compared import earlier, outcome, shown
from capcheck.report.document import Alternative, Deployment, Document
from capcheck.report.escape import NAME_LENGTH, code, markdown
from capcheck.report.figures import (
    WORDS,
    Figure,
    bare,
    cell,
    change,
    headline,
    plural,
    relation,
    relaxed,
    saving,
    setup,
)
from capcheck.report.ladder import Rung, folded, left_out

ICONS: dict[Verdict, str] = {"pass": "✅", "borderline": "⚠️", "cannot-predict": "❔", "fail": "❌"}

_DEPLOYMENTS = (
    "| | Deployment | VRAM per GPU, GiB | Throughput, tok/s (capacity) | p95 latency, s | Quality "
    "| $ per month |",
    "|---|---|---|---|---|---|---|",
)
_CHANGES = (
    "| Change | VRAM per GPU, GiB | p95 latency, s | Quality | $ per month |",
    "|---|---|---|---|---|",
)


def table(document: Document, rung: Rung) -> Iterator[str]:
    """A row a deployment, the worst first; then how many rows were left out."""
    ranked = shown(document)
    passing = [entry for entry in ranked if outcome(entry) == "pass"]
    broken = ranked[: len(ranked) - len(passing)]
    rows = [*broken[: rung.broken], *passing[: rung.passing]]
    if rows:
        yield "\n".join((*_DEPLOYMENTS, *map(_row, rows)))
    if len(rows) < len(ranked):
        yield left_out(
            f"{len(ranked) - len(rows):,} of {plural(len(ranked), 'deployment')} "
            f"({len(passing) - len(passing[: rung.passing]):,} of them pass)"
        )


def _row(deployment: Deployment) -> str:
    verdict, forecast = deployment["verdict"], deployment["forecast"]
    what = markdown(setup(deployment), NAME_LENGTH)
    old = verdict != "pass" and outcome(deployment) == "pass"
    cells = [
        f"{ICONS[verdict]} {WORDS[verdict]}" + (", as on base" if old else ""),
        f"{code(deployment['name'])}{_change(deployment)}<br><sub>{what}</sub>",
    ]
    for figure in headline(forecast, deployment["gates"]):
        cells.append(_cell(figure, deployment))
        if figure.label == "throughput":
            cells[-1] += f" ({markdown(cell(forecast['capacity_tok_s'], 'tok/s'))})"
    return f"| {' | '.join(cells)} |"


def _change(deployment: Deployment) -> str:
    base = deployment["base"]
    if deployment["change"] == "added":
        return " (new)"
    if base is None or deployment["change"] != "renamed":
        return ""
    file = "" if base["path"] == deployment["path"] else f" in {code(base['path'])}"
    return f" (was {code(base['name'])}{file})"


def _cell(figure: Figure, deployment: Deployment) -> str:
    text = markdown(cell(figure.leaf, figure.unit, bounds=True))
    then = earlier(figure, deployment)
    old = cell(then, figure.unit) if then else ""
    if then and old != cell(figure.leaf, figure.unit):
        text = f"{markdown(old)} → {text}"
    gate = figure.gate
    if gate is None or gate["limit"] is None:
        return text
    limit = markdown(f"{relation(gate)} {bare(gate['limit'], gate['unit'])}")
    return f"{text} {limit}" if gate["verdict"] == "pass" else f"{text} **{limit}**"


def ways(document: Document, rung: Rung) -> Iterator[str]:
    """What would pass, or pass for less, or come nearest; folded, one a deployment."""
    offered = [
        entry
        for entry in shown(document)
        if entry["alternatives"]
        or entry["near_misses"]
        or entry["nothing_passes"]
        or entry["why_not"]
    ]
    if rung.ways == 0:
        if offered:
            yield left_out(f"the alternatives of {plural(len(offered), 'deployment')}")
        return
    for deployment in offered:
        found = deployment["alternatives"] or deployment["near_misses"]
        body = [markdown(deployment["nothing_passes"] or "")]
        if found:
            body.append("\n".join((*_CHANGES, *map(_way, found[: rung.ways]))))
        body.append(_points(*map(relaxed, deployment["relaxations"])))
        not_these = [f"{change(one['edits'])}: {one['binding']}" for one in deployment["why_not"]]
        if not_these:
            body.append(f"Why not for less:\n\n{_points(*not_these)}")
        if len(found) > len(found[: rung.ways]):
            body.append(left_out(f"{len(found) - len(found[: rung.ways]):,} more"))
        yield folded(_title(deployment), "\n\n".join(filter(None, body)))


def _points(*lines: str) -> str:
    return "\n".join(f"- {markdown(line)}" for line in lines)


def _title(deployment: Deployment) -> str:
    name, count = code(deployment["name"]), len(deployment["alternatives"])
    if not count and deployment["verdict"] == "pass":
        return f"Nothing that costs less passes for {name}"
    if not count:
        return f"Nothing in reach passes for {name}"
    aim = f"run {name} for less" if deployment["verdict"] == "pass" else f"make {name} pass"
    return f"{plural(count, 'way')} to {aim}"


def _way(entry: Alternative) -> str:
    forecast = entry["forecast"]
    catches = [
        *filter(None, [entry["binding"]]),
        *(f"needs {need}" for need in entry["needs"]),
        *entry["worse"],
    ]
    money = "unknown" if entry["usd_month"] is None else bare(entry["usd_month"], "$/month")
    saved = saving(entry).removesuffix("/month").replace("$", "")
    cells = [
        "<br>".join((code(change(entry["edits"])), *map(markdown, catches))),
        markdown(cell(forecast["vram_gib"], "GiB", bounds=True)),
        markdown(cell(forecast["latency_ms"]["p95"], "ms", bounds=True)),
        markdown(cell(forecast["quality"], "", bounds=True)),
        f"{money} ({markdown(saved)})" if saved else money,
    ]
    return f"| {' | '.join(cells)} |"
