"""Tightening never turns a fail into a pass; waiving changes nothing but what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from capcheck.finding import VERDICTS
from capcheck.judge import Checked, Context
from capcheck.judge import judge as judged
from capcheck.manifest.load import load as manifest
from capcheck.policy.combine import judging, tightened
from capcheck.policy.load import load
from capcheck.policy.model import Policy
from capcheck.predict import coefficients
from capcheck.registry import tables
from capcheck.rules.catalogue import RULES_BY_ID
from hypothesis import given, settings
from hypothesis import strategies as st

TODAY = date(2026, 11, 23)
(DEPLOYMENT,) = manifest(
    b"""version: 1
deployments:
  chat:
    model: llama3.1-8b
    quant: Q4_K_M
    backend: ollama
    gpu: RTX 4090 24GB
    traffic: {requests_per_second: 0.2, profile: chat}
    slo: {latency_p95: 9s, ttft_p95: 1s}
    budget: {monthly_usd: 300}
""",
    "capcheck.yaml",
)
RULES = (
    "latency-over-limit",
    "ttft-over-limit",
    "cost-over-budget",
    "price-stale",
    "setting-ignored",
    "gpu-not-allowed",
    "*",
    "*-over-*",
)
LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "monthly_usd_per_deployment": st.integers(1, 2000),
    "max_utilisation": st.integers(1, 100).map(lambda percent: percent / 100),
    "min_vram_headroom": st.integers(0, 90).map(lambda percent: percent / 100),
    "allowed_gpus": st.lists(st.sampled_from(["RTX*", "L4 24GB", "H100*"]), min_size=1),
    "allowed_quants": st.lists(st.sampled_from(["Q4_K_M", "AWQ", "FP8"]), min_size=1),
    "require": st.fixed_dictionaries({"*": st.sampled_from([["slo"], ["quality"], ["traffic"]])}),
}
LEVELS = st.sampled_from(["off", "note", "warning", "error"])
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "limits": st.fixed_dictionaries({}, optional=LIMITS),
        "severities": st.dictionaries(st.sampled_from(RULES), LEVELS, max_size=4),
    },
)
WAIVERS = st.lists(st.sampled_from([*RULES[:6], "latency-*"]), max_size=3, unique=True)


def policy(values: Mapping[str, Any]) -> Policy:
    """JSON is YAML."""
    import json

    return load(json.dumps({"version": 1, **values}).encode(), "capcheck-policy.yaml")


def waivers(rules: list[str]) -> list[dict[str, str]]:
    return [
        {"id": rule, "rule": rule, "reason": "r", "owner": "o", "expires": "2027-01-01"}
        for rule in rules
    ]


def under(one: Policy) -> Checked:
    context = Context(tables.load(), coefficients.load(None), TODAY, policies={"": one})
    return judged(DEPLOYMENT, context)


@settings(max_examples=15)
@given(POLICIES, POLICIES)
def test_a_second_policy_never_makes_the_verdict_better(
    authority: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    alone, both = policy(authority), tightened(policy(authority), policy(other))
    before, after = under(alone), under(both)
    assert VERDICTS.index(after.verdict) >= VERDICTS.index(before.verdict)


@settings(max_examples=10)
@given(POLICIES, POLICIES, WAIVERS)
def test_a_pull_requests_policy_never_makes_the_verdict_better_than_bases(
    base: Mapping[str, Any], head: Mapping[str, Any], waived: list[str]
) -> None:
    ours = policy({**head, **({"waivers": waivers(waived)} if waived else {})})
    before = under(policy(base))
    after = under(judging(policy(base), ours))
    assert VERDICTS.index(after.verdict) >= VERDICTS.index(before.verdict)


@settings(max_examples=10)
@given(POLICIES, st.floats(0.1, 1))
def test_a_tighter_number_never_makes_the_verdict_better(
    values: Mapping[str, Any], factor: float
) -> None:
    loose = policy(values)
    tight = replace(
        loose,
        limits={
            name: 1 - (1 - value) * factor if name == "min_vram_headroom" else value * factor
            for name, value in loose.limits.items()
        },
    )
    assert VERDICTS.index(under(tight).verdict) >= VERDICTS.index(under(loose).verdict)


@settings(max_examples=10)
@given(POLICIES, WAIVERS)
def test_waiving_changes_no_other_finding(values: Mapping[str, Any], rules: list[str]) -> None:
    from fnmatch import fnmatchcase

    before = under(policy(values))
    after = under(policy({**values, **({"waivers": waivers(rules)} if rules else {})}))
    assert after.gates == before.gates

    def others(checked: Checked) -> set[Any]:
        return {
            found
            for found in checked.findings
            if not any(fnmatchcase(found.rule, rule) for rule in rules)
        }

    assert others(after) == others(before)
    assert len(after.findings) == len(before.findings)
    assert VERDICTS.index(after.verdict) <= VERDICTS.index(before.verdict)


def test_the_rules_of_the_laws_exist() -> None:
    assert {rule for rule in RULES if "*" not in rule} <= set(RULES_BY_ID)
