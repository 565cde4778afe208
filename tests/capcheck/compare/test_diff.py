"""New, worse, unchanged, fixed: what lies between two judgements."""

from dataclasses import replace

import pytest
from capcheck.compare.diff import TOLERANCE, added, diff, edited_since
from capcheck.compare.model import Change
from capcheck.finding import Finding, Verdict
from capcheck.judge import Checked
from capcheck.manifest.load import Entry

from tests.capcheck.compare.conftest import entry, judge_by, judged

LIMIT = "slo: {latency_p95: 9s}"
BASE = entry(f"model: m, quant: a, {LIMIT}")
HEAD = entry(f"model: m, quant: b, {LIMIT}")
UNSTABLE = "unstable: more than it can do"


def between(base: Checked, now: Checked, *, was: Entry = BASE, head: Entry = HEAD) -> Change:
    change, _ = diff(edited_since(was, head), now, base, judge_by(lambda _: 1.0))
    return change


def endless(one: Entry) -> Checked:
    """As the rules say it: a finding of its own name, and a gate without a figure."""
    checked = judged(one, None, 9000, UNSTABLE)
    grows = Finding(
        "queue-unstable", "error", "fail", "grows", one.stated.place, gate="latency", beyond=1.5
    )
    return replace(checked, findings=(grows,), verdict="fail")


@pytest.mark.parametrize(
    ("before", "after", "standing", "verdict"),
    [
        (4500.0, 14000.0, "new", "fail"),
        (4500.0, None, "new", "cannot-predict"),
        (None, 14000.0, "new", "fail"),
        (14000.0, 14000.0, "unchanged", "pass"),
        (14000.0, 10000.0, "unchanged", "pass"),
        (14000.0, 14000.0 * (1 + 0.9 * TOLERANCE), "unchanged", "pass"),
        (14000.0, 14000.0 * (1 + 1.1 * TOLERANCE), "worse", "fail"),
        (14000.0, 28000.0, "worse", "fail"),
        (None, None, "unchanged", "pass"),
    ],
)
def test_standing(
    before: float | None, after: float | None, standing: str, verdict: Verdict
) -> None:
    change = between(judged(BASE, before, 9000), judged(HEAD, after, 9000))
    (mark,) = change.marks.values()
    assert (mark.standing, change.verdict) == (standing, verdict)


def test_a_worse_verdict_is_worse_whatever_the_figure() -> None:
    near = judged(BASE, 14000.0, 9000)
    (found,) = near.findings
    near = replace(near, findings=(replace(found, verdict="borderline", severity="warning"),))
    assert between(near, judged(HEAD, 14000.0, 9000)).verdict == "fail"
    back = between(judged(BASE, 14000.0, 9000), near)
    assert [mark.standing for mark in back.marks.values()] == ["unchanged"]
    assert back.verdict == "pass"


def test_out_of_an_endless_queue_is_no_new_break() -> None:
    change = between(endless(BASE), judged(HEAD, 14000.0, 9000))
    assert change.verdict == "pass"
    assert [found.rule for found in change.fixed] == ["queue-unstable"]
    assert between(judged(BASE, 14000.0, 9000), endless(HEAD)).verdict == "fail"
    assert between(endless(BASE), endless(HEAD)).verdict == "pass"


def test_what_is_gone_is_fixed() -> None:
    change = between(judged(BASE, 14000.0, 9000), judged(HEAD, 4500.0, 9000))
    assert (change.verdict, dict(change.marks)) == ("pass", {})
    assert [found.rule for found in change.fixed] == ["latency-over-limit"]


def test_the_finding_stands_at_its_cause_and_the_limit_is_related() -> None:
    now = judged(HEAD, 14000.0, 9000)
    change, placed = diff(edited_since(BASE, HEAD), now, judged(BASE, 4500.0, 9000), judge_by(len))
    (found,) = placed.findings
    assert found.place == HEAD.stated.places["/quant"]
    assert found.related == now.findings[0].place == HEAD.stated.places["/slo/latency_p95"]
    assert change.marks[found].cause == change.cause
    assert change.cause is not None
    assert change.cause.message == "quant a → b raises p95 latency from 4.50 s to 14.0 s"


def test_a_value_that_is_gone_has_no_line() -> None:
    head = entry(f"model: m, {LIMIT}")
    now = judged(head, 14000.0, 9000)
    pair = edited_since(BASE, head)
    change, placed = diff(pair, now, judged(BASE, 4500.0, 9000), judge_by(len))
    assert placed.findings == now.findings
    assert change.cause is not None


def test_a_loosened_limit_is_a_finding_and_not_the_cause() -> None:
    head = entry("model: m, quant: b, slo: {latency_p95: 16s}")
    pair = edited_since(BASE, head)
    now = judge_by(lambda values: {"a": 4500.0, "b": 14000.0}[values["/quant"]])(pair.judged)
    assert now.gates["latency"].limit == 9000
    change, placed = diff(pair, now, judged(BASE, 4500.0, 9000), judge_by(len))
    assert [found.rule for found in placed.findings] == ["latency-over-limit", "limit-loosened"]
    assert change.cause is not None
    assert change.cause.edit.pointer == "/deployments/chat/quant"
    assert change.marks[placed.findings[1]].standing == "new"


@pytest.mark.parametrize(
    ("base", "head", "kind"),
    [
        (BASE, BASE, "unchanged"),
        (BASE, HEAD, "modified"),
        (BASE, entry(f"model: m, quant: a, {LIMIT}", name="talk"), "renamed"),
        (BASE, entry(f"model: m, quant: b, {LIMIT}", path="b.yaml"), "renamed"),
    ],
)
def test_kinds(base: Entry, head: Entry, kind: str) -> None:
    assert edited_since(base, head).kind == kind


def test_all_of_an_added_deployment_is_new() -> None:
    change = added(judged(HEAD, 14000.0, 9000))
    assert (change.kind, change.verdict, change.base) == ("added", "fail", None)
    assert [mark.standing for mark in change.marks.values()] == ["new"]
