"""For GitHub's job summary and comments: decision, number, limit, cause and fix come first.

Nothing from a manifest is trusted, and nothing is cut inside a table: when the whole is too long
for its destination, whole parts are left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capcheck.finding import VERDICTS, Verdict
from capcheck.numbers import amount
from capcheck.report.document import (
    Alternative,
    Deployment,
    Document,
    NamedFinding,
    Problem,
    Spot,
)
from capcheck.report.escape import NAME_LENGTH, code, markdown
from capcheck.report.figures import (
    WORDS,
    Figure,
    bare,
    cell,
    change,
    headline,
    owners,
    plural,
    relation,
    saving,
    setup,
    word,
)
from capcheck.report.style import Style
from capcheck.report.summary import fleet_cost, legend, unread

ICONS: dict[Verdict, str] = {"pass": "✅", "borderline": "⚠️", "cannot-predict": "❔", "fail": "❌"}

# Findings above the table; the others are folded below it.
LEADS = 5

_DEPLOYMENTS = (
    "| | Deployment | VRAM per GPU, GiB | Throughput, tok/s (capacity) | p95 latency, s | Quality "
    "| $ per month |",
    "|---|---|---|---|---|---|---|",
)
_CHANGES = (
    "| Change | VRAM per GPU, GiB | p95 latency, s | Quality | $ per month |",
    "|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class Rung:
    """How many of each are shown; None is all of them.

    `ways` are the alternatives of one deployment, `broken` the deployments and findings that do
    not pass, `remarks` the warnings and notes.
    """

    ways: int | None
    passing: int | None
    remarks: int | None
    broken: int | None


# From everything down to what always fits: what asks for action stays longest.
LADDER = (
    Rung(ways=None, passing=None, remarks=None, broken=None),
    Rung(ways=3, passing=None, remarks=100, broken=None),
    Rung(ways=1, passing=100, remarks=20, broken=None),
    Rung(ways=0, passing=0, remarks=0, broken=500),
    Rung(ways=0, passing=0, remarks=0, broken=20),
)


def render(document: Document, style: Style) -> str:
    """The highest rung of the ladder that fits `style.max_bytes`."""
    text = ""
    for rung in LADDER:
        text = _render(document, rung)
        if len(text.encode("utf-8", "backslashreplace")) <= style.max_bytes:
            break
    return text


def _render(document: Document, rung: Rung) -> str:
    blocks = [
        f"### {_headline(document)}",
        *_leads(document),
        *_table(document, rung),
        _fleet(document),
        *_folded_findings(document, rung),
        *_ways(document, rung),
        _footer(document),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _headline(document: Document) -> str:
    counts = document["counts"]
    broken = unread(document)
    said = (
        (broken, f"could not read {plural(broken, 'manifest')}"),
        (counts["fail"], _deployments(counts["fail"], "breaks a limit", "break a limit")),
        (counts["cannot-predict"], _deployments(counts["cannot-predict"], "cannot be predicted")),
        (
            counts["borderline"],
            _deployments(counts["borderline"], "is borderline", "are borderline"),
        ),
    )
    if parts := [text for count, text in said if count]:
        icon = "❌" if broken else ICONS[document["verdict"]]
        return f"{icon} capcheck: {', '.join(parts)}"
    if not document["deployments"]:
        return f"{ICONS['fail' if document['exit_code'] else 'pass']} capcheck: no manifest found"
    if counts["deployments"] == 1:
        return "✅ capcheck: the deployment meets its limits"
    return f"✅ capcheck: all {counts['deployments']:,} deployments meet their limits"


def _deployments(count: int, one: str, more: str = "") -> str:
    return f"{plural(count, 'deployment')} {one if count == 1 else more or one}"


def _leads(document: Document) -> Iterator[str]:
    """Two lines each: what is wrong and where; the way out."""
    for problem in document["problems"][:LEADS]:
        yield _problem(problem)
    deployments = owners(document)
    for found in _deciding(document)[:LEADS]:
        way_out = _way_out(found, deployments.get((found["path"], found["deployment"])))
        lines = [f"{ICONS[found['verdict']]} {_statement(found)}", *([way_out] if way_out else [])]
        yield "<br>\n".join(lines)


def _problem(problem: Problem) -> str:
    hint = f" Did you mean {code(problem['nearest'])}?" if problem["nearest"] else ""
    return (
        f"❌ **bad input** {_where(problem)}: found {markdown(problem['found'])}, "
        f"expected {markdown(problem['expected'])}.{hint} {code(problem['code'])}"
    )


def _statement(found: NamedFinding) -> str:
    return (
        f"**{word(found)}** {code(found['deployment'])}: {markdown(found['message'])} "
        f"({_where(found)}, {code(found['rule'])})"
    )


def _way_out(found: NamedFinding, deployment: Deployment | None) -> str:
    if deployment is not None and deployment["alternatives"]:
        best = deployment["alternatives"][0]
        money = [saving(best)]
        if best["usd_month"] is not None:
            money.insert(0, amount(best["usd_month"], "$/month"))
        price = f" → {markdown(', '.join(filter(None, money)))}" if any(money) else ""
        return f"**Cheapest that passes:** {code(change(best['edits']))}{price}"
    if deployment is not None and deployment["nothing_passes"]:
        return f"**Alternatives:** {markdown(deployment['nothing_passes'])}"
    return f"**Fix:** {markdown(found['fix'])}" if found["fix"] else ""


def _deciding(document: Document) -> list[NamedFinding]:
    return [found for found in document["findings"] if found["verdict"] != "pass"]


def _where(spot: Spot) -> str:
    return code(f"{spot['path']}:{spot['line']}")


def _table(document: Document, rung: Rung) -> Iterator[str]:
    """A row a deployment, the worst first; then how many rows were left out."""
    ranked = sorted(document["deployments"], key=lambda entry: -VERDICTS.index(entry["verdict"]))
    passing = [entry for entry in ranked if entry["verdict"] == "pass"]
    broken = ranked[: len(ranked) - len(passing)]
    shown = [*broken[: rung.broken], *passing[: rung.passing]]
    if shown:
        yield "\n".join((*_DEPLOYMENTS, *map(_row, shown)))
    if len(shown) < len(ranked):
        yield _left_out(
            f"{len(ranked) - len(shown):,} of {plural(len(ranked), 'deployment')} "
            f"({len(passing) - len(passing[: rung.passing]):,} of them pass)"
        )


def _left_out(what: str) -> str:
    return f"*Too long for this page: {what} left out. The JSON report has everything.*"


def _row(deployment: Deployment) -> str:
    verdict, forecast = deployment["verdict"], deployment["forecast"]
    what = markdown(setup(deployment), NAME_LENGTH)
    cells = [
        f"{ICONS[verdict]} {WORDS[verdict]}",
        f"{code(deployment['name'])}<br><sub>{what}</sub>",
    ]
    for figure in headline(forecast, deployment["gates"]):
        cells.append(_cell(figure))
        if figure.label == "throughput":
            cells[-1] += f" ({markdown(cell(forecast['capacity_tok_s'], 'tok/s'))})"
    return f"| {' | '.join(cells)} |"


def _cell(figure: Figure) -> str:
    text = markdown(cell(figure.leaf, figure.unit, bounds=True))
    gate = figure.gate
    if gate is None or gate["limit"] is None:
        return text
    limit = markdown(f"{relation(gate)} {bare(gate['limit'], gate['unit'])}")
    return f"{text} {limit}" if gate["verdict"] == "pass" else f"{text} **{limit}**"


def _fleet(document: Document) -> str:
    cost = fleet_cost(document)
    return f"Fleet: **{markdown(cost)}**" if cost and len(document["deployments"]) > 1 else ""


def _folded_findings(document: Document, rung: Rung) -> Iterator[str]:
    """Bad input and findings beyond the leads; then what does not decide."""
    problems = list(map(_problem, document["problems"][LEADS:]))
    yield _list(problems, rung.broken, "more mistake in the input", "more mistakes in the input")
    deciding = list(map(_statement, _deciding(document)[LEADS:]))
    yield _list(deciding, rung.broken, "more finding", "more findings")
    remarks = [
        _statement(found) + (f" *Fix:* {markdown(found['fix'])}" if found["fix"] else "")
        for found in document["findings"]
        if found["verdict"] == "pass"
    ]
    yield _list(remarks, rung.remarks, "warning or note", "warnings and notes")


def _list(items: Sequence[str], most: int | None, one: str, more: str) -> str:
    shown = [f"- {item}" for item in items[:most]]
    if len(shown) < len(items):
        shown.append("- " + _left_out(f"{len(items) - len(shown):,} of them"))
    title = f"{len(items):,} {one if len(items) == 1 else more}"
    return _folded(title, "\n".join(shown)) if items else ""


def _ways(document: Document, rung: Rung) -> Iterator[str]:
    """What would pass, or pass for less, or come nearest; folded, one a deployment."""
    offered = [
        entry
        for entry in document["deployments"]
        if entry["alternatives"] or entry["near_misses"] or entry["nothing_passes"]
    ]
    if rung.ways == 0:
        if offered:
            yield _left_out(f"the alternatives of {plural(len(offered), 'deployment')}")
        return
    for deployment in offered:
        found = deployment["alternatives"] or deployment["near_misses"]
        body = [markdown(deployment["nothing_passes"] or "")]
        if found:
            body.append("\n".join((*_CHANGES, *map(_way, found[: rung.ways]))))
        if len(found) > len(found[: rung.ways]):
            body.append(_left_out(f"{len(found) - len(found[: rung.ways]):,} more"))
        yield _folded(_title(deployment), "\n\n".join(filter(None, body)))


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


def _folded(summary: str, body: str) -> str:
    """`body` is Markdown: GitHub needs the blank lines around it."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _footer(document: Document) -> str:
    tool, run = document["tool"], document["run"]
    parts = [
        f"{tool['name']} {tool['version']}",
        f"{100 * run['interval']:.0f} % intervals",
        *filter(None, [legend(document)]),
        *(f"{name} {value}" for name, value in sorted(run["data"].items())),
    ]
    return f"<sub>{' · '.join(map(markdown, parts))}</sub>"
