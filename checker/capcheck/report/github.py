"""Workflow commands: annotations on the lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from capcheck.numbers import amount
from capcheck.records import dataclass
from capcheck.report.compared import before, is_old, not_compared, outcome
from capcheck.report.document import (
    Deployment,
    Document,
    Finding,
    Gate,
    NamedFinding,
    Problem,
    Spot,
)
from capcheck.report.escape import (
    NAME_LENGTH,
    SENTENCE_LENGTH,
    clip,
    command_data,
    command_property,
    plain,
)
from capcheck.report.figures import (
    WORDS,
    against,
    brief,
    change,
    gate_of,
    headline,
    limit_spot,
    plural,
    saving,
    spoken,
)
from capcheck.report.style import Style

Level = Literal["error", "warning", "notice"]
LEVELS: tuple[Level, ...] = ("error", "warning", "notice")

# GitHub shows ten of each level a step and drops the rest without a word
# (https://github.com/orgs/community/discussions/26680); the tenth counts what is left out.
SHOWN = 9

# Of the checks API; a longer title is refused.
_TITLE_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Annotation:
    """One command. `rank` puts what decides before what remarks, within a level."""

    level: Level
    rank: int
    spot: Spot | None
    title: str
    lines: tuple[str, ...]


def render(document: Document, style: Style) -> str:
    """At most ten commands a level: bad input and breaking limits first, then by path and line."""
    annotations = list(_annotations(document))
    return "".join(
        f"{_command(annotation)}\n"
        for level in LEVELS
        for annotation in _within_budget(
            sorted((entry for entry in annotations if entry.level == level), key=_order)
        )
    )


def _order(annotation: Annotation) -> tuple[int, str, int]:
    spot = annotation.spot
    return (annotation.rank, spot["path"] if spot else "", spot["line"] if spot else 0)


def _within_budget(annotations: list[Annotation]) -> Iterator[Annotation]:
    yield from annotations[:SHOWN]
    rest = annotations[SHOWN:]
    if len(rest) == 1:
        yield from rest
    elif rest:
        first = rest[0]
        everything = plural(len(annotations), first.level)
        note = f"{everything} in all, the first {SHOWN} are shown. The job summary has every one."
        yield Annotation(first.level, first.rank, first.spot, f"+{len(rest):,} more", (note,))


def _annotations(document: Document) -> Iterator[Annotation]:
    for problem in document["problems"]:
        yield _bad_input(problem)
    if reason := not_compared(document):
        yield Annotation("warning", 0, None, "capcheck: no comparison", (reason,))
    for deployment in document["deployments"]:
        deciding = [found for found in deployment["findings"] if found["verdict"] != "pass"]
        for found in deployment["findings"]:
            # What base remarked upon already is no news.
            if not (is_old(found) and found["verdict"] == "pass"):
                yield _finding(found, deployment, document)
        # Every deployment is spoken of, if only to say that all is well: in a change, the changed.
        said = deployment["verdict"] in [found["verdict"] for found in deciding]
        if not said and deployment["change"] != "unchanged":
            yield _headline(deployment, document)
    for one in document["findings"]:
        if not one["deployment"]:
            yield _about_the_run(one, document)
    if not (document["counts"]["files"] or document["problems"]):
        yield Annotation(
            "notice" if document["exit_code"] == 0 else "error",
            0,
            None,
            "capcheck: no manifest found",
            ("Nothing was checked. If that is meant, allow it with --allow-empty.",),
        )


def _bad_input(problem: Problem) -> Annotation:
    hint = f" Did you mean {problem['nearest']!r}?" if problem["nearest"] else ""
    hint += " It could not be read on base either." if problem["on_base"] else ""
    text = f"Found {problem['found']}, expected {problem['expected']}.{hint}"
    return Annotation("error", 0, problem, f"bad input: {problem['code']}", (text,))


def _finding(found: Finding, deployment: Deployment, document: Document) -> Annotation:
    """Title: rule and numbers. Then what and why, the four figures, the fix."""
    name = clip(deployment["name"], NAME_LENGTH)
    level = _level(found, document)
    message = clip(found["message"], SENTENCE_LENGTH)
    if found["verdict"] == "pass":
        title, lines = f"{found['rule']}: {name}", [message]
    else:
        title = f"{found['rule']}: {name}{_numbers(gate_of(found, deployment))}"
        limit = limit_spot(found, deployment)
        where = f" (limit: {_line(limit, found)})" if limit else ""
        lines = [f"{name}: {message}{where}", f"Predicted: {_figures(deployment)}."]
        if found["cause"]:
            lines.insert(0, f"{clip(found['cause']['message'], SENTENCE_LENGTH)}.")
    if is_old(found):
        title, lines = f"{title}, as on base", [*lines, "Not counted: base is no better."]
        return Annotation(level, 4, found, title, tuple(lines))
    if found["fix"]:
        lines.append(f"Fix: {clip(found['fix'], SENTENCE_LENGTH)}")
    if found["verdict"] != "pass":
        lines += _cheapest(deployment)
    rank = 1 if found["verdict"] == "fail" else 2 if found["verdict"] != "pass" else 4
    if found["rule"] == "limit-loosened":
        rank = 0
    return Annotation(level, rank, found, title, tuple(lines))


def _line(limit: Spot, found: Finding) -> str:
    """A limit of a policy stands in another file."""
    if limit["path"] == found["path"]:
        return f"line {limit['line']}"
    return f"{limit['path']}:{limit['line']}"


def _about_the_run(found: NamedFinding, document: Document) -> Annotation:
    lines = [clip(found["message"], SENTENCE_LENGTH)]
    if found["fix"]:
        lines.append(f"Fix: {clip(found['fix'], SENTENCE_LENGTH)}")
    rank = 0 if found["rule"] == "limit-loosened" else 1 if found["verdict"] != "pass" else 4
    return Annotation(_level(found, document), rank, found, found["rule"], tuple(lines))


def _level(found: Finding, document: Document) -> Level:
    if is_old(found):
        return "notice"
    if found["verdict"] in ("fail", "cannot-predict"):
        return "error"
    if found["verdict"] == "borderline":
        return "error" if "borderline" in document["run"]["fail_on"] else "warning"
    return "notice" if found["severity"] == "note" else "warning"


def _headline(deployment: Deployment, document: Document) -> Annotation:
    verdict = deployment["verdict"]
    name = clip(deployment["name"], NAME_LENGTH)
    level: Level = "notice"
    if verdict != "pass" and outcome(deployment) != "pass":
        breaks = verdict != "borderline" or verdict in document["run"]["fail_on"]
        level = "error" if breaks else "warning"
    lines = (f"Predicted: {_figures(deployment)}.", *_cheapest(deployment))
    title = f"{name} {WORDS[verdict]}: {_brief_figures(deployment)}"
    return Annotation(level, 3, deployment["place"], title, lines)


def _numbers(gate: Gate | None) -> str:
    """`, 14.0 s > 9.00 s`, for a title; empty when there are no two numbers to compare."""
    if gate is None or gate["value"] is None or gate["limit"] is None:
        return ""
    return f", {brief(gate, gate['unit'])} {against(gate)}"


def _brief_figures(deployment: Deployment) -> str:
    """`17.4 GiB, p95 7.60 s, quality 0.684, $1,032/month`: all that a folded annotation shows."""
    forecast = deployment["forecast"]
    return (
        f"{brief(forecast['vram_gib'], 'GiB')}, p95 {brief(forecast['latency_ms']['p95'], 'ms')}, "
        f"quality {brief(forecast['quality'], '')}, {brief(forecast['usd_month'], '$/month')}"
    )


def _figures(deployment: Deployment) -> str:
    """`VRAM per GPU 17.4 GiB (17.1–18.0) ≤ 20.2 GiB; p95 latency 4.50 s → 14.0 s ...; cost ...`."""
    shown = headline(deployment["forecast"], deployment["gates"])
    return "; ".join(
        spoken(figure, before(figure, deployment))
        for figure in shown
        if figure.label != "throughput"
    )


def _cheapest(deployment: Deployment) -> Iterator[str]:
    for entry in deployment["alternatives"][:1]:
        cost = "" if entry["usd_month"] is None else amount(entry["usd_month"], "$/month")
        money = ", ".join(filter(None, (cost, saving(entry))))
        title = "Cheaper" if deployment["verdict"] == "pass" else "Cheapest that passes"
        yield f"{title}: {clip(change(entry['edits']), SENTENCE_LENGTH)}" + (
            f" ({money})" if money else ""
        )
    if not deployment["alternatives"] and deployment["nothing_passes"]:
        yield f"Alternatives: {clip(deployment['nothing_passes'], SENTENCE_LENGTH)}"


def _command(annotation: Annotation) -> str:
    """Escaped so that no text of a manifest can end the command or begin another."""
    spot = annotation.spot
    properties = {"title": clip(plain(annotation.title), _TITLE_LENGTH)}
    if spot is not None:
        properties = {
            "file": plain(spot["path"].replace("\\", "/")),
            "line": str(spot["line"]),
            "endLine": str(spot["line"]),
            "col": str(spot["column"]),
            "endColumn": str(spot["end_column"]),
            **properties,
        }
    written = ",".join(f"{key}={command_property(value)}" for key, value in properties.items())
    message = "\n".join(map(plain, annotation.lines))
    return f"::{annotation.level} {written}::{command_data(message)}"
