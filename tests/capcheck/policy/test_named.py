"""A policy that a manifest names: it adds to the organisation's and takes nothing from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from capcheck.run import Options, run

from tests.capcheck.policy.conftest import CHAT, NOW, Judge, said

NAMING = CHAT.replace("version: 1\n", "version: 1\npolicy: team.yaml\n")


def test_alone_it_is_the_policy(judge: Judge) -> None:
    Path("team.yaml").write_text("version: 1\nlimits: {allowed_gpus: [L4 24GB]}\n", "utf-8")
    document = judge("", NAMING)
    assert said(document, "gpu-not-allowed") == [("gpu-not-allowed", "error", "fail")]
    assert document["run"]["policy"] is not None
    assert document["run"]["policy"]["path"] == "team.yaml"


def test_it_tightens_and_does_not_loosen(judge: Judge) -> None:
    text = """version: 1
limits: {monthly_usd_per_deployment: 9000, allowed_gpus: [L4 24GB]}
severities: {cost-over-budget: "off", single-replica: error}
"""
    Path("team.yaml").write_text(text, "utf-8")
    document = judge("limits: {monthly_usd_per_deployment: 10}\n", NAMING, environment="prod")
    errors = {one["rule"] for one in document["findings"] if one["verdict"] == "fail"}
    assert errors == {"gpu-not-allowed", "cost-over-budget", "single-replica"}
    assert document["deployments"][0]["gates"]["budget"]["limit"] == 10


def test_it_cannot_waive_what_the_organisation_demands(judge: Judge) -> None:
    text = """version: 1
waivers: [{id: w, rule: "*", reason: r, owner: o, expires: "2027-01-01"}]
"""
    Path("team.yaml").write_text(text, "utf-8")
    document = judge("limits: {monthly_usd_per_deployment: 10}\n", NAMING)
    (problem,) = document["problems"]
    assert (problem["path"], problem["line"], problem["code"]) == ("team.yaml", 2, "conflict")
    assert ("cost-over-budget", "error", "fail") in said(document)
    assert document["exit_code"] == 2


@pytest.mark.parametrize("path", ["team.yaml", "../team.yaml", "/etc/hostname"])
def test_one_that_cannot_be_read_is_bad_input(judge: Judge, path: str) -> None:
    document = judge("", NAMING.replace("team.yaml", path))
    (problem,) = document["problems"]
    assert (problem["path"], problem["code"]) == ("capcheck.yaml", "unreadable-file")


def test_one_that_is_asked_for_and_not_there_is_bad_input(judge: Judge) -> None:
    Path("capcheck.yaml").write_text(CHAT, "utf-8")
    report = run(["capcheck.yaml"], Options(fail_on=None, now=NOW, policy="missing.yaml")).report
    assert [one.code for one in report.problems] == ["path-not-found"]


def test_github_comes_before_the_root(judge: Judge) -> None:
    Path(".github").mkdir()
    Path(".github/capcheck-policy.yaml").write_text("version: 1\nfail_on: [fail]\n", "utf-8")
    policy = judge("fail_on: [borderline]\n")["run"]["policy"]
    assert policy is not None
    assert policy["path"] == ".github/capcheck-policy.yaml"
