"""For GitHub's job summary: decision, number, limit, cause and fix come first.

Nothing from a manifest is trusted, and nothing is cut inside a table: when the whole is too long
for its destination, whole parts are left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.compare.model import COMPARED
from capcheck.finding import VERDICTS
from capcheck.numbers import amount
from capcheck.report import comment
from capcheck.report.blocks import (
    ICONS,
    LEADS,
    left_out,
    listed,
    problem,
    statement,
    ways,
)
from capcheck.report.document import Deployment, Document, NamedFinding
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
)
from capcheck.report.ladder import Rung, fitting
from capcheck.report.style import Style
from capcheck.report.summary import fleet_cost, legend, unread

_DEPLOYMENTS = (
    "| | Deployment | VRAM per GPU, GiB | Throughput, tok/s (capacity) | p95 latency, s | Quality "
    "| $ per month |",
    "|---|---|---|---|---|---|---|",
)


def render(document: Document, style: Style) -> str:
    """The highest rung of the ladder that fits `style.max_bytes`.

    Against base, what the change does comes first, as the comment says it.
    """
    change = ""
    if document["run"]["comparison"] == COMPARED:
        text = next(comment.pages(document, style, max_bytes=style.max_bytes // 2))
        change = f"{text}\n#### Every deployment, whatever base says\n\n"
    left = style.max_bytes - len(change.encode("utf-8", "backslashreplace"))
    return change + next(fitting(lambda rung: _render(document, rung), max_bytes=left))


def _render(document: Document, rung: Rung) -> str:
    blocks = [
        f"### {_headline(document)}",
        *_leads(document),
        *_table(document, rung),
        _fleet(document),
        *_folded_findings(document, rung),
        *ways(document["deployments"], rung),
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
    for wrong in document["problems"][:LEADS]:
        yield problem(wrong)
    deployments = owners(document)
    for found in _deciding(document)[:LEADS]:
        way_out = _way_out(found, deployments.get((found["path"], found["deployment"])))
        lines = [f"{ICONS[found['verdict']]} {statement(found)}", *([way_out] if way_out else [])]
        yield "<br>\n".join(lines)


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


def _table(document: Document, rung: Rung) -> Iterator[str]:
    """A row a deployment, the worst first; then how many rows were left out."""
    ranked = sorted(document["deployments"], key=lambda entry: -VERDICTS.index(entry["verdict"]))
    passing = [entry for entry in ranked if entry["verdict"] == "pass"]
    broken = ranked[: len(ranked) - len(passing)]
    shown = [*broken[: rung.broken], *passing[: rung.passing]]
    if shown:
        yield "\n".join((*_DEPLOYMENTS, *map(_row, shown)))
    if len(shown) < len(ranked):
        yield left_out(
            f"{len(ranked) - len(shown):,} of {plural(len(ranked), 'deployment')} "
            f"({len(passing) - len(passing[: rung.passing]):,} of them pass)"
        )


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
    problems = list(map(problem, document["problems"][LEADS:]))
    yield listed(problems, rung.broken, "more mistake in the input", "more mistakes in the input")
    deciding = list(map(statement, _deciding(document)[LEADS:]))
    yield listed(deciding, rung.broken, "more finding", "more findings")
    remarks = [
        statement(found) + (f" *Fix:* {markdown(found['fix'])}" if found["fix"] else "")
        for found in document["findings"]
        if found["verdict"] == "pass"
    ]
    yield listed(remarks, rung.remarks, "warning or note", "warnings and notes")


def _footer(document: Document) -> str:
    tool, run = document["tool"], document["run"]
    parts = [
        f"{tool['name']} {tool['version']}",
        f"{100 * run['interval']:.0f} % intervals",
        *filter(None, [legend(document)]),
        *(f"{name} {value}" for name, value in sorted(run["data"].items())),
    ]
    return f"<sub>{' · '.join(map(markdown, parts))}</sub>"
