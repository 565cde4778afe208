"""A recorded baseline: old findings do not count, new and worse ones do, fixed ones go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from capcheck.cli import cli
from click.testing import CliRunner, Result

SLOW = """\
version: 1
deployments:
  chat:
    model: llama3.1-8b
    quant: Q4_K_M
    backend: ollama
    gpu: RTX 4090 24GB
    traffic: {requests_per_second: 0.05, profile: chat}
    slo: {latency_p95: %s}
"""
FILE = Path(".capcheck-baseline.json")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def capcheck(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--today", "2026-11-23"])


def write(limit: str, more: str = "") -> None:
    Path("capcheck.yaml").write_text(SLOW % limit + more, "utf-8")


def check(*more: str) -> Result:
    return capcheck("check", "--no-alternatives", "--baseline", str(FILE), *more)


def test_what_was_recorded_does_not_count(here: Path) -> None:
    write("100ms")
    recorded = capcheck("baseline")
    assert (recorded.exit_code, recorded.stdout) == (
        0,
        ".capcheck-baseline.json: 1 findings recorded\n",
    )
    assert json.loads(FILE.read_text("utf-8")) == {
        "schema": "capcheck.baseline/v1",
        "findings": [{"fingerprint": "latency-over-limit/chat/latency_p95", "verdict": "fail"}],
    }
    checked = check("--format", "json")
    document = json.loads(checked.stdout)
    assert (checked.exit_code, document["verdict"]) == (0, "pass")
    assert (document["counts"]["waived"], document["counts"]["recorded"]) == (1, 1)
    (found,) = [one for one in document["findings"] if one["rule"] == "latency-over-limit"]
    assert found["waived"] == {
        "id": "baseline",
        "reason": "recorded in the baseline",
        "owner": "",
        "expires": "",
    }
    assert "not counted: 1 recorded in the baseline" in check().stdout


def test_lines_do_not_matter(here: Path) -> None:
    write("100ms")
    capcheck("baseline")
    Path("capcheck.yaml").write_text("# moved\n# down\n" + SLOW % "90ms", "utf-8")
    assert check().exit_code == 0


def test_what_is_new_or_worse_counts(here: Path) -> None:
    write("2500ms")
    assert capcheck("check", "--no-alternatives", "--fail-on", "borderline").exit_code == 1
    capcheck("baseline")
    assert json.loads(FILE.read_text("utf-8"))["findings"][0]["verdict"] == "borderline"
    write("100ms")
    assert check().exit_code == 1  # it was borderline, and fails now
    write("2500ms", "    budget: {monthly_usd: 1}\n")
    assert check().exit_code == 1


def test_pruning_takes_out_what_is_fixed_and_adds_nothing(here: Path) -> None:
    write("100ms", "    budget: {monthly_usd: 1}\n")
    capcheck("baseline")
    write("60s", "    budget: {monthly_usd: 1, usd_per_million_tokens: 0.01}\n")
    pruned = capcheck("baseline", "--prune")
    assert pruned.stdout == ".capcheck-baseline.json: 1 findings recorded, 1 pruned\n"
    (left,) = json.loads(FILE.read_text("utf-8"))["findings"]
    assert left["fingerprint"] == "cost-over-budget/chat/monthly_usd"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "other", "findings": []}',
        '{"schema": "capcheck.baseline/v1"}',
        '{"schema": "capcheck.baseline/v1", "findings": [{"fingerprint": 1, "verdict": "fail"}]}',
        "[" * 100_000,
    ],
)
def test_another_file_is_bad_input(here: Path, text: str) -> None:
    write("60s")
    FILE.write_text(text, "utf-8")
    checked = check()
    assert checked.exit_code == 2
    assert "bad-baseline" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_what_cannot_be_read_is_not_recorded(here: Path) -> None:
    Path("capcheck.yaml").write_text("version: 1\n", "utf-8")
    assert capcheck("baseline").exit_code == 2
    assert not FILE.exists()
    Path("capcheck.yaml").unlink()
    assert capcheck("baseline").exit_code == 3


def test_base_and_baseline_exclude_each_other(here: Path) -> None:
    write("100ms")
    capcheck("baseline")
    refused = check("--base", "HEAD")
    assert refused.exit_code == 2
    assert "--base and --baseline exclude each other" in refused.stderr
