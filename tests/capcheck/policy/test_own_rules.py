"""Own rules: a limit on a figure, fields that must be stated, values that are allowed."""

from __future__ import annotations

import pytest

from tests.capcheck.policy.conftest import CHAT, Judge, said


def rule(**values: str) -> str:
    stated = {"message": "ask the platform team", **values}
    return (
        "rules:\n  own: {" + ", ".join(f"{key}: {value}" for key, value in stated.items()) + "}\n"
    )


@pytest.mark.parametrize(
    ("pointer", "op", "value", "verdict"),
    [
        ("/forecast/vram_gib", '"<="', "20", None),
        ("/forecast/vram_gib", '"<="', "1", "fail"),
        ("/forecast/vram_gib", '">="', "20", "fail"),
        ("/forecast/latency_ms/p95", '"<="', "3000", "borderline"),
        ("/forecast/vram_gib/parts/weights", '"<"', "10", None),
        ("/gates/vram/limit", '">"', "1", None),
        ("/gates/latency/value", '"<="', "1", "cannot-predict"),
        ("/resolved/gpus_per_replica", '"=="', "1", None),
        ("/resolved/gpus_per_replica/value", '"!="', "1", "fail"),
        ("/resolved/replicas", '"<"', "1", "fail"),
        ("/forecast/quality", '"<="', "0.1", "fail"),
        ("/forecast/tpot_ms/mean", '">"', "0", None),
    ],
)
def test_a_limit_on_a_figure_of_the_report(
    judge: Judge, pointer: str, op: str, value: str, verdict: str | None
) -> None:
    document = judge(rule(limit=pointer, op=op, value=value))
    assert [one["verdict"] for one in document["findings"] if one["rule"] == "own"] == (
        [] if verdict is None else [verdict]
    )
    gate = document["deployments"][0]["gates"]["custom"]
    assert gate["verdict"] == (verdict or "pass")


def test_the_finding_has_both_numbers_and_the_policys_words(judge: Judge) -> None:
    document = judge(rule(limit="/resolved/replicas", op='">="', value="2", fix="two of them"))
    (found,) = [one for one in document["findings"] if one["rule"] == "own"]
    assert found["message"] == ("ask the platform team (/resolved/replicas is 1, must be >= 2)")
    assert (found["fix"], found["gate"]) == ("two of them", "custom")
    assert found["fingerprint"] == "own/chat/own"
    assert (found["path"], found["line"]) == ("capcheck.yaml", 3)


@pytest.mark.parametrize(
    ("values", "severity", "verdict"),
    [
        ({"required": "[slo.latency_p95]"}, "error", "fail"),
        ({"required": "[slo]", "severity": "warning"}, "warning", "pass"),
        ({"required": "[slo]", "severity": "note"}, "note", "pass"),
        ({"allowed": "{backend: [vllm, sglang]}"}, "error", "fail"),
        ({"allowed": "{traffic.profile: [rag]}"}, "error", "fail"),
    ],
)
def test_fields(judge: Judge, values: dict[str, str], severity: str, verdict: str) -> None:
    assert said(judge(rule(**values)), "own") == [("own", severity, verdict)]


@pytest.mark.parametrize(
    "values",
    [
        {"required": "[traffic, gpu]"},
        {"allowed": "{backend: [ollama]}"},
        {"allowed": "{region: [eu-west-1]}"},  # not stated: `required` asks for that
        {"required": "[slo]", "environment": "prod"},
        {"required": "[slo]", "deployment": "search*"},
    ],
)
def test_what_is_kept_or_not_about_this_deployment_says_nothing(
    judge: Judge, values: dict[str, str]
) -> None:
    assert said(judge(rule(**values)), "own") == []


def test_the_search_offers_nothing_that_breaks_an_own_rule(judge: Judge) -> None:
    manifest = CHAT + "    slo: {latency_p95: 100ms}\n"
    document = judge(
        rule(limit="/resolved/replicas", op='"<"', value="1"), manifest, alternatives=True
    )
    assert document["deployments"][0]["alternatives"] == []


def test_severities_apply_to_own_rules(judge: Judge) -> None:
    policy = rule(required="[slo]") + "severities: {own: warning}\n"
    assert said(judge(policy), "own") == [("own", "warning", "pass")]
