"""Every rule has a manifest that breaks it and one that keeps it, with what is said, and where.

`fixtures/RULE/{failing,passing}/capcheck.yaml` is checked as of TODAY, with the run's options in
`options.json` if there are any; `expected.json` has the findings of that rule. `pytest
--update-golden` rewrites it.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from capcheck.finding import SEVERITIES
from capcheck.report import to_document
from capcheck.rules import exceptions, organisation
from capcheck.rules.catalogue import CATALOGUE, RULES_BY_ID
from capcheck.rules.rule import Rule
from capcheck.run import Options, run

FIXTURES = Path(__file__).parent / "fixtures"
TODAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
KEPT = ("severity", "verdict", "message", "line", "column", "end_column", "fix")

# What no manifest alone can show, and what shows it.
ELSEWHERE = {
    "missing-model": "a manifest without a model is an error of the file: test_resolve.py",
    "quality-few-items": "no published score rests on so few items: test_limits.py",
    "over-refusal-above-limit": "no refusal of harmless prompts is published: test_limits.py",
    "cost-increase-over-limit": "needs a base: test_change.py",
    "limit-loosened": "needs a base: the tests of capcheck.compare",
    **dict.fromkeys(
        (
            *(rule.id for rule in organisation.RULES),
            *(rule.id for rule in exceptions.RULES if rule.id.startswith("waiver-")),
        ),
        "needs a policy: the tests of capcheck.policy",
    ),
}
SHOWN = [rule for rule in CATALOGUE if rule.id not in ELSEWHERE]
CASES = [(rule, kind) for rule in SHOWN for kind in ("failing", "passing")]


def said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every finding of the folder's manifest, as the report has it."""
    options: dict[str, Any] = {"alternatives": False}
    if (folder / "options.json").exists():
        options |= json.loads((folder / "options.json").read_text("utf-8"))
    monkeypatch.chdir(folder)
    outcome = run(["capcheck.yaml"], Options(fail_on=("fail",), now=TODAY, **options))
    assert outcome.report.problems == ()
    findings: list[Any] = to_document(outcome.report)["findings"]
    return findings


def test_every_rule_has_both_fixtures_and_every_fixture_a_rule() -> None:
    have = {f"{case.parent.name}/{case.name}" for case in FIXTURES.glob("*/*")}
    assert have == {f"{rule.id}/{kind}" for rule, kind in CASES}
    assert set(ELSEWHERE) <= set(RULES_BY_ID)


@pytest.mark.parametrize(("rule", "kind"), CASES, ids=[f"{rule.id}-{kind}" for rule, kind in CASES])
def test_a_fixture_is_told_exactly(
    rule: Rule, kind: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    folder = FIXTURES / rule.id / kind
    found = [one for one in said(folder, monkeypatch) if one["rule"] == rule.id]
    assert bool(found) == (kind == "failing")
    worst = SEVERITIES.index(rule.severity)
    assert all(SEVERITIES.index(one["severity"]) >= worst for one in found)
    if rule.gate is not None:
        assert {one["gate"] for one in found if one["severity"] == "error"} <= {rule.gate}
    text = json.dumps([{key: one[key] for key in KEPT} for one in found], indent=2) + "\n"
    expected = folder / "expected.json"
    if request.config.getoption("--update-golden"):
        expected.write_text(text, "utf-8")
    assert json.loads(text) == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize(("rule", "kind"), CASES, ids=[f"{rule.id}-{kind}" for rule, kind in CASES])
def test_the_example_of_the_documentation_is_an_excerpt_of_the_fixture(
    rule: Rule, kind: str
) -> None:
    manifest = (FIXTURES / rule.id / kind / "capcheck.yaml").read_text("utf-8")
    excerpt = rule.failing if kind == "failing" else rule.passing
    stripped = {line.strip() for line in manifest.splitlines()}
    assert [line for line in excerpt.splitlines() if line.strip() not in stripped] == []


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.id)
def test_a_rule_can_be_waived(rule: Rule, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With `skip` beside it the finding is a note that passes and says why."""
    if rule.id.startswith("skip-"):
        pytest.skip("it is about skip itself")
    folder = FIXTURES / rule.id / "failing"
    skip = f"    skip: {{rules: [{rule.id}], reason: agreed, expires: 2027-03-31}}\n"
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    manifest = (folder / "capcheck.yaml").read_text("utf-8")
    manifest = manifest.replace("  chat:\n", f"  chat:\n{skip}", 1)
    (tmp_path / "capcheck.yaml").write_text(manifest, "utf-8")
    before = [one for one in said(folder, monkeypatch) if one["rule"] == rule.id]
    after = [one for one in said(tmp_path, monkeypatch) if one["rule"] == rule.id]
    assert len(after) == len(before) > 0
    for one, was in zip(after, before, strict=True):
        assert (one["severity"], one["verdict"]) == ("note", "pass")
        assert one["message"] == f"{was['message']} (waived until 2027-03-31: agreed)"
        assert one["waived"] == {
            "id": "skip",
            "reason": "agreed",
            "owner": "",
            "expires": "2027-03-31",
        }
