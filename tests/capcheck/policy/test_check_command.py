"""`capcheck policy check`: what is suspicious in a policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from capcheck.cli import cli
from click.testing import CliRunner, Result

from tests.capcheck.policy.conftest import CHAT

ROOT = Path(__file__).parents[3]
WAIVER = "waivers: [{id: w, rule: %s, reason: r, owner: o, expires: '%s'}]"


def look(text: str, *more: str) -> Result:
    Path("p.yaml").write_text(f"version: 1\n{text}\n", "utf-8")
    return CliRunner().invoke(cli, ["policy", "check", "p.yaml", "--today", "2026-11-23", *more])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        ("fail_on: [fail]", []),
        (
            WAIVER % ("price-stale", "2026-11-01"),
            ["p.yaml:2:68: warning [waiver-expired] waiver w ended on 2026-11-01"],
        ),
        (
            WAIVER % ("price-stale", "2026-12-01"),
            ["p.yaml:2:68: note [waiver-expiring] waiver w ends on 2026-12-01"],
        ),
        (
            "max_waiver_days: 7\n" + WAIVER % ("price-stale", "2027-12-01"),
            [
                "p.yaml:3:68: warning [waiver-too-long] waiver w ends more than 7 days from now: "
                "it does not apply"
            ],
        ),
        (
            "limits: {monthly_usd: 100, monthly_usd_per_deployment: 500}",
            [
                "p.yaml:2:56: warning [unmeetable-limit] monthly_usd_per_deployment 500 is above "
                "monthly_usd 100"
            ],
        ),
        (
            "limits: {allowed_backends: ['vllm >=0.12,<0.8']}",
            ["p.yaml:2:10: warning [unmeetable-limit] no version is in vllm >=0.12,<0.8"],
        ),
        (
            "limits: {allowed_models: ['gtp*']}",
            ["p.yaml:2:10: warning [unmeetable-limit] no models are called gtp*"],
        ),
        (
            "limits: {min_vram_headroom: 1}",
            ["p.yaml:2:29: warning [unmeetable-limit] nothing can leave all memory free"],
        ),
        (
            "limits: {allowed_gpus: [L4 24GB]}\ngpu_labels: {pool: {big: H100 80GB SXM}}",
            [
                "p.yaml:3:14: note [unused-gpu-label] pool=big means H100 80GB SXM, which "
                "allowed_gpus does not list"
            ],
        ),
        (
            "rules: {price-stale: {message: m, required: [slo]}}",
            ["p.yaml:2:9: warning [duplicate-rule] price-stale is a rule of capcheck already"],
        ),
    ],
)
def test_remarks(text: str, remarks: list[str]) -> None:
    seen = look(text)
    count = f"p.yaml: {len(remarks)} remark{'' if len(remarks) == 1 else 's'}"
    assert (seen.exit_code, seen.stdout.splitlines()) == (0, [*remarks, count])


def test_a_limit_below_every_price() -> None:
    seen = look("limits: {monthly_usd: 1, allowed_gpus: ['H100*']}")
    assert "[unmeetable-limit] nothing can meet monthly_usd 1: the cheapest GPU is $" in seen.stdout


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "severities: {latency-over-limits: note}",
            'p.yaml:2:35: unknown-rule: found "latency-over-limits", expected a rule of '
            "`capcheck rules`, or a glob of some; did you mean 'latency-over-limit'?",
        ),
        (WAIVER % ("nothing-*", "2027-01-01"), 'unknown-rule: found "nothing-*"'),
        ("plugins: [acme]", 'p.yaml:2:1: unknown-plugin: found "acme"'),
        ("limits: {allowed_gpus: [L44]}", "unknown-name"),
    ],
)
def test_what_keeps_a_policy_from_being_used_is_an_error(text: str, error: str) -> None:
    seen = look(text)
    assert seen.exit_code == 2
    assert error in seen.stderr


def test_waivers_are_held_against_manifests() -> None:
    Path("capcheck.yaml").write_text(CHAT, "utf-8")
    seen = look(WAIVER % ("latency-over-limit", "2027-03-01"), "--against", "capcheck.yaml")
    assert "p.yaml:2:75: note [waiver-unused] waiver w covers no finding" in seen.stdout


def test_the_example_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path = "examples/policy/capcheck-policy.yaml"
    seen = CliRunner().invoke(cli, ["policy", "check", path, "--today", "2026-11-23"])
    assert seen.exit_code == 0
    assert [line.split("[")[1].split("]")[0] for line in seen.stdout.splitlines()[:-1]] == [
        "waiver-expiring",
        "waiver-expired",
    ]
