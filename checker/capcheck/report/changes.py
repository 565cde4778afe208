"""What a change does to deployments and their bill, base → head, in GitHub Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capcheck.finding import VERDICTS, Verdict
from capcheck.report.document import Deployment, Difference, Document
from capcheck.report.escape import NAME_LENGTH, code, markdown
from capcheck.report.figures import (
    Figure,
    bare,
    cell,
    field_of,
    headline,
    money,
    plural,
    relation,
    scalar,
    setup,
)
from capcheck.report.ladder import Rung, left_out
from capcheck.report.markdown_tables import ICONS
from capcheck.report.summary import fleet_cost

_HEADER = (
    "| | Deployment | p95 latency, s | VRAM per GPU, GiB | Quality | $ per month |",
    "|---|---|---|---|---|---|",
)
_COLUMNS = ("p95 latency", "VRAM per GPU", "quality", "cost")

# Short, or the column would take the room of the figures.
_WORDS: dict[Verdict, str] = {
    "pass": "passes",
    "borderline": "borderline",
    "cannot-predict": "unknown",
    "fail": "fails",
}

# More edits than these in one row would hide the figures.
_EDITS = 3


def table(deployments: Sequence[Deployment], rung: Rung) -> Iterator[str]:
    """A row a deployment, the worst first; then how many rows were left out."""
    ranked = sorted(deployments, key=lambda entry: -VERDICTS.index(entry["verdict"]))
    passing = [entry for entry in ranked if entry["verdict"] == "pass"]
    broken = ranked[: len(ranked) - len(passing)]
    shown = [*broken[: rung.broken], *passing[: rung.passing]]
    if shown:
        yield "\n".join((*_HEADER, *map(_row, shown)))
    if len(shown) < len(ranked):
        yield left_out(
            f"{len(ranked) - len(shown):,} of {plural(len(ranked), 'deployment')} "
            f"({len(passing) - len(passing[: rung.passing]):,} of them pass)"
        )


def fleet(document: Document) -> str:
    """The bill of all deployments and what the change adds to it; empty for a lone one."""
    cost = document["usd_month"]
    base, delta = cost["base"], cost["delta"]
    if delta is None or base is None or base["value"] is None or cost["value"] is None:
        known = fleet_cost(document)
        return f"Fleet: **{markdown(known)}**." if known and _is_fleet(document) else ""
    if not delta:
        return f"Fleet: {markdown(money(cost['value'], sign=False))}, unchanged."
    share = f", {100 * delta / base['value']:+.1f} %".replace("-", "−") if base["value"] else ""
    before, after = (bare(value, "$/month") for value in (base["value"], cost["value"]))
    return f"Fleet: **{markdown(money(delta))}** ({before} → {after}{share})."


def edited(edit: Difference) -> str:
    """`quant` went from `awq-int4` to `bf16`."""
    field, base, head = (
        code(text)
        for text in (field_of(edit["pointer"]), scalar(edit["base"]), scalar(edit["head"]))
    )
    if edit["base"] is None:
        return f"{field} is now {head}"
    if edit["head"] is None:
        return f"{field} is no longer {base}"
    return f"{field} went from {base} to {head}"


def _is_fleet(document: Document) -> bool:
    return len(document["deployments"]) > 1


def _row(entry: Deployment) -> str:
    figures = {figure.label: figure for figure in headline(entry["forecast"], entry["gates"])}
    before: dict[str, Figure] = {}
    if base := entry["base"]:
        before = {one.label: one for one in headline(base["forecast"], base["gates"])}
    cells = [
        f"{ICONS[entry['verdict']]}&nbsp;{_WORDS[entry['verdict']]}{_on_base(entry)}",
        f"{code(entry['name'])}{_kind(entry)}<br><sub>{_what(entry)}</sub>",
        *(_cell(figures[label], before.get(label)) for label in _COLUMNS),
    ]
    return f"| {' | '.join(cells)} |"


def _on_base(entry: Deployment) -> str:
    base = entry["base"]
    if base is None or entry["verdict"] == "pass" or entry["blocking"]:
        return ""
    return " (as on base)" if base["verdict"] == entry["verdict"] else ""


def _kind(entry: Deployment) -> str:
    if entry["change"] == "added":
        return " (new)"
    base = entry["base"]
    for key in ("name", "path"):
        if base and base[key] != entry[key]:
            return f" (was {code(base[key])})"
    return ""


def _what(entry: Deployment) -> str:
    """The edits; for a deployment without any, what it is."""
    if not entry["edits"]:
        return markdown(setup(entry), NAME_LENGTH)
    shown = [_edit(edit) for edit in entry["edits"][:_EDITS]]
    if len(shown) < len(entry["edits"]):
        shown.append(f"+{len(entry['edits']) - len(shown):,} more")
    return ", ".join(shown)


def _edit(edit: Difference) -> str:
    sides = [scalar(edit[side]) for side in ("base", "head") if edit[side] is not None]
    arrow = (
        " → ".join(sides) if len(sides) == 2 else "removed" if edit["head"] is None else sides[0]
    )
    return markdown(f"{field_of(edit['pointer'])}: {arrow}", NAME_LENGTH)


def _cell(figure: Figure, before: Figure | None) -> str:
    """`4.5 → **14.0** **> 9.0**`, and the interval in small below it."""
    value = cell(figure.leaf, figure.unit)
    interval = cell(figure.leaf, figure.unit, bounds=True)[len(value) :]
    gate = figure.gate
    is_kept = gate is None or gate["verdict"] == "pass"
    old = cell(before.leaf, before.unit) if before else value
    arrow = f"{markdown(old)}&nbsp;→&nbsp;" if old != value else ""
    text = f"{arrow}{markdown(value) if is_kept else f'**{markdown(value)}**'}"
    if gate is not None and gate["limit"] is not None:
        sign = relation(gate)
        limit = f"{markdown(sign)}&nbsp;{bare(gate['limit'], gate['unit'])}"
        text += (", " if sign == "limit" else " ") + (limit if is_kept else f"**{limit}**")
    return f"{text}<br><sub>{markdown(interval.strip(' ()'))}</sub>" if interval else text
