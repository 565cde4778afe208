"""`skip`: what it covers, until when, and what is said about one that ended or covers nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from capcheck.finding import Finding, Waiver
from capcheck.judge import Context, judge
from capcheck.manifest.deployment import Deployment, Skip
from capcheck.place import Place
from capcheck.predict import coefficients
from capcheck.registry.tables import Registry
from capcheck.rules.exceptions import covered, remarks

Stated = Callable[..., Deployment]

PLACE = Place("capcheck.yaml", 4, 1, 2)
ERROR = Finding("vram-does-not-fit", "error", "fail", "too large", PLACE, gate="vram")
NOTE = Finding("price-basis", "note", "pass", "undated", PLACE)
LAST = date(2026, 11, 23)


def skipping(deployment: Deployment, *rules: str) -> Deployment:
    places = {"/skip/expires": Place("capcheck.yaml", 9, 1, 2)}
    return replace(deployment, skip=Skip(rules, "the demo", LAST), places=places)


def test_until_the_end_of_its_day_a_skip_makes_a_note_of_a_finding(stated: Stated) -> None:
    found = covered((ERROR, NOTE), skipping(stated({}), "vram-does-not-fit"), LAST)
    waived = replace(
        ERROR,
        severity="note",
        verdict="pass",
        message="too large (waived until 2026-11-23: the demo)",
        waived=Waiver("skip", "the demo", "", "2026-11-23"),
    )
    assert found == (waived, NOTE)


def test_from_the_next_day_on_it_counts_again_and_says_so(stated: Stated) -> None:
    deployment = skipping(stated({}), "vram-does-not-fit", "price-basis")
    found = covered((ERROR, NOTE), deployment, date(2026, 11, 24))
    (said,) = remarks((ERROR, NOTE), deployment, date(2026, 11, 24))
    assert found == (ERROR, NOTE)
    assert (said.rule, said.severity, said.place.line) == ("skip-expired", "warning", 9)
    assert said.message == (
        "the skip of vram-does-not-fit, price-basis ended on 2026-11-23: it counts again"
    )


@pytest.mark.parametrize("today", [LAST, date(2027, 1, 1)])
def test_a_skip_that_covers_nothing_is_said(stated: Stated, today: date) -> None:
    (said,) = remarks((), skipping(stated({}), "price-basis", "cheaper-alternative"), today)
    assert (said.rule, said.message) == (
        "skip-unused",
        "no finding has the rule price-basis that is skipped",
    )


def test_without_a_skip_nothing_changes(stated: Stated) -> None:
    assert covered((ERROR,), stated({}), LAST) == (ERROR,)
    assert remarks((ERROR,), stated({}), LAST) == ()


def test_the_verdict_is_that_of_what_is_not_skipped(stated: Stated, registry: Registry) -> None:
    values = {
        "/model": "llama3.1-8b",
        "/quant": "F16",
        "/backend": "ollama",
        "/gpu": "RTX 4060 8GB",
        "/budget/monthly_usd": 1.0,
    }
    context = Context(registry, coefficients.load(None), LAST)
    deployment = stated(values)
    both = judge(deployment, context)
    assert {one.rule for one in both.findings if one.verdict == "fail"} == {
        "vram-does-not-fit",
        "cost-over-budget",
    }
    one = judge(skipping(deployment, "vram-does-not-fit"), context)
    assert (one.verdict, one.gates["vram"].verdict) == ("fail", "fail")
    none = judge(skipping(deployment, "vram-does-not-fit", "cost-over-budget"), context)
    assert (none.verdict, none.gates["budget"].verdict) == ("pass", "fail")
