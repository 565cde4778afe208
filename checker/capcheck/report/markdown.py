"""For GitHub's job summary: decision, number, limit, cause and fix come first.

Nothing from a manifest is trusted, and nothing is cut inside a table: when the whole is too long
for its destination, whole parts are left out, and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from capcheck.numbers import amount
from capcheck.report import left_open
from capcheck.report.compared import (
    difference,
    fleet_difference,
    gone,
    is_compared,
    is_old,
    not_compared,
    outcome,
    shown,
    unchanged,
)
from capcheck.report.document import (
    Deployment,
    Document,
    NamedFinding,
    Problem,
    Spot,
)
from capcheck.report.escape import code, markdown
from capcheck.report.figures import (
    about,
    change,
    owners,
    plural,
    saving,
    under_load,
    word,
)
from capcheck.report.ladder import Rung, fitting, folded, left_out, listed
from capcheck.report.markdown_tables import ICONS, table, ways
from capcheck.report.style import Style
from capcheck.report.summary import fleet_cost, legend, not_counted, unread

# Findings above the table; the others are folded below it.
LEADS = 5


def render(document: Document, style: Style) -> str:
    """The highest rung of the ladder that fits `style.max_bytes`."""
    return next(fitting(lambda rung: _render(document, rung), max_bytes=style.max_bytes))


def _render(document: Document, rung: Rung) -> str:
    blocks = [
        f"### {_headline(document)}",
        *_moved_limits(document),
        *_leads(document),
        *table(document, rung),
        markdown(unchanged(document)) if is_compared(document) else "",
        _fleet(document),
        _removed(document, rung),
        *_folded_findings(document, rung),
        *_on_base(document, rung),
        _under_load(document, rung),
        *ways(document, rung),
        "" if rung.remarks == 0 else left_open.block(document),
        _footer(document),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _headline(document: Document) -> str:
    """The verdict in a sentence; against base, of what changed, with what it costs."""
    text = _verdict(document)
    delta = document["usd_month"]["delta"]
    return f"{text}, {markdown(difference(delta))}" if delta else text


def _verdict(document: Document) -> str:
    counts: dict[str, int] = dict(Counter(map(outcome, document["deployments"])))
    broken = unread(document)
    together = [one for one in _deciding(document) if not one["deployment"]]
    said = (
        (broken, f"could not read {plural(broken, 'manifest')}"),
        (fail := counts.get("fail", 0), _deployments(fail, "breaks a limit", "break a limit")),
        (none := counts.get("cannot-predict", 0), _deployments(none, "cannot be predicted")),
        (
            near := counts.get("borderline", 0),
            _deployments(near, "is borderline", "are borderline"),
        ),
        (len(together), "all deployments together break a limit"),
    )
    if parts := [text for count, text in said if count]:
        icon = "❌" if broken else ICONS[document["verdict"]]
        return f"{icon} capcheck: {', '.join(parts)}"
    if not document["deployments"]:
        return f"{ICONS['fail' if document['exit_code'] else 'pass']} capcheck: no manifest found"
    if is_compared(document):
        return f"✅ capcheck: {_all_well(document)}"
    if document["counts"]["deployments"] == 1:
        return "✅ capcheck: the deployment meets its limits"
    return f"✅ capcheck: all {document['counts']['deployments']:,} deployments meet their limits"


def _all_well(document: Document) -> str:
    """Against base, nothing new breaks; what was broken there still is."""
    counts, removed = document["counts"], len(document["removed"])
    changed, failing = counts["changed"], counts["failing_on_base"]
    text = f"{plural(removed, 'deployment')} removed" if removed else "no deployment changed"
    if changed and failing:
        text = f"{plural(changed, 'deployment')} changed and nothing new breaks"
    elif changed:
        one = "the changed deployment meets its limits"
        text = one if changed == 1 else f"all {changed:,} changed deployments meet their limits"
    return f"{text}, {failing:,} failing as on base" if failing else text


def _moved_limits(document: Document) -> Iterator[str]:
    """Above all else: who moves the goalposts says so to an owner; and why nothing is compared."""
    if reason := not_compared(document):
        yield f"> ⚠️ No comparison: {markdown(reason)}"
    if moved := document["limits_changed"]:
        lines = [
            f"- {code(about(one))}: {markdown(one['message'])} ({_where(one['place'])})"
            for one in moved[:LEADS]
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
        yield bad_input(problem)
    deployments = owners(document)
    for found in _deciding(document)[:LEADS]:
        way_out = _way_out(found, deployments.get((found["path"], found["deployment"])))
        lines = [f"{ICONS[found['verdict']]} {_statement(found)}", *([way_out] if way_out else [])]
        if found["cause"]:
            lines.insert(1, f"**Because** {markdown(found['cause']['message'])}")
        yield "<br>\n".join(lines)


def bad_input(problem: Problem) -> str:
    """A mistake in an input file, in a line."""
    hint = f" Did you mean {code(problem['nearest'])}?" if problem["nearest"] else ""
    hint += " It could not be read on base either." if problem["on_base"] else ""
    return (
        f"❌ **bad input** {_where(problem)}: found {markdown(problem['found'])}, "
        f"expected {markdown(problem['expected'])}.{hint} {code(problem['code'])}"
    )


def _statement(found: NamedFinding) -> str:
    return (
        f"**{word(found)}** {code(about(found))}: {markdown(found['message'])} "
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


def _fleet(document: Document) -> str:
    if is_compared(document) and (cost := fleet_difference(document)):
        return f"Fleet: **{markdown(cost)}**"
    cost = fleet_cost(document)
    return f"Fleet: **{markdown(cost)}**" if cost and len(document["deployments"]) > 1 else ""


def _removed(document: Document, rung: Rung) -> str:
    items = list(map(markdown, gone(document["removed"])))
    return listed(items, rung.remarks, "deployment removed", "deployments removed")


def _on_base(document: Document, rung: Rung) -> Iterator[str]:
    """What base had already, and does not count; and what it had and is gone."""
    old = [
        _statement(found)
        for found in document["findings"]
        if is_old(found) and found["verdict"] != "pass"
    ]
    yield listed(
        old, rung.remarks, "finding as on base, not counted", "findings as on base, not counted"
    )
    fixed = [
        f"{code(one['deployment'])}: {markdown(one['message'])} ({code(one['rule'])})"
        for one in document["fixed"]
    ]
    yield listed(fixed, rung.remarks, "finding of base is gone", "findings of base are gone")


def _folded_findings(document: Document, rung: Rung) -> Iterator[str]:
    """Bad input and findings beyond the leads; then what does not decide."""
    problems = list(map(bad_input, document["problems"][LEADS:]))
    yield listed(problems, rung.broken, "more mistake in the input", "more mistakes in the input")
    deciding = list(map(_statement, _deciding(document)[LEADS:]))
    yield listed(deciding, rung.broken, "more finding", "more findings")
    remarks = [
        _statement(found) + (f" *Fix:* {markdown(found['fix'])}" if found["fix"] else "")
        for found in document["findings"]
        if found["verdict"] == "pass" and not is_old(found) and found["rule"] != "limit-loosened"
    ]
    yield listed(remarks, rung.remarks, "warning or note", "warnings and notes")


def _under_load(document: Document, rung: Rung) -> str:
    """Where the time goes and up to which rate the limits hold, folded; a line a deployment."""
    notes = [(entry["name"], under_load(entry)) for entry in shown(document)]
    lines = [f"- {code(name)}: {markdown(note)}" for name, note in notes if note]
    if not lines or rung.remarks == 0:
        return ""
    kept = lines[: rung.remarks]
    if len(kept) < len(lines):
        kept.append("- " + left_out(f"{len(lines) - len(kept):,} of them"))
    return folded("Where the time goes", "\n".join(kept))


def _footer(document: Document) -> str:
    tool, run = document["tool"], document["run"]
    parts = [
        f"{tool['name']} {tool['version']}",
        f"{100 * run['interval']:.0f} % intervals",
        *filter(None, [not_counted(document), legend(document)]),
        *(f"{name} {value}" for name, value in sorted(run["data"].items())),
    ]
    return f"<sub>{' · '.join(map(markdown, parts))}</sub>"
