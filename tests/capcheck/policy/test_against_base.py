"""In a pull request base's policy judges, tightened by head's; what it loosens is news."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from capcheck.policy.combine import judging
from capcheck.policy.load import load
from capcheck.policy.loosened import loosened
from capcheck.policy.model import EMPTY, Policy
from capcheck.report import Document, to_document
from capcheck.run import Options, run

from tests.capcheck.conftest import GitRepository
from tests.capcheck.policy.conftest import CHAT, NOW, said

SLOW = CHAT + "    slo: {latency_p95: 100ms}\n"
WAIVER = """\
waivers:
  - {id: w, rule: latency-over-limit, reason: r, owner: o, expires: "%s"}
"""


def policy(text: str) -> Policy:
    return load(f"version: 1\n{text}".encode(), "capcheck-policy.yaml") if text else EMPTY


@pytest.mark.parametrize(
    ("base", "head", "messages"),
    [
        ("", "", []),
        ("limits: {monthly_usd: 10}", "limits: {monthly_usd: 9}", []),
        (
            "limits: {monthly_usd: 10}",
            "limits: {monthly_usd: 11}",
            ["monthly_usd went from 10 to 11"],
        ),
        ("limits: {monthly_usd: 10}", "", ["monthly_usd 10 was removed"]),
        (
            "limits: {min_vram_headroom: 0.2}",
            "limits: {min_vram_headroom: 0.1}",
            ["min_vram_headroom went from 0.2 to 0.1"],
        ),
        ("limits: {allowed_gpus: [L4 24GB]}", "limits: {allowed_gpus: ['L4']}", []),
        (
            "limits: {allowed_gpus: [L4 24GB]}",
            "limits: {allowed_gpus: [L4 24GB, T4 16GB]}",
            ["allowed_gpus now has T4 16GB"],
        ),
        ("limits: {allowed_quants: [AWQ]}", "", ["allowed_quants was removed"]),
        (
            "limits: {require: {prod: [slo, budget]}}",
            "limits: {require: {prod: [slo]}}",
            ["budget no longer required in prod"],
        ),
        ("", "fail_on: [fail]", ["cannot-predict no longer fails a run"]),
        (
            "",
            "severities: {latency-over-limit: warning}",
            ["severity of latency-over-limit goes from error to warning"],
        ),
        (
            "severities: {single-replica: error}",
            "",
            ["severity of single-replica goes from error to warning"],
        ),
        ("", WAIVER % "2027-01-01", ["waiver w of latency-over-limit is new"]),
        (
            WAIVER % "2027-01-01",
            WAIVER % "2027-02-01",
            ["waiver w of latency-over-limit was changed"],
        ),
        (WAIVER % "2027-02-01", WAIVER % "2027-01-01", []),
        (WAIVER % "2027-02-01", "", []),
        ("max_waiver_days: 30", "max_waiver_days: 60", ["max_waiver_days went from 30 to 60"]),
        (
            "rules: {own: {message: m, required: [slo]}}",
            "rules: {own: {message: other, required: [slo]}}",
            [],
        ),
        (
            "rules: {own: {message: m, required: [slo]}}",
            "rules: {own: {message: m, required: [gpu]}}",
            ["rule own was changed"],
        ),
        ("prices: {discounts: {aws: 0.1}}", "", ["prices changed"]),
    ],
)
def test_what_is_loosened(base: str, head: str, messages: list[str]) -> None:
    changes = loosened(policy(base), policy(head))
    assert [one.message for one in changes] == [
        f"policy: {message}: base's still judges" for message in messages
    ]


def test_base_judges_and_head_may_tighten() -> None:
    base = policy("limits: {monthly_usd: 10, max_utilisation: 0.5}\n" + WAIVER % "2027-02-01")
    head = policy("limits: {monthly_usd: 20, max_utilisation: 0.4}\n" + WAIVER % "2027-01-01")
    both = judging(base, head)
    assert both.limits == {"monthly_usd": 10, "max_utilisation": 0.4}
    assert [one.expires.isoformat() for one in both.waivers] == ["2027-01-01"]
    assert judging(base, policy("")).waivers == ()
    assert judging(EMPTY, head).waivers == ()


Compare = Callable[..., Document]


@pytest.fixture
def compare(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> Compare:
    """`compare(base files, head files)`: the report of head against base; None removes a file."""
    monkeypatch.chdir(repository.root)

    def of(base: dict[str, str], head: dict[str, str | None], **options: Any) -> Document:
        commit = repository.commit(base)
        for name, text in head.items():
            path = Path(name)
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
        asked = {"fail_on": None, "now": NOW, "alternatives": False, "base": commit, **options}
        return to_document(run(["."], Options(**asked)).report)

    return of


NAME = "capcheck-policy.yaml"


def test_a_waiver_added_in_the_pull_request_does_not_count(compare: Compare) -> None:
    document = compare(
        {"capcheck.yaml": CHAT},
        {"capcheck.yaml": SLOW, NAME: "version: 1\n" + WAIVER % "2027-01-01"},
    )
    assert ("latency-over-limit", "error", "fail") in said(document)
    assert document["exit_code"] == 1
    (moved,) = document["limits_changed"]
    assert (moved["deployment"], moved["path"], moved["pointer"]) == ("", NAME, "/waivers/0")
    assert said(document, "limit-loosened") == [("limit-loosened", "warning", "pass")]


def test_a_waiver_of_base_counts(compare: Compare) -> None:
    text = "version: 1\n" + WAIVER % "2027-01-01"
    document = compare({"capcheck.yaml": CHAT, NAME: text}, {"capcheck.yaml": SLOW})
    assert said(document, "latency-over-limit") == [("latency-over-limit", "note", "pass")]
    assert document["exit_code"] == 0
    assert document["limits_changed"] == []


def test_a_policy_that_is_removed_still_judges(compare: Compare) -> None:
    limit = "version: 1\nlimits: {allowed_gpus: [RTX 4090 24GB]}\n"
    document = compare(
        {"capcheck.yaml": CHAT, NAME: limit},
        {"capcheck.yaml": CHAT.replace("RTX 4090 24GB", "L4 24GB"), NAME: None},
    )
    assert said(document, "gpu-not-allowed") == [("gpu-not-allowed", "error", "fail")]
    assert [one["message"] for one in document["limits_changed"]] == [
        "policy: allowed_gpus was removed: base's still judges"
    ]


def test_a_limit_added_in_the_pull_request_does_not_blame_what_was_there(compare: Compare) -> None:
    limit = "version: 1\nlimits: {allowed_gpus: [L4 24GB], monthly_usd: 1}\n"
    document = compare({"capcheck.yaml": CHAT}, {NAME: limit})
    assert said(document, "gpu-not-allowed") == [("gpu-not-allowed", "error", "fail")]
    (found,) = [one for one in document["findings"] if one["rule"] == "gpu-not-allowed"]
    assert found["change"] == "unchanged"
    assert said(document, "fleet-cost-over-limit") == [("fleet-cost-over-limit", "warning", "pass")]
    assert document["exit_code"] == 0


def test_loosening_may_be_made_an_error(compare: Compare) -> None:
    strict = "version: 1\nseverities: {limit-loosened: error}\n"
    document = compare(
        {"capcheck.yaml": SLOW, NAME: strict},
        {"capcheck.yaml": SLOW.replace("100ms", "200ms")},
    )
    assert said(document, "limit-loosened") == [("limit-loosened", "error", "fail")]
    assert document["exit_code"] == 1


def test_a_policy_outside_of_the_repository_is_its_own_authority(
    compare: Compare, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("elsewhere") / "policy.yaml"
    outside.write_text("version: 1\n" + WAIVER % "2027-01-01", "utf-8")
    document = compare({"capcheck.yaml": CHAT}, {"capcheck.yaml": SLOW}, policy=outside)
    assert document["exit_code"] == 0
    assert document["limits_changed"] == []
