"""The pull request's one comment: what this change does, and quiet about everything else.

Decision, number, limit, cause and fix come first; what does not block is folded; when nothing is
wrong, everything but the headline is. With a comparison only what is new or worse decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from capcheck.compare.model import COMPARED
from capcheck.finding import VERDICTS, Verdict, worst
from capcheck.report import left_open
from capcheck.report.changes import edited, fleet, table
from capcheck.report.document import (
    Deployment,
    Document,
    LimitChange,
    NamedFinding,
    Removed,
    Spot,
    Waiver,
)
from capcheck.report.escape import code, markdown
from capcheck.report.figures import (
    about,
    bare,
    change,
    field_of,
    money,
    owners,
    plural,
    reading,
    relaxed,
    saving,
    scalar,
)
from capcheck.report.ladder import Rung, fitting, folded, left_out, listed
from capcheck.report.markdown import LEADS, bad_input
from capcheck.report.markdown_tables import ICONS, ways
from capcheck.report.style import Links, Style
from capcheck.report.suggestion import patch_block
from capcheck.report.summary import legend, not_counted

# GitHub says 65,536 characters; no character is shorter than a byte, and the marker is one line.
MAX_BYTES = 60_000


def render(document: Document, style: Style) -> str:
    """The comment, its marker first."""
    return next(drafts(document, style))


def drafts(document: Document, style: Style) -> Iterator[str]:
    """The comment, then shorter ones for a server that takes less."""
    marker = style.marker
    if marker.sha is None:
        marker = replace(marker, sha=document["run"]["head"])
    for text in pages(document, replace(style, marker=marker), max_bytes=MAX_BYTES):
        yield f"{marker}\n{text}"


def pages(document: Document, style: Style, *, max_bytes: int) -> Iterator[str]:
    """The same without a marker, for the job summary."""
    return fitting(lambda rung: _render(document, style, rung), max_bytes=max_bytes)


def has_news(document: Document) -> bool:
    """Whether there is anything to say to somebody who has not been told anything yet."""
    return bool(
        document["counts"]["changed"]
        or document["removed"]
        or document["limits_changed"]
        or document["exit_code"]
        or document["verdict"] != "pass"
    )


def _render(document: Document, style: Style, rung: Rung) -> str:
    touched = _in_question(document)
    details = [
        *table(touched, rung),
        fleet(document) if touched or document["removed"] else "",
        _removed(document["removed"], rung),
        *ways(_with_ways(document), rung),
        *_patches(document, style.links, rung),
        _not_blocking(document, rung),
        _fixed(document, rung),
        "" if rung.remarks == 0 or not touched else left_open.block(document),
    ]
    body = list(filter(None, details))
    is_clean = document["verdict"] == "pass" and not document["limits_changed"]
    if is_clean and body:
        body = [folded(_contents(document), "\n\n".join(body))]
    blocks = [
        f"### {_headline(document)}",
        *_moved_goalposts(document, rung),
        _no_comparison(document),
        *_leads(document, style.links, rung),
        *body,
        _footer(document, style),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _with_ways(document: Document) -> Document:
    """Those with a table to fold; that nothing passes is said above."""
    kept = [one for one in document["deployments"] if one["alternatives"] or one["near_misses"]]
    return {**document, "deployments": kept}


def _is_compared(document: Document) -> bool:
    return document["run"]["comparison"] == COMPARED


def _counts(found: NamedFinding) -> bool:
    """Whether a finding has a say in the verdict."""
    return found["verdict"] != "pass" and found["change"] != "unchanged" and not found["waived"]


def _decided(document: Document) -> dict[Verdict, list[Deployment]]:
    """Deployments by the verdict that counts for them: against base, the new part of it."""
    decided: dict[Verdict, list[Deployment]] = {verdict: [] for verdict in VERDICTS}
    new: dict[tuple[str, str], Verdict] = {}
    for found in filter(_counts, document["findings"]):
        key = (found["path"], found["deployment"])
        new[key] = worst(new.get(key, "pass"), found["verdict"])
    for entry in document["deployments"]:
        verdict = entry["verdict"]
        if _is_compared(document):
            verdict = new.get((entry["path"], entry["name"]), "pass")
        decided[verdict].append(entry)
    return decided


def _in_question(document: Document) -> list[Deployment]:
    """What this change touches or breaks; everything when nothing was compared."""
    if not _is_compared(document):
        return document["deployments"]
    return [
        entry
        for entry in document["deployments"]
        if entry["change"] != "unchanged" or entry["blocking"]
    ]


def _headline(document: Document) -> str:
    decided = _decided(document)
    said = []
    if unread := {wrong["path"] for wrong in document["problems"]}:
        said.append(f"could not read {plural(len(unread), 'manifest')}")
    if count := len(decided["fail"]):
        breaks = "breaks a limit" if count == 1 else "break a limit"
        said.append(f"{plural(count, 'deployment')} {breaks}")
    if count := len(decided["cannot-predict"]):
        nothing = "" if said else "nothing breaks, "
        said.append(f"{nothing}{plural(count, 'deployment')} cannot be predicted")
    if any(_counts(found) and not found["deployment"] for found in document["findings"]):
        said.append("all deployments together break a limit")
    if near := decided["borderline"]:
        said.append(f"{len(near):,} borderline{'' if said else _nearest(document)}")
    if said:
        icon = "❌" if unread else ICONS[document["verdict"]]
        return f"{icon} capcheck: {', '.join(said)}{_consequence(document)}"
    if not document["counts"]["files"]:
        return f"{ICONS['fail' if document['exit_code'] else 'pass']} capcheck: no manifest found"
    return f"✅ capcheck: {_all_clear(document)}{_delta(document)}"


def _nearest(document: Document) -> str:
    """Which deployment is borderline, if there is but one."""
    named = [found for found in document["findings"] if _counts(found)]
    if len({(found["path"], found["deployment"]) for found in named}) != 1:
        return ""
    return f" — {code(named[0]['deployment'])}"


def _consequence(document: Document) -> str:
    """What the sign does not say: a grey one that blocks, a red one that does not."""
    if document["exit_code"] > 1 or (document["verdict"], document["exit_code"]) == ("fail", 1):
        return ""
    return " (blocks the merge)" if document["exit_code"] else " (not blocking)"


def _all_clear(document: Document) -> str:
    if not _is_compared(document):
        if document["counts"]["deployments"] == 1:
            return "the deployment meets its limits"
        return f"all {document['counts']['deployments']:,} deployments meet their limits"
    changed = _in_question(document)
    before = sum(entry["verdict"] != "pass" for entry in changed)
    if before:
        failing = "does" if before == 1 else "do"
        return (
            f"nothing new breaks; {plural(before, 'changed deployment')} {failing} not pass, "
            "as on base"
        )
    if not changed:
        count = len(document["removed"])
        return f"{plural(count, 'deployment')} removed" if count else "no deployment changed"
    if len(changed) == 1:
        return "the changed deployment meets its limits"
    return f"all {len(changed):,} changed deployments meet their limits"


def _delta(document: Document) -> str:
    delta = document["usd_month"]["delta"]
    return f" — {markdown(money(delta))}" if delta else ""


def _moved_goalposts(document: Document, rung: Rung) -> Iterator[str]:
    moved = document["limits_changed"]
    if not moved:
        return
    lines = [_moved(entry) for entry in moved[:LEADS]] if rung.broken != 0 else []
    if len(lines) < len(moved):
        lines.append(f"{len(moved) - len(lines):,} more in the job summary")
    yield (
        f"> ⚠️ **This pull request changes its own limits:** {'; '.join(lines)}. "
        "Judged by the limits on base; needs an owner's review."
    )


def _moved(entry: LimitChange) -> str:
    before, after = code(scalar(entry["base"])), code(scalar(entry["head"]))
    to = "was removed" if entry["head"] is None else f"{before} → {after}"
    return f"{code(entry['deployment'] or entry['path'])} {code(_field(entry))} {to}"


def _field(entry: LimitChange) -> str:
    """Of a policy the whole pointer is the name."""
    if not entry["deployment"]:
        return entry["pointer"][1:].replace("/", ".")
    return field_of(entry["pointer"])


def _no_comparison(document: Document) -> str:
    reason = document["run"]["comparison"]
    if reason in (None, COMPARED):
        return ""
    return f"> ⚠️ **No comparison:** {markdown(str(reason).rstrip('.'))}."


def _leads(document: Document, links: Links, rung: Rung) -> Iterator[str]:
    """Two lines each: what is wrong, how wrong, and why; the way out."""
    most = LEADS if rung.broken is None else min(LEADS, rung.broken)
    for wrong in document["problems"][:most]:
        yield bad_input(wrong)
    deployments = owners(document)
    deciding = [found for found in document["findings"] if _counts(found)]
    helped = set()
    for found in deciding[:most]:
        key = (found["path"], found["deployment"])
        lines = [f"{ICONS[found['verdict']]} {_statement(found, links)}"]
        if key in deployments and key not in helped:
            helped.add(key)
            lines += filter(None, [_way_out(found, deployments[key], links)])
        yield "<br>\n".join(lines)
    more = [_statement(found, links) for found in deciding[most:]]
    yield listed(more, rung.broken, "more finding", "more findings")


def _statement(found: NamedFinding, links: Links) -> str:
    because = f", because {edited(found['cause'])}" if found["cause"] else ""
    return (
        f"**{code(about(found))}: {markdown(found['message'])}**{because} "
        f"({_link(found, links)}, {code(found['rule'])})"
    )


def _link(spot: Spot, links: Links) -> str:
    where = f"{spot['path']}:{spot['line']}"
    if not links.files:
        return code(where)
    path = quote(spot["path"].encode("utf-8", "backslashreplace"), safe="/")
    return f"[{code(where)}]({links.files}/{path}#L{spot['line']})"


def _way_out(found: NamedFinding, deployment: Deployment, links: Links) -> str:
    if deployment["alternatives"]:
        best = deployment["alternatives"][0]
        gate = best["gates"].get(found["gate"] or "")
        figures = []
        if gate and not gate["unit"].startswith("$"):
            figures.append(f"{gate['label']} {reading(gate, gate['unit'])}")
        if best["usd_month"] is not None:
            saved = f" ({saving(best)})" if saving(best) else ""
            figures.append(f"${bare(best['usd_month'], '$/month')}/month{saved}")
        said = markdown(", ".join(figures))
        url = links.suggestions.get((deployment["path"], deployment["name"]))
        click = f". One click: [suggestion]({url})" if url else ""
        shown = f" → {said}" if said else ""
        return f"**Cheapest fix:** {code(change(best['edits']))}{shown}{click}"
    if deployment["nothing_passes"]:
        least = "".join(f"; {relaxed(one)}" for one in deployment["relaxations"][:1])
        return f"**Alternatives:** {markdown(deployment['nothing_passes'] + least)}"
    return f"**Fix:** {markdown(found['fix'])}" if found["fix"] else ""


def _patches(document: Document, links: Links, rung: Rung) -> Iterator[str]:
    """The fixes of the deployments above that no suggestion offers."""
    deployments = owners(document)
    leads = [found for found in document["findings"] if _counts(found)]
    most = min(LEADS, LEADS if rung.ways is None else rung.ways)
    for key in list(dict.fromkeys((one["path"], one["deployment"]) for one in leads))[:most]:
        if key in deployments and key not in links.suggestions:
            yield patch_block(deployments[key])


def _removed(removed: list[Removed], rung: Rung) -> str:
    names = [code(entry["name"]) for entry in removed[: rung.remarks]]
    if len(names) < len(removed):
        names.append(f"{len(removed) - len(names):,} more")
    return f"Removed: {', '.join(names)}." if removed else ""


def _not_blocking(document: Document, rung: Rung) -> str:
    """What base had too, and what somebody has waived: listed, and no reason to stop."""
    before = [
        f"{code(about(found))}: {markdown(found['message'])}, unchanged here"
        for found in document["findings"]
        if found["verdict"] != "pass" and found["change"] == "unchanged" and not found["waived"]
    ]
    waived = [
        f"{code(about(found))}: {code(found['rule'])} {_exception(found['waived'])}"
        for found in document["findings"]
        if found["waived"]
    ]
    said = [f"{len(before):,} already failing on base"] if before else []
    said += [not_counted(document)] if waived else []
    items = [f"- {item}" for item in (*before, *waived)[: rung.remarks]]
    if len(items) < len(before) + len(waived):
        items.append("- " + left_out(f"{len(before) + len(waived) - len(items):,} of them"))
    return folded(f"Not blocking: {', '.join(said)}", "\n".join(items)) if said else ""


def _exception(waiver: Waiver) -> str:
    """Until when it does not count, and why: `waived until 2026-12-31: “conference demo”`."""
    if not waiver["expires"]:
        return markdown(waiver["reason"])
    owner = f", {markdown(waiver['owner'])}" if waiver["owner"] else ""
    return f"waived until {markdown(waiver['expires'])}{owner}: “{markdown(waiver['reason'])}”"


def _fixed(document: Document, rung: Rung) -> str:
    items = [
        f"{code(entry['deployment'])}: {code(entry['rule'])}, {markdown(entry['message'])}"
        for entry in document["fixed"]
    ]
    return listed(items, rung.remarks, "finding of base is gone", "findings of base are gone")


def _contents(document: Document) -> str:
    """What is behind the only fold of an all-clear."""
    shown = _in_question(document)
    cheaper = sum(bool(entry["alternatives"]) for entry in shown)
    parts = [f"{plural(len(shown), 'deployment')} in figures"] if shown else []
    parts += [f"{cheaper:,} could cost less"] if cheaper else []
    parts += [f"{len(document['removed']):,} removed"] if document["removed"] else []
    return ", ".join(parts) or "What base had too"


def _footer(document: Document, style: Style) -> str:
    tool, run = document["tool"], document["run"]
    parts = [
        f"{tool['name']} {tool['version']}",
        f"{100 * run['interval']:.0f} % intervals",
        *filter(None, [legend(document)]),
        *(f"{name} {value}" for name, value in sorted(run["data"].items())),
    ]
    said = list(map(markdown, parts))
    if base := run["base"]:
        said.append(markdown(f"{base[:7]} → {(style.marker.sha or '')[:7]}"))
        said.append(code(f"capcheck --base {base[:7]}"))
    if style.links.run:
        said.append(f"[job summary and report]({style.links.run})")
    return f"<sub>{' · '.join(said)}</sub>"
