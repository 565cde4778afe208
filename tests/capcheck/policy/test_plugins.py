"""Rules of an installed package, found by its entry point where a policy names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capcheck.policy.conftest import CHAT

PLUGIN = """
from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="acme-two-replicas",
        title="Fewer than two replicas",
        severity="error",
        why="Acme runs everything twice.",
        how="The fewest replicas.",
        fix="Set replicas: 2.",
        failing="replicas: 1",
        passing="replicas: 2",
    ),
)


def check(case: Case) -> Judgement:
    if case.resolved.replicas_min >= 2:
        return Judgement()
    return Judgement((), (Finding(
        rule="acme-two-replicas", severity="error", verdict="fail",
        message="one replica", place=case.deployment.at("/replicas"),
    ),))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for the path of Python that holds the package as an installer leaves it."""
    folder = tmp_path / "site"
    info = folder / "acme_capcheck-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "acme_capcheck.py").write_text(PLUGIN, "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-capcheck\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[capcheck.rules]\nacme = acme_capcheck\n")
    return folder


def capcheck(where: Path, path: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    import capcheck

    parts = [str(Path(capcheck.__file__).parents[1]), *([str(path)] if path else [])]
    return subprocess.run(
        [sys.executable, "-m", "capcheck", *arguments],
        cwd=where,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(parts)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_named_plugin_judges(tmp_path: Path, installed: Path) -> None:
    policy = "version: 1\nplugins: [acme]\nseverities: {acme-two-replicas: error}\n"
    (tmp_path / "policy.yaml").write_text(policy, "utf-8")
    (tmp_path / "capcheck.yaml").write_text(CHAT, "utf-8")
    check = ("check", "--no-alternatives", "--format", "json", "--policy", "policy.yaml")
    document = json.loads(capcheck(tmp_path, installed, *check).stdout)
    errors = [one for one in document["findings"] if one["severity"] == "error"]
    assert [(one["rule"], one["verdict"]) for one in errors] == [("acme-two-replicas", "fail")]
    (tmp_path / "policy.yaml").write_text("version: 1\n", "utf-8")
    assert capcheck(tmp_path, installed, *check).returncode == 0


def test_a_plugin_that_is_not_installed_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\nplugins: [acme]\n", "utf-8")
    (tmp_path / "capcheck.yaml").write_text(CHAT, "utf-8")
    done = capcheck(tmp_path, None, "check", "--no-alternatives", "--policy", "policy.yaml")
    assert done.returncode == 2
    assert "[unknown-plugin]" in done.stdout
