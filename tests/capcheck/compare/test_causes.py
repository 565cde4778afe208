"""Naming the edit that broke a limit, with figures that the tests choose."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from capcheck.compare.causes import cause, trials
from capcheck.compare.edits import edited
from capcheck.compare.model import Cause
from capcheck.estimate import Estimate
from capcheck.judge import Checked
from capcheck.manifest.load import Entry

from tests.capcheck.compare.conftest import Figure, entry, judge_by, judged

LIMIT = "slo: {latency_p95: 9s}"


def table(**seconds: float | None) -> Figure:
    """A latency in ms that only depends on quant and gpu: `table(qg=1.0)`."""

    def figure(values: Mapping[str, Any]) -> float | None:
        value = seconds[f"{values.get('/quant', '_')}{values.get('/gpu', '_')}"]
        return None if value is None else 1000 * value

    return figure


def named(base: Entry, head: Entry, figure: Figure) -> Cause | None:
    judge = judge_by(figure)
    now = judge(head)
    tried = trials(head, base, edited(base, head), judge(base), judge)
    (found,) = now.findings
    return cause(found, now, tried)


BASE = entry(f"model: m, quant: a, gpu: g, {LIMIT}")
BOTH = entry(f"model: m, quant: b, gpu: h, {LIMIT}")


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        # Only one of the two clears it.
        (
            {"ag": 4.5, "bh": 14.0, "ah": 5.0, "bg": 13.0},
            "quant a → b raises p95 latency from 5.00 s to 14.0 s",
        ),
        (
            {"ag": 4.5, "bh": 14.0, "ah": 15.0, "bg": 8.0},
            "gpu g → h raises p95 latency from 8.00 s to 14.0 s",
        ),
        # Either does: the one that takes it further.
        (
            {"ag": 4.5, "bh": 14.0, "ah": 8.0, "bg": 6.0},
            "gpu g → h raises p95 latency from 6.00 s to 14.0 s",
        ),
        # Neither does: the one with the largest effect, and how many others have a part in it.
        (
            {"ag": 4.5, "bh": 30.0, "ah": 12.0, "bg": 20.0},
            "quant a → b raises p95 latency from 12.0 s to 30.0 s, together with 1 other edit",
        ),
        (
            {"ag": 4.5, "bh": 30.0, "ah": 12.0, "bg": 30.0},
            "quant a → b raises p95 latency from 12.0 s to 30.0 s",
        ),
    ],
)
def test_the_edit_that_clears_it_or_helps_most(seconds: dict[str, float], message: str) -> None:
    found = named(BASE, BOTH, table(**seconds))
    assert found is not None
    assert (found.message, found.gate) == (message, "latency")


@pytest.mark.parametrize(
    "seconds",
    [
        # No edit by itself makes a difference that anybody could see.
        {"ag": 4.5, "bh": 14.0, "ah": 14.0, "bg": 13.99},
        # Without either it is not known, or something else breaks.
        {"ag": 4.5, "bh": 14.0, "ah": None, "bg": 14.0},
    ],
)
def test_none_is_named_without_evidence(seconds: dict[str, float | None]) -> None:
    assert named(BASE, BOTH, table(**seconds)) is None


@pytest.mark.parametrize(
    ("base", "head", "seconds", "message"),
    [
        (
            f"model: m, {LIMIT}",
            f"model: m, quant: b, {LIMIT}",
            {"__": 4.5, "b_": 14.0},
            "adding quant b raises p95 latency from 4.50 s to 14.0 s",
        ),
        (
            f"model: m, quant: a, {LIMIT}",
            f"model: m, {LIMIT}",
            {"a_": 4.5, "__": 14.0},
            "removing quant a raises p95 latency from 4.50 s to 14.0 s",
        ),
        (
            f"model: m, quant: a, {LIMIT}",
            f"model: m, quant: b, {LIMIT}",
            {"a_": 4.5, "b_": None},
            "quant a → b leaves p95 latency without a prediction (it was 4.50 s)",
        ),
        (
            "model: m, quant: a, slo: {latency_p95: 20s}",
            f"model: m, quant: a, {LIMIT}",
            {"a_": 14.0},
            "slo.latency_p95 20s → 9s moves the limit on p95 latency from 20.0 s to 9.00 s",
        ),
        (
            "model: m, quant: a",
            f"model: m, quant: a, {LIMIT}",
            {"a_": 14.0},
            "adding slo.latency_p95 9s limits p95 latency to 9.00 s",
        ),
    ],
)
def test_sentences(base: str, head: str, seconds: dict[str, float | None], message: str) -> None:
    found = named(entry(base), entry(head), table(**seconds))
    assert found is not None
    assert found.message == message


def test_a_queue_without_end() -> None:
    head, base = entry(f"model: m, replicas: 1, {LIMIT}"), entry(f"model: m, replicas: 4, {LIMIT}")
    now = judged(head, None, 9000, "unstable: 4 requests/s, 1 at most")
    (edit,) = edited(base, head)
    tried = trials(head, base, [edit], judged(base, 4500, 9000), judge_by(len))
    behind = cause(now.findings[0], now, tried)
    assert behind is not None
    assert behind.message == (
        "replicas 4 → 1 lets the queue grow without end: no bound on p95 latency (it was 4.50 s)"
    )


def test_a_figure_that_is_better_but_less_certain() -> None:
    head, base = BOTH, entry(f"model: m, quant: a, gpu: h, {LIMIT}")
    now, before = judged(head, 14000.0, 9000), judged(base, 8000.0, 9000)
    wide = replace(now.gates["latency"], estimate=Estimate(7e3, 6e3, 12e3, "assumed", ""))
    now = replace(now, gates={"latency": wide})
    behind = cause(now.findings[0], now, trials(head, base, edited(base, head), before, len))
    assert behind is not None
    assert behind.message == "quant a → b takes p95 latency from 8.00 s to 7.00 s (6.00–12.0)"


def test_at_most_one_judgement_an_edit_and_none_for_a_single_one() -> None:
    asked: list[Entry] = []

    def judge(one: Entry) -> Checked:
        asked.append(one)
        return judge_by(lambda _: 1.0)(one)

    base = entry("model: m, quant: a, gpu: g, replicas: 1, alternatives: {gpus: [g]}")
    head = entry(
        "model: n, quant: b, gpu: h, replicas: {min: 1, max: 2}, alternatives: {gpus: [h]}"
    )
    assert len(trials(head, base, edited(base, head), judge_by(len)(base), judge)) == 4
    assert len(asked) == 4
    asked.clear()
    head = entry("model: n, quant: a, gpu: g, replicas: 1, alternatives: {gpus: [g, h]}")
    assert len(trials(head, base, edited(base, head), judge_by(len)(base), judge)) == 1
    assert asked == []


def test_what_could_not_be_written_is_not_tried() -> None:
    base = entry(
        "model: m, quant: a, traffic: {prompt_tokens: {mean: 50, p95: 60}, output_tokens: 1}"
    )
    head = entry(
        "model: m, quant: b, traffic: {prompt_tokens: {mean: 90, p95: 99}, output_tokens: 1}"
    )
    tried = trials(head, base, edited(base, head), judge_by(len)(base), judge_by(lambda _: 1.0))
    # Mean and p95 go back together.
    assert [trial.edit.pointer.rpartition("/")[2] for trial in tried] == ["quant", "mean"]


def test_another_gate_that_breaks_instead_is_no_remedy() -> None:
    head, base = BOTH, entry(f"model: m, quant: a, gpu: h, {LIMIT}")
    now = judged(head, 14000.0, 9000)
    without = judged(base, None, 9000, "does not fit")
    silent = Checked(without.resolved, without.forecast, without.gates, (), "cannot-predict")
    assert isinstance(silent.gates["latency"].estimate, Estimate)
    (edit,) = edited(base, head)
    tried = trials(head, base, [edit], silent, judge_by(len))
    assert cause(now.findings[0], now, tried) is None
