"""For GitHub's job summary and comments: decision, number, limit, cause and fix come first.

Nothing from a manifest is trusted, and nothing is cut inside a table: when the whole is too long
for its destination, whole parts are left out, and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capcheck.finding import Verdict
from capcheck.numbers import amount
from capcheck.report.compared import (
    difference,
    earlier,
    fleet_difference,
    gone,
    is_compared,
    is_old,
    not_compared,
    outcome,
    shown,
)
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
        *_moved_limits(document),
        *_leads(document),
        *_table(document, rung),
        _fleet(document),
        _removed(document, rung),
        *_folded_findings(document, rung),
        *_on_base(document, rung),
        *_ways(document, rung),
        _footer(document),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _headline(document: Document) -> str:
    """The verdict in a sentence; against base, of what changed, with what it costs."""
    text = _verdict(document)
    money = difference(document["usd_month"]["delta"])
    return f"{text}, {markdown(money)}" if is_compared(document) and money else text


def _verdict(document: Document) -> str:
    counts: dict[str, int] = dict(Counter(map(outcome, document["deployments"])))
    broken = unread(document)
    said = (
        (broken, f"could not read {plural(broken, 'manifest')}"),
        (fail := counts.get("fail", 0), _deployments(fail, "breaks a limit", "break a limit")),
        (none := counts.get("cannot-predict", 0), _deployments(none, "cannot be predicted")),
        (
            near := counts.get("borderline", 0),
            _deployments(near, "is borderline", "are borderline"),
        ),
    )
    if parts := [text for count, text in said if count]:
        icon = "❌" if broken else ICONS[document["verdict"]]
        return f"{icon} capcheck: {', '.join(parts)}"
    if not document["deployments"]:
        return f"{ICONS['fail' if document['exit_code'] else 'pass']} capcheck: no manifest found"
    if is_compared(document):
        return f"✅ capcheck: {_all_well(document['counts'])}"
    if document["counts"]["deployments"] == 1:
        return "✅ capcheck: the deployment meets its limits"
    return f"✅ capcheck: all {document['counts']['deployments']:,} deployments meet their limits"


def _all_well(counts: dict[str, int]) -> str:
    """Against base, nothing new breaks; what was broken there still is."""
    changed, failing = counts["changed"], counts["failing_on_base"]
    text = "no deployment changed"
    if changed and failing:
        text = f"{plural(changed, 'deployment')} changed and nothing new breaks"
    elif changed:
        one = "the changed deployment meets its limits"
        text = one if changed == 1 else f"all {changed:,} changed deployments meet their limits"
    return f"{text}, {failing:,} failing as on base" if failing else text


def _moved_limits(document: Document) -> Iterator[str]:
    """Above all else: who moves the goalposts says so to an owner; and why nothing is compared."""
    if reason := not_compared(document):
        yield f"> ⚠️ {markdown(reason)}"
    if moved := document["limits_changed"]:
        lines = [
            f"- {code(limit['deployment'])}: {markdown(limit['message'])} ({_where(limit['place'])})"
            for limit in moved[:LEADS]
        ]
        if len(moved) > LEADS:
            lines.append(f"- and {len(moved) - LEADS:,} more")
        title = "⚠️ **This change loosens its own limits**; an owner should look at it:"
        yield "\n".join(f"> {line}".rstrip() for line in (title, "", *lines))


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
        if found["cause"]:
            lines.insert(1, f"**Because** {markdown(found['cause']['message'])}")
        yield "<br>\n".join(lines)


def _problem(problem: Problem) -> str:
    hint = f" Did you mean {code(problem['nearest'])}?" if problem["nearest"] else ""
    hint += " It could not be read on base either." if problem["on_base"] else ""
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
    """What has a say in the verdict, and is not as on base."""
    return [one for one in document["findings"] if one["verdict"] != "pass" and not is_old(one)]


def _where(spot: Spot) -> str:
    return code(f"{spot['path']}:{spot['line']}")


def _table(document: Document, rung: Rung) -> Iterator[str]:
    """A row a deployment, the worst first; then how many rows were left out."""
    ranked = shown(document)
    passing = [entry for entry in ranked if outcome(entry) == "pass"]
    broken = ranked[: len(ranked) - len(passing)]
    rows = [*broken[: rung.broken], *passing[: rung.passing]]
    if rows:
        yield "\n".join((*_DEPLOYMENTS, *map(_row, rows)))
    if len(rows) < len(ranked):
        yield _left_out(
            f"{len(ranked) - len(rows):,} of {plural(len(ranked), 'deployment')} "
            f"({len(passing) - len(passing[: rung.passing]):,} of them pass)"
        )


def _left_out(what: str) -> str:
    return f"*Too long for this page: {what} left out. The JSON report has everything.*"


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


def _fleet(document: Document) -> str:
    if is_compared(document) and (cost := fleet_difference(document)):
        return f"Fleet: **{markdown(cost)}**"
    cost = fleet_cost(document)
    return f"Fleet: **{markdown(cost)}**" if cost and len(document["deployments"]) > 1 else ""


def _removed(document: Document, rung: Rung) -> str:
    items = list(map(markdown, gone(document["removed"])))
    return _list(items, rung.remarks, "deployment removed", "deployments removed")


def _on_base(document: Document, rung: Rung) -> Iterator[str]:
    """What base had already, and does not count; and what it had and is gone."""
    old = [
        _statement(found)
        for found in document["findings"]
        if is_old(found) and found["verdict"] != "pass"
    ]
    yield _list(
        old, rung.remarks, "finding as on base, not counted", "findings as on base, not counted"
    )
    fixed = [
        f"{code(one['deployment'])}: {markdown(one['message'])} ({code(one['rule'])})"
        for one in document["fixed"]
    ]
    yield _list(fixed, rung.remarks, "finding of base is gone", "findings of base are gone")


def _folded_findings(document: Document, rung: Rung) -> Iterator[str]:
    """Bad input and findings beyond the leads; then what does not decide."""
    problems = list(map(_problem, document["problems"][LEADS:]))
    yield _list(problems, rung.broken, "more mistake in the input", "more mistakes in the input")
    deciding = list(map(_statement, _deciding(document)[LEADS:]))
    yield _list(deciding, rung.broken, "more finding", "more findings")
    remarks = [
        _statement(found) + (f" *Fix:* {markdown(found['fix'])}" if found["fix"] else "")
        for found in document["findings"]
        if found["verdict"] == "pass" and not is_old(found) and found["rule"] != "limit-loosened"
    ]
    yield _list(remarks, rung.remarks, "warning or note", "warnings and notes")


def _list(items: Sequence[str], most: int | None, one: str, more: str) -> str:
    lines = [f"- {item}" for item in items[:most]]
    if len(lines) < len(items):
        lines.append("- " + _left_out(f"{len(items) - len(lines):,} of them"))
    title = f"{len(items):,} {one if len(items) == 1 else more}"
    return _folded(title, "\n".join(lines)) if items else ""


def _ways(document: Document, rung: Rung) -> Iterator[str]:
    """What would pass, or pass for less, or come nearest; folded, one a deployment."""
    offered = [
        entry
        for entry in shown(document)
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
