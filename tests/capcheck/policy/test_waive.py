"""Waivers: what they cover, when they end, and what is said about them."""

from __future__ import annotations

import pytest

from tests.capcheck.policy.conftest import CHAT, Judge, said

SLOW = CHAT + "    slo: {latency_p95: 100ms}\n"


def waiver(**values: str) -> str:
    stated = {
        "id": "demo",
        "rule": "latency-over-limit",
        "reason": "a demo",
        "owner": "team-chat",
        "expires": '"2027-03-31"',
        **values,
    }
    return "waivers:\n  - {" + ", ".join(f"{key}: {value}" for key, value in stated.items()) + "}\n"


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"rule": '"latency-*"'},
        {"deployment": '"ch*"'},
        {"path": '"*.yaml"'},
        {"environment": "prod", "deployment": "chat"},
    ],
)
def test_what_is_covered_is_a_note_that_says_why(judge: Judge, scope: dict[str, str]) -> None:
    document = judge(waiver(**scope), SLOW, environment="prod")
    (found,) = [one for one in document["findings"] if one["rule"] == "latency-over-limit"]
    assert (found["severity"], found["verdict"]) == ("note", "pass")
    assert found["waived"] == {
        "id": "demo",
        "reason": "a demo",
        "owner": "team-chat",
        "expires": "2027-03-31",
    }
    assert found["message"].endswith("(waived until 2027-03-31: a demo)")
    assert (document["verdict"], document["counts"]["waived"]) == ("pass", 1)
    assert document["deployments"][0]["gates"]["latency"]["verdict"] == "fail"


@pytest.mark.parametrize(
    "scope",
    [
        {"rule": "ttft-over-limit"},
        {"deployment": "search"},
        {"path": '"deploy/*"'},
        {"environment": "staging"},
    ],
)
def test_what_is_not_covered_counts(judge: Judge, scope: dict[str, str]) -> None:
    document = judge(waiver(**scope), SLOW, environment="prod")
    assert ("latency-over-limit", "error", "fail") in said(document)
    assert document["exit_code"] == 1


def test_a_waiver_holds_until_the_end_of_its_day_and_says_so_before(judge: Judge) -> None:
    document = judge(waiver(expires='"2026-11-23"'), SLOW)
    assert document["exit_code"] == 0
    (note,) = [one for one in document["findings"] if one["rule"] == "waiver-expiring"]
    assert note["message"] == ("waiver demo of latency-over-limit ends today, after 2026-11-23")
    assert (note["severity"], note["path"], note["line"]) == ("note", "capcheck-policy.yaml", 3)
    assert said(judge(waiver(expires='"2026-12-07"'), SLOW), "waiver-expiring")
    assert not said(judge(waiver(expires='"2026-12-08"'), SLOW), "waiver-expiring")


def test_an_ended_waiver_brings_the_finding_back_with_its_place(judge: Judge) -> None:
    document = judge(waiver(expires='"2026-11-22"'), SLOW)
    back, said_so = (
        next(one for one in document["findings"] if one["rule"] == rule)
        for rule in ("latency-over-limit", "waiver-expired")
    )
    assert (back["severity"], back["verdict"], back["waived"]) == ("error", "fail", None)
    for one in (back, said_so):
        assert one["related"] is not None
        assert (one["related"]["path"], one["related"]["line"]) == ("capcheck-policy.yaml", 3)
    assert said_so["message"] == (
        "waiver demo of latency-over-limit ended on 2026-11-22: it counts again"
    )
    assert document["exit_code"] == 1


def test_a_waiver_that_covers_nothing_is_noted(judge: Judge) -> None:
    assert said(judge(waiver()), "waiver-unused") == [("waiver-unused", "note", "pass")]
    elsewhere = judge(waiver(environment="prod"))
    assert said(elsewhere, "waiver-unused") == []


def test_a_waiver_may_not_last_longer_than_the_policy_lets_it(judge: Judge) -> None:
    document = judge("max_waiver_days: 30\n" + waiver(), SLOW)
    assert ("latency-over-limit", "error", "fail") in said(document)
    assert said(document, "waiver-too-long") == [("waiver-too-long", "warning", "pass")]
    near = judge("max_waiver_days: 30\n" + waiver(expires='"2026-12-23"'), SLOW)
    assert near["exit_code"] == 0


def test_the_sum_of_all_deployments_can_be_waived(judge: Judge) -> None:
    limit = "limits: {monthly_usd: 10}\n"
    document = judge(limit + waiver(rule="fleet-cost-over-limit"))
    assert said(document, "fleet-cost-over-limit") == [("fleet-cost-over-limit", "note", "pass")]
    assert document["exit_code"] == 0


def test_a_finding_of_an_own_rule_can_be_waived(judge: Judge) -> None:
    rule = "rules: {needs-slo: {required: [slo], message: state one}}\n"
    assert judge(rule)["exit_code"] == 1
    assert judge(rule + waiver(rule="needs-slo"))["exit_code"] == 0
