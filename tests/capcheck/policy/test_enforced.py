"""A policy in a run: what it limits, how severe it makes a finding, and what that decides."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.capcheck.policy.conftest import CHAT, Judge, said

SLOW = CHAT + "    slo: {latency_p95: 100ms}\n"
FAST = CHAT + "    slo: {latency_p95: 60s}\n"


def test_without_a_policy_the_report_names_none(judge: Judge) -> None:
    document = judge("")
    assert document["run"]["policy"] is None
    assert document["run"]["fail_on"] == ["fail", "cannot-predict"]
    assert "policy" not in document["deployments"][0]["gates"]


def test_the_report_names_the_file_that_judged(judge: Judge) -> None:
    policy = judge("fail_on: [fail]\n")["run"]["policy"]
    assert policy is not None
    assert policy["path"] == "capcheck-policy.yaml"
    data = b"version: 1\nfail_on: [fail]\n"
    assert policy["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("limits", "rule", "line"),
    [
        ("monthly_usd_per_deployment: 10", "cost-over-budget", 7),
        ("max_utilisation: 0.01", "utilisation-over-limit", 3),
        ("min_vram_headroom: 0.9", "vram-headroom-below-limit", 5),
        ("allowed_gpus: [L4 24GB]", "gpu-not-allowed", 7),
        ("allowed_backends: [vllm]", "backend-not-allowed", 6),
        ("allowed_quants: [AWQ]", "quant-not-allowed", 5),
        ("allowed_models: ['qwen*']", "model-not-allowed", 4),
        ("allowed_licences: [mit]", "licence-not-allowed", 4),
        ("require: {'*': [slo]}", "required-field-missing", 3),
    ],
)
def test_a_limit_of_the_policy_fails_at_the_manifests_line(
    judge: Judge, limits: str, rule: str, line: int
) -> None:
    document = judge(f"limits:\n  {limits}\n")
    (found,) = [one for one in document["findings"] if one["verdict"] == "fail"]
    assert (found["rule"], found["path"], found["line"]) == (rule, "capcheck.yaml", line)
    assert found["related"] is not None
    assert (found["related"]["path"], found["related"]["line"]) == ("capcheck-policy.yaml", 3)
    assert document["exit_code"] == 1


@pytest.mark.parametrize(
    "limits",
    [
        "monthly_usd_per_deployment: 1000",
        "max_utilisation: 0.9",
        "min_vram_headroom: 0.1",
        "allowed_gpus: ['GeForce RTX 4090']",
        "allowed_gpus: ['RTX*']",
        "allowed_backends: ['ollama']",
        "allowed_quants: [q4_k_m]",
        "allowed_models: ['llama3.1:8b']",
        "allowed_licences: ['llama*']",
        "require: {prod: [slo]}",
        "require: {'*': [traffic.requests_per_second]}",
        "monthly_usd: 5000",
    ],
)
def test_a_limit_that_is_kept_says_nothing(judge: Judge, limits: str) -> None:
    document = judge(f"limits:\n  {limits}\n")
    assert said(document) == said(judge(""))
    assert document["exit_code"] == 0


def test_a_manifest_may_be_stricter_than_the_policy_not_laxer(judge: Judge) -> None:
    stricter = judge(
        "limits: {monthly_usd_per_deployment: 1000}\n", CHAT + "    budget: {monthly_usd: 5}\n"
    )
    assert stricter["deployments"][0]["gates"]["budget"]["limit"] == 5
    laxer = judge(
        "limits: {monthly_usd_per_deployment: 10}\n", CHAT + "    budget: {monthly_usd: 500}\n"
    )
    assert laxer["deployments"][0]["gates"]["budget"]["limit"] == 10


@pytest.mark.parametrize(
    ("version", "verdict"),
    [('"0.11.0"', None), ('"0.12.0"', "fail"), ('"0.7.3"', "fail"), ("latest", "cannot-predict")],
)
def test_versions_of_an_engine(judge: Judge, version: str, verdict: str | None) -> None:
    manifest = CHAT.replace("backend: ollama", f"backend: vllm\n    backend_version: {version}")
    document = judge("limits: {allowed_backends: ['vllm >=0.8,<0.12']}\n", manifest)
    verdicts = [
        one["verdict"] for one in document["findings"] if one["rule"] == "backend-not-allowed"
    ]
    assert verdicts == ([] if verdict is None else [verdict])


def test_fields_required_in_an_environment(judge: Judge) -> None:
    policy = "limits: {require: {prod: [slo.latency_p95, budget]}}\n"
    assert said(judge(policy), "required-field-missing") == []
    missing = judge(policy, environment="prod")
    assert [one["message"] for one in missing["findings"] if one["verdict"] == "fail"] == [
        "the policy requires slo.latency_p95 in prod",
        "the policy requires budget in prod",
    ]
    imposed = judge(policy + "", FAST + "    budget: {monthly_usd: 500}\n", environment="prod")
    assert said(imposed, "required-field-missing") == []


def test_a_limit_that_the_policy_imposes_is_not_stated_by_the_manifest(judge: Judge) -> None:
    policy = "limits: {monthly_usd_per_deployment: 900, require: {'*': [budget]}}\n"
    assert said(judge(policy), "required-field-missing") == [
        ("required-field-missing", "error", "fail")
    ]


def test_the_sum_over_all_deployments(judge: Judge) -> None:
    document = judge("limits: {monthly_usd: 10}\n")
    (found,) = [one for one in document["findings"] if one["verdict"] == "fail"]
    assert (found["rule"], found["deployment"]) == ("fleet-cost-over-limit", "")
    assert (found["path"], found["line"]) == ("capcheck-policy.yaml", 2)
    assert found["fingerprint"] == "fleet-cost-over-limit//monthly_usd"
    assert document["deployments"][0]["verdict"] == "pass"
    assert (document["verdict"], document["exit_code"]) == ("fail", 1)


@pytest.mark.parametrize(
    ("level", "expected", "verdict", "exit_code"),
    [
        ("error", [("latency-over-limit", "error", "fail")], "fail", 1),
        ("warning", [("latency-over-limit", "warning", "pass")], "pass", 0),
        ("note", [("latency-over-limit", "note", "pass")], "pass", 0),
        ('"off"', [], "pass", 0),
    ],
)
def test_only_errors_decide_the_verdict(
    judge: Judge, level: str, expected: list[Any], verdict: str, exit_code: int
) -> None:
    document = judge(f"severities: {{latency-over-limit: {level}}}\n", SLOW)
    assert said(document, "latency-over-limit") == expected
    assert (document["verdict"], document["exit_code"]) == (verdict, exit_code)
    # The gate goes on saying what was found.
    assert document["deployments"][0]["gates"]["latency"]["verdict"] == "fail"


def test_a_warning_may_be_made_an_error(judge: Judge) -> None:
    manifest = CHAT + "    serving: {mem_fraction_static: 0.5}\n"
    assert judge("", manifest)["exit_code"] == 0
    document = judge("severities: {setting-ignored: error}\n", manifest)
    assert said(document, "setting-ignored") == [("setting-ignored", "error", "fail")]
    assert document["exit_code"] == 1


def test_the_rules_own_id_wins_over_globs_and_the_longer_glob_over_the_shorter(
    judge: Judge,
) -> None:
    globs = 'severities: {"*": "off", "latency-*": warning}\n'
    assert said(judge(globs, SLOW)) == [("latency-over-limit", "warning", "pass")]
    exact = 'severities: {"*": "off", "latency-*": warning, latency-over-limit: error}\n'
    assert said(judge(exact, SLOW)) == [("latency-over-limit", "error", "fail")]


def test_fail_on_of_the_policy_and_of_the_caller_add_up(judge: Judge) -> None:
    assert judge("fail_on: [fail]\n")["run"]["fail_on"] == ["fail"]
    assert judge("fail_on: [fail]\n", fail_on=("borderline",))["run"]["fail_on"] == [
        "fail",
        "borderline",
    ]
    assert judge("", fail_on=())["run"]["fail_on"] == []


def test_a_skip_cannot_touch_what_the_policy_demands(judge: Judge) -> None:
    skip = "    skip: {rules: [%s], reason: no, expires: 2027-01-01}\n"
    for rule, policy in (
        ("gpu-not-allowed", "limits: {allowed_gpus: [L4 24GB]}\n"),
        ("cost-over-budget", "limits: {monthly_usd_per_deployment: 10}\n"),
    ):
        document = judge(policy, CHAT + skip % rule)
        assert said(document, rule) == [(rule, "error", "fail")]
    own = SLOW + skip % "latency-over-limit"
    assert judge("", own)["exit_code"] == 0
    assert judge("severities: {latency-over-limit: error}\n", own)["exit_code"] == 1


def test_own_prices_and_discounts(judge: Judge) -> None:
    own = """\
prices:
  captured: "2026-11-01"
  list: [{provider: acme, gpu: RTX 4090 24GB, usd_per_hour: 1.0}]
"""
    document = judge(own)
    assert document["deployments"][0]["forecast"]["usd_month"]["value"] == 730
    assert document["run"]["data"]["prices"] >= "2026-11-01"
    manifest = CHAT.replace("RTX 4090 24GB", "L4 24GB") + "    provider: aws\n"
    full = judge("", manifest)["deployments"][0]["forecast"]["usd_month"]["value"]
    less = judge("prices: {discounts: {aws: 0.25}}\n", manifest)
    assert less["deployments"][0]["forecast"]["usd_month"]["value"] == pytest.approx(0.75 * full)


def test_what_the_search_may_offer(judge: Judge) -> None:
    policy = "alternatives: {gpus: [RTX 3090 24GB], max_replicas: 1}\n"
    document = judge(policy, alternatives=True)
    offered = {
        edit["value"]
        for entry in document["deployments"]
        for one in entry["alternatives"]
        for edit in one["edits"]
        if edit["pointer"].endswith("/gpu")
    }
    assert offered <= {"RTX 3090 24GB"}
    limited = judge("limits: {allowed_gpus: [RTX 4090 24GB]}\n", alternatives=True)
    assert not any(
        edit["pointer"].endswith("/gpu")
        for entry in limited["deployments"]
        for one in entry["alternatives"]
        for edit in one["edits"]
    )


def test_a_broken_policy_is_bad_input_and_the_manifests_are_judged_all_the_same(
    judge: Judge,
) -> None:
    document = judge("limts: {}\n")
    (problem,) = document["problems"]
    assert (problem["path"], problem["line"], problem["code"]) == (
        "capcheck-policy.yaml",
        2,
        "unknown-key",
    )
    assert problem["nearest"] == "limits"
    assert document["exit_code"] == 2
    assert [one["name"] for one in document["deployments"]] == ["chat"]


def test_a_rule_that_does_not_exist_is_bad_input(judge: Judge) -> None:
    document = judge("severities: {latency-over-limits: error}\n")
    (problem,) = document["problems"]
    assert (problem["code"], problem["nearest"]) == ("unknown-rule", "latency-over-limit")
