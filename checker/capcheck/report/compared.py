"""What formats for people say about base: what to show, and how figures stood before."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.compare.model import COMPARED
from capcheck.finding import VERDICTS, Verdict, worst
from capcheck.numbers import amount
from capcheck.report.document import Cause, Deployment, Document, Finding, NamedFinding, Removed
from capcheck.report.figures import Figure, brief, headline, plural, reading, scalar
from capcheck.report.predicted import Leaf

ARROW = " → "


def is_compared(document: Document) -> bool:
    """Whether there was a base to compare with."""
    return document["run"]["comparison"] == COMPARED


def not_compared(document: Document) -> str:
    """Why nothing was compared although it was asked for; empty otherwise."""
    why = document["run"]["comparison"]
    return "" if why is None or why == COMPARED else why


def is_old(found: Finding | NamedFinding) -> bool:
    """Whether base had this finding already, no better: it does not count then."""
    return found["change"] == "unchanged"


def outcome(deployment: Deployment) -> Verdict:
    """What a deployment brings into this run: its verdict, against base only what is new."""
    if deployment["change"] in (None, "added"):
        return deployment["verdict"]
    fresh = worst(
        *(
            found["verdict"]
            for found in deployment["findings"]
            if not (is_old(found) or found["waived"])
        )
    )
    return deployment["verdict"] if deployment["blocking"] and fresh == "pass" else fresh


def shown(document: Document) -> list[Deployment]:
    """Those to speak of one by one, the worst first: all without a base, else what changed."""
    ranked = sorted(document["deployments"], key=lambda entry: -VERDICTS.index(outcome(entry)))
    if not is_compared(document):
        return ranked
    return [entry for entry in ranked if entry["change"] != "unchanged" or entry["blocking"]]


def unchanged(document: Document) -> str:
    """`18 deployments unchanged, 1 of them failing as on base`; empty when none is."""
    hidden = len(document["deployments"]) - len(shown(document))
    failing = [
        entry
        for entry in document["deployments"]
        if entry["change"] == "unchanged" and entry["verdict"] in document["run"]["fail_on"]
    ]
    note = f", {len(failing):,} of them failing as on base" if failing else ""
    return f"{plural(hidden, 'deployment')} unchanged{note}" if hidden else ""


def earlier(figure: Figure, deployment: Deployment) -> Leaf | None:
    """The same figure on base; None without a base."""
    base = deployment["base"]
    if base is None:
        return None
    for known in headline(base["forecast"], base["gates"]):
        if known.label == figure.label:
            return known.leaf
    return next((gate for gate in base["gates"].values() if gate["label"] == figure.label), None)


def before(figure: Figure, deployment: Deployment) -> str:
    """`4.50 s → `: what stands before a figure that changed; empty when it reads the same."""
    was = earlier(figure, deployment)
    if was is None:
        return ""
    text = brief(was, figure.unit)
    return "" if text == brief(figure.leaf, figure.unit) else text + ARROW


def was(cause: Cause, deployment: Deployment) -> str:
    """`was awq-int4: 4.50 s (4.10–5.00)`: what stood at the edited place, and what came of it."""
    stood = "not there" if cause["base"] is None else f"was {scalar(cause['base'])}"
    base = deployment["base"]
    gate = base["gates"].get(cause["gate"] or "") if base else None
    if gate is None or (gate["value"] is None and not gate["basis"]):
        return stood
    return f"{stood}: {reading(gate, gate['unit'])}"


def difference(usd: float | None) -> str:
    """`+$4,216/month`, `−$516/month`, `same cost`; empty when unknown."""
    if usd is None:
        return ""
    if abs(usd) < 0.005:
        return "same cost"
    return f"{'+' if usd > 0 else '−'}{amount(abs(usd), '$/month')}"


def fleet_difference(document: Document) -> str:
    """`$38,420 → $42,636/month (+$4,216/month, +11.0 %)`; empty without two known sums."""
    cost = document["usd_month"]
    base, head, delta = cost["base"], cost["value"], cost["delta"]
    if base is None or base["value"] is None or head is None or delta is None:
        return ""
    if not (document["deployments"] or document["removed"]):
        return ""
    if abs(delta) < 0.005:
        return f"{amount(head, '$/month')}, as on base"
    start = amount(base["value"], "$/month").removesuffix("/month")
    share = f", {100 * delta / base['value']:+.1f} %".replace("-", "−") if base["value"] else ""
    return f"{start}{ARROW}{amount(head, '$/month')} ({difference(delta)}{share})"


def counted(document: Document) -> str:
    """`2 of 20 deployments changed: 1 fail, 1 pass; 1 failing as on base`."""
    counts = document["counts"]
    verdicts = [outcome(entry) for entry in shown(document)]
    tally = ", ".join(
        f"{verdicts.count(verdict):,} {verdict}"
        for verdict in reversed(VERDICTS)
        if verdict in verdicts
    )
    notes = [
        f"{counts['changed']:,} of {plural(counts['deployments'], 'deployment')} changed"
        + (f": {tally}" if tally else "")
    ]
    if document["removed"]:
        notes.append(f"{len(document['removed']):,} removed")
    if counts["fixed_findings"]:
        notes.append(f"{plural(counts['fixed_findings'], 'finding')} fixed")
    if counts["failing_on_base"]:
        notes.append(f"{counts['failing_on_base']:,} failing as on base")
    return "; ".join(notes)


def gone(removed: Iterable[Removed]) -> list[str]:
    """`legacy (deploy/legacy.yaml), −$365/month`, one a removed deployment."""
    return [
        f"{one['name']} ({one['path']})"
        + (f", {difference(-one['usd_month'])}" if one["usd_month"] else "")
        for one in removed
    ]
