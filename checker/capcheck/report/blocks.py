"""What the job summary and the comment are made of: lines, lists and tables in GitHub Markdown.

Nothing from a manifest is trusted; nothing is cut inside a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from capcheck.finding import Verdict
from capcheck.report.document import Alternative, Deployment, NamedFinding, Problem, Spot
from capcheck.report.escape import code, markdown
from capcheck.report.figures import bare, cell, change, plural, saving, word
from capcheck.report.ladder import Rung

ICONS: dict[Verdict, str] = {"pass": "✅", "borderline": "⚠️", "cannot-predict": "❔", "fail": "❌"}

# Findings above the table; the others are folded below it.
LEADS = 5

_CHANGES = (
    "| Change | VRAM per GPU, GiB | p95 latency, s | Quality | $ per month |",
    "|---|---|---|---|---|",
)


def problem(wrong: Problem) -> str:
    """A mistake in an input file, in a line."""
    hint = f" Did you mean {code(wrong['nearest'])}?" if wrong["nearest"] else ""
    return (
        f"❌ **bad input** {where(wrong)}: found {markdown(wrong['found'])}, "
        f"expected {markdown(wrong['expected'])}.{hint} {code(wrong['code'])}"
    )


def statement(found: NamedFinding) -> str:
    """A finding in a line."""
    return (
        f"**{word(found)}** {code(found['deployment'])}: {markdown(found['message'])} "
        f"({where(found)}, {code(found['rule'])})"
    )


def where(spot: Spot) -> str:
    """`path:line`, in code type."""
    return code(f"{spot['path']}:{spot['line']}")


def left_out(what: str) -> str:
    """What the ladder dropped."""
    return f"*Too long for this page: {what} left out. The JSON report has everything.*"


def folded(summary: str, body: str) -> str:
    """`body`, hidden until asked for. It is Markdown: GitHub needs the blank lines around it."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def listed(items: Sequence[str], most: int | None, one: str, more: str) -> str:
    """A folded list of at most `most` items, counted as `one` or `more`; empty without items."""
    shown = [f"- {item}" for item in items[:most]]
    if len(shown) < len(items):
        shown.append("- " + left_out(f"{len(items) - len(shown):,} of them"))
    title = f"{len(items):,} {one if len(items) == 1 else more}"
    return folded(title, "\n".join(shown)) if items else ""


def ways(deployments: Iterable[Deployment], rung: Rung) -> Iterator[str]:
    """What would pass, or pass for less, or come nearest; folded, one a deployment."""
    offered = [
        entry
        for entry in deployments
        if entry["alternatives"] or entry["near_misses"] or entry["nothing_passes"]
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
        if len(found) > len(found[: rung.ways]):
            body.append(left_out(f"{len(found) - len(found[: rung.ways]):,} more"))
        yield folded(_title(deployment), "\n\n".join(filter(None, body)))


def _title(deployment: Deployment) -> str:
    name, count = code(deployment["name"]), len(deployment["alternatives"])
    if not count:
        return f"Nothing in reach passes for {name}"
    aim = f"run {name} for less" if deployment["verdict"] == "pass" else f"make {name} pass"
    return f"{plural(count, 'way')} to {aim}"


def _way(entry: Alternative) -> str:
    forecast = entry["forecast"]
    catches = [*filter(None, [entry["binding"]]), *(f"needs {need}" for need in entry["needs"])]
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
