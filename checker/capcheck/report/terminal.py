"""For people at a terminal or reading a log: what breaks and where, the figures, the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from capcheck.report.card import card, details, ways
from capcheck.report.compared import (
    ARROW,
    earlier,
    fleet_difference,
    gone,
    is_compared,
    is_old,
    not_compared,
    shown,
    unchanged,
    was,
)
from capcheck.report.document import Deployment, Document, NamedFinding, Problem, Spot
from capcheck.report.escape import NAME_LENGTH, SENTENCE_LENGTH, log_line
from capcheck.report.excerpt import excerpt
from capcheck.report.figures import (
    Figure,
    about,
    bare,
    cell,
    headline,
    limit_spot,
    owners,
    plural,
    relation,
    same_span,
    scalar,
    word,
)
from capcheck.report.left_open import TITLE, lines
from capcheck.report.pen import COLORS, Pen
from capcheck.report.style import Style
from capcheck.report.summary import fleet_cost, legend, not_counted, verdict_line
from capcheck.report.trades import planned

# Up to here each deployment gets a card; a larger fleet gets a table.
CARDS = 4

# Of each kind; a verbose run shows all.
REMARKS_SHOWN = 20
PASSING_SHOWN = 30
WAYS_SHOWN = 10

_NAME_COLUMNS = 40
_HEADER = ("", "VRAM GiB", "tok/s", "capacity", "p95 s", "quality", "$/month")


def render(document: Document, style: Style) -> str:
    """Blocks with a blank line between them; the verdict is the last line."""
    pen = Pen(style.color, style.unicode)
    last = _verdict(document, pen)
    if style.detail == "quiet":
        return last + "\n"
    verbose = style.detail == "verbose"
    blocks = [
        *(_problem(problem, style, pen) for problem in document["problems"]),
        *_findings(document, style, pen, verbose=verbose),
        *_deployments(document, pen, verbose=verbose),
        planned(document["plan"], pen) if document["plan"] else [],
        *_left_open(document),
        [*_footer(document, pen), last],
    ]
    return "\n\n".join("\n".join(map(log_line, block)) for block in blocks if block) + "\n"


def _left_open(document: Document) -> list[list[str]]:
    found = lines(document)
    return [[f"{TITLE}:"], found] if found else []


def _verdict(document: Document, pen: Pen) -> str:
    good = document["exit_code"] == 0
    color = COLORS[document["verdict"]] if good else "red"
    return pen.paint(pen.text(verdict_line(document)), "bold", color)


def _footer(document: Document, pen: Pen) -> Iterator[str]:
    if reason := not_compared(document):
        yield pen.paint(pen.text(f"no comparison: {reason}", SENTENCE_LENGTH), "yellow")
    if is_compared(document):
        removed = gone(document["removed"][:REMARKS_SHOWN])
        yield from (pen.text(f"removed: {one}", SENTENCE_LENGTH) for one in removed)
        yield from (
            pen.text(f"fixed: [{one['rule']}] {one['deployment']}", NAME_LENGTH)
            for one in document["fixed"][:REMARKS_SHOWN]
        )
        if cost := fleet_difference(document):
            yield pen.text(f"cost {cost}")
    elif len(document["deployments"]) > 1 and (cost := fleet_cost(document)):
        yield pen.text(f"{plural(len(document['deployments']), 'deployment')}: {cost}")
    if said := not_counted(document):
        yield pen.text(f"not counted: {said}", SENTENCE_LENGTH)
    if meaning := legend(document):
        yield pen.paint(meaning, "dim")


def _problem(problem: Problem, style: Style, pen: Pen) -> list[str]:
    label = pen.paint("bad input", "bold", "red")
    hint = f"; did you mean {problem['nearest']!r}?" if problem["nearest"] else ""
    hint += "; as on base" if problem["on_base"] else ""
    return [
        f"{_at(problem, pen)}: {label} [{pen.text(problem['code'])}]",
        "  " + pen.text(f"found {problem['found']}, expected {problem['expected']}{hint}"),
        *excerpt(problem, style.sources, pen),
    ]


def _findings(document: Document, style: Style, pen: Pen, *, verbose: bool) -> Iterator[list[str]]:
    """What has a say in a verdict with its excerpt, then the remarks, a limited number of them.

    Loosened limits come first; what is as on base is only named, its remarks not even that.
    """
    findings, deployments = document["findings"], owners(document)
    moved = {limit["message"]: limit for limit in document["limits_changed"]}
    for found in findings:
        if found["message"] in moved:
            before = moved[found["message"]]["base"]
            lines = excerpt(
                found, style.sources, pen, note=pen.text(f"was {scalar(before)}", NAME_LENGTH)
            )
            yield [*_finding(found, pen), *lines]
    deciding = [found for found in findings if found["verdict"] != "pass"]
    for found in sorted(deciding, key=is_old):
        owner = deployments.get((found["path"], found["deployment"]))
        where = [] if is_old(found) else _where(found, owner, style, pen)
        yield [*_finding(found, pen), *where, *([] if is_old(found) else _fix(found, pen))]
    remarks = [
        found
        for found in findings
        if found["verdict"] == "pass"
        and found["message"] not in moved
        and (verbose or not is_old(found))
    ]
    first = remarks if verbose else remarks[:REMARKS_SHOWN]
    lines = [line for found in first for line in (*_finding(found, pen), *_fix(found, pen))]
    if len(first) < len(remarks):
        lines.append(f"{plural(len(remarks) - len(first), 'more remark')}: --verbose")
    yield lines


def _finding(found: NamedFinding, pen: Pen) -> list[str]:
    label = word(found)
    name = pen.text(about(found), NAME_LENGTH)
    return [
        f"{_at(found, pen)}: {pen.paint(label, 'bold', COLORS[label])} "
        f"[{pen.text(found['rule'])}] {name}{', as on base' if is_old(found) else ''}",
        "  " + pen.text(found["message"], SENTENCE_LENGTH),
        *_because(found, pen),
    ]


def _because(found: NamedFinding, pen: Pen) -> list[str]:
    cause = found["cause"]
    return [f"  because {pen.text(cause['message'], SENTENCE_LENGTH)}"] if cause else []


def _where(found: NamedFinding, owner: Deployment | None, style: Style, pen: Pen) -> list[str]:
    label = "limit" if owner and limit_spot(found, owner) else ""
    cause = found["cause"]
    at_cause = cause and owner and same_span(cause["place"], found)
    note = pen.text(was(cause, owner), NAME_LENGTH) if cause and owner and at_cause else ""
    related = found["related"]
    if related is None or related["path"] == found["path"]:
        return excerpt(found, style.sources, pen, related=related, label=label, note=note)
    lines = excerpt(found, style.sources, pen, note=note)
    return [*lines, f"  {label or 'see'}: {_at(related, pen)}"]


def _fix(found: NamedFinding, pen: Pen) -> list[str]:
    if not found["fix"]:
        return []
    return [f"  {pen.paint('fix:', 'bold')} {pen.text(found['fix'], SENTENCE_LENGTH)}"]


def _at(spot: Spot, pen: Pen) -> str:
    return f"{pen.text(spot['path'])}:{spot['line']}:{spot['column']}"


def _deployments(document: Document, pen: Pen, *, verbose: bool) -> Iterator[list[str]]:
    ranked = shown(document)
    if verbose:
        ranked += [entry for entry in document["deployments"] if entry not in ranked]
    elif rest := unchanged(document):
        yield from _drawn(ranked, pen, verbose=False)
        yield [pen.text(f"  {rest}: --verbose")]
        return
    yield from _drawn(ranked, pen, verbose=verbose)


def _drawn(ranked: list[Deployment], pen: Pen, *, verbose: bool) -> Iterator[list[str]]:
    if verbose or len(ranked) <= CARDS:
        for deployment in ranked:
            indented = [f"    {line}" for line in ways(deployment, pen)]
            yield [*card(deployment, pen), *indented]
            if verbose:
                yield details(deployment, pen)
        return
    yield _table(ranked, pen)
    yield from _ways_of_fleet(ranked, pen)


def _table(ranked: list[Deployment], pen: Pen) -> list[str]:
    """Everything that does not pass, and the first of what does."""
    passing = sum(entry["verdict"] == "pass" for entry in ranked)
    hidden = max(0, passing - PASSING_SHOWN)
    drawn = ranked[: len(ranked) - hidden]
    names = Counter(entry["name"] for entry in ranked)
    rows = [
        _HEADER,
        *(tuple(_cells(entry, pen, with_path=names[entry["name"]] > 1)) for entry in drawn),
    ]
    lines = [f"  {line}" for line in pen.aligned(rows, right=frozenset(range(1, len(_HEADER))))]
    lines[0] = pen.paint(lines[0], "dim")
    if hidden:
        lines.append(f"  {plural(hidden, 'more passing deployment')}: --verbose")
    return lines


def _cells(deployment: Deployment, pen: Pen, *, with_path: bool) -> Iterator[str]:
    """A name is unique in its file only: the path tells two of the same name apart."""
    where = f" ({deployment['path'].rpartition('/')[2]})" if with_path else ""
    name = pen.text(f"{deployment['name']}{where}", _NAME_COLUMNS)
    yield f"{pen.mark(deployment['verdict'])} {name}"
    forecast = deployment["forecast"]
    for figure in headline(forecast, deployment["gates"]):
        yield _cell(figure, deployment, pen)
        if figure.label == "throughput":
            yield pen.text(cell(forecast["capacity_tok_s"], "tok/s"))


def _cell(figure: Figure, deployment: Deployment, pen: Pen) -> str:
    text = pen.text(cell(figure.leaf, figure.unit))
    if (then := earlier(figure, deployment)) and (old := cell(then, figure.unit)) != text:
        text = pen.text(old + ARROW) + text
    gate = figure.gate
    if gate is None or gate["limit"] is None:
        return text
    text += pen.text(f" {relation(gate)} {bare(gate['limit'], gate['unit'])}")
    return text if gate["verdict"] == "pass" else pen.paint(text, COLORS[gate["verdict"]])


def _ways_of_fleet(ranked: Iterable[Deployment], pen: Pen) -> Iterator[list[str]]:
    """How those that do not pass would; by how much the others could be cheaper."""
    broken = [entry for entry in ranked if entry["verdict"] != "pass"]
    for entry in broken[:WAYS_SHOWN]:
        yield [f"  {line}" for line in ways(entry, pen, shown=1)]
    savings = [
        entry["alternatives"][0]["saving_usd_month"] or 0.0
        for entry in ranked
        if entry["verdict"] == "pass" and entry["alternatives"]
    ]
    if savings:
        total = f"${sum(savings):,.0f}"
        yield [
            f"  {plural(len(savings), 'deployment')} could be cheaper, by {total}/month in all: "
            "--verbose"
        ]
