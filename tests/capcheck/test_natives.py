"""Native files through the command line: found, checked, and written into a manifest."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from capcheck.cli import cli
from capcheck.edit.offers import DRIFTS
from click.testing import CliRunner, Result

from tests.capcheck.manifest.native.conftest import CHAT

OPEN = CHAT.replace("      nodeSelector: {cloud.google.com/gke-accelerator: nvidia-l4}\n", "")
WHOLE = CHAT.replace("        - --max-num-seqs=${SEQS}\n", "")
BROKEN = WHOLE.replace("        resources", "        - --tensor-parallel-size=4\n        resources")


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/chat.yaml").write_text(WHOLE)
    (tmp_path / "k8s/service.yaml").write_text("apiVersion: v1\nkind: Service\n# vllm\n")
    (tmp_path / "k8s/chart.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\n{{ vllm }}\ncontainers: []\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


def check(*arguments: str) -> Result:
    return call("check", "--no-alternatives", "--today", "2026-11-23", *arguments)


def test_a_file_is_checked_and_the_missing_lines_are_printed(repository: Path):
    (repository / "k8s/chat.yaml").write_text(OPEN)
    result = check("k8s/chat.yaml")
    assert result.exit_code == 1
    assert "k8s/chat.yaml:4:3: cannot-predict [missing-gpu] chat" in result.stdout
    assert "    from: k8s/chat.yaml#Deployment/chat\n" in result.stdout
    assert "    # gpu: NAME  # the file does not say\n" in result.stdout


def test_a_file_that_says_enough_passes():
    result = check("k8s/chat.yaml")
    assert result.exit_code == 0, result.stdout
    assert "✓ chat: pass, llama3.1-8b BF16 on vllm, 2 × L4 24GB" in result.stdout


@pytest.mark.parametrize(
    ("label", "basis"),
    [
        ("cloud.google.com/gke-accelerator: nvidia-l4", "gcp"),
        ("node.kubernetes.io/instance-type: g6.xlarge", "aws"),
        # No price of Oracle's is in the table, and nobody asked for one.
        ("node.kubernetes.io/instance-type: BM.GPU.H100.8", "marketplace"),
    ],
)
def test_a_label_of_a_cloud_says_whose_price_applies(repository: Path, label: str, basis: str):
    labelled = WHOLE.replace("cloud.google.com/gke-accelerator: nvidia-l4", label)
    (repository / "k8s/chat.yaml").write_text(labelled)
    (one,) = json.loads(check("k8s/chat.yaml", "--format", "json").stdout)["deployments"]
    assert basis in one["forecast"]["usd_month"]["basis"]


def test_a_folder_is_searched():
    result = check(".")
    assert result.exit_code == 0
    assert "k8s/chat.yaml:4" in result.stdout


def test_what_was_only_come_across_and_is_open_breaks_nothing(repository: Path):
    (repository / "k8s/chat.yaml").write_text(OPEN)
    result = check(".")
    assert result.exit_code == 0
    assert "? chat: cannot-predict" in result.stdout


def test_what_was_only_come_across_and_is_wrong_fails(repository: Path):
    (repository / "k8s/chat.yaml").write_text(BROKEN)
    result = check(".")
    assert result.exit_code == 1
    assert "[gpus-below-parallelism] chat" in result.stdout


def test_a_file_that_a_manifest_refers_to_is_left_to_it(repository: Path):
    (repository / "capcheck.yaml").write_text(
        "version: 1\ndeployments:\n  mine:\n    from: k8s/chat.yaml\n"
        "    serving: {max_model_len: 4096}\n"
    )
    result = check(".")
    assert result.exit_code == 1
    assert "What the native files leave open" not in result.stdout
    assert result.stdout.startswith(
        "capcheck.yaml:5:30: fail [drift] mine\n"
        "  max_model_len is 4096 here, and 8192 in k8s/chat.yaml:16\n"
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [("k8s/service.yaml", "not-recognised"), ("k8s/chart.yaml", "needs-rendering")],
)
def test_a_file_with_nothing_to_check_is_an_error_when_asked_for(name: str, code: str):
    result = check(name)
    assert result.exit_code == 2
    assert code in result.stdout


def test_annotations_stand_on_the_lines_of_the_native_file(repository: Path):
    (repository / "k8s/chat.yaml").write_text(BROKEN)
    result = check("k8s/chat.yaml", "--format", "github")
    assert "::error file=k8s/chat.yaml,line=17,endLine=17,col=34," in result.stdout


def test_init_writes_once(repository: Path):
    assert call("init", "--dry-run").exit_code == 0
    assert not (repository / "capcheck.yaml").exists()
    assert call("init").exit_code == 0
    written = (repository / "capcheck.yaml").read_text()
    assert "    from: k8s/chat.yaml#Deployment/chat\n" in written
    again = call("init")
    assert again.exit_code == 2
    assert "nothing is overwritten" in again.stderr
    assert check("capcheck.yaml").exit_code == 0


def test_init_finds_nothing(repository: Path):
    (repository / "k8s/chat.yaml").unlink()
    result = call("init")
    assert (result.exit_code, result.stderr) == (
        3,
        "error: no deployment found in native files\n",
    )


def git(*arguments: str) -> None:
    subprocess.run(
        ("git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments),
        check=True,
        capture_output=True,
    )


def test_a_change_of_a_native_file_is_compared_with_base(repository: Path):
    git("init", "-q")
    git("add", "k8s/chat.yaml")
    git("commit", "-qm", "base")
    (repository / "k8s/chat.yaml").write_text(BROKEN)
    result = check("k8s/chat.yaml", "--base", "HEAD")
    assert result.exit_code == 1
    assert "tensor_parallel_size" in result.stdout
    assert check("k8s/chat.yaml", "--base", "HEAD").stdout == result.stdout


NOTE = (
    "  annotations:\n    capcheck.dev/check: |\n"
    "      traffic: {requests_per_second: 0.1, profile: chat}\n"
    "      alternatives: {keep: [model, quant, backend, gpu, gpus_per_replica]}\n"
)
LONG = CHAT.replace("8192", "131072").replace("${SEQS}", "256").replace("  namespace: prod\n", NOTE)


ENVIRONMENTS = """\
version: 1
vars: {SEQS: 4}
env_files: [sizes.env]
environments:
  staging: {}
  prod:
    deployments:
      mine: {vars: {SEQS: 64}, env_files: [sizes.env, prod.env]}
deployments:
  mine: {from: "k8s/chat.yaml#Deployment/chat"}
"""


@pytest.mark.parametrize(
    ("environment", "seqs", "length", "origin"),
    [
        (None, 4, 1024, "sizes.env:1"),
        ("staging", 4, 1024, "sizes.env:1"),
        ("prod", 64, 2048, "prod.env:2"),
    ],
)
def test_variables_of_an_environment(
    repository: Path, environment: str | None, seqs: int, length: int, origin: str
):
    (repository / "k8s/chat.yaml").write_text(CHAT.replace("=8192", "=${LEN}"))
    (repository / "sizes.env").write_text("LEN=1024\n")
    (repository / "prod.env").write_text("# longer\nLEN=2048\n")
    (repository / "capcheck.yaml").write_text(ENVIRONMENTS)
    asked = ("--env", environment) if environment else ()
    (one,) = json.loads(check(*asked, "--format", "json", "capcheck.yaml").stdout)["deployments"]
    resolved = one["resolved"]
    assert (resolved["max_num_seqs"]["value"], resolved["max_model_len"]["value"]) == (seqs, length)
    assert resolved["max_model_len"]["origin"] == origin


def test_a_note_in_the_file_is_judged_on_its_lines(repository: Path):
    noted = WHOLE.replace(
        "  namespace: prod\n",
        "  annotations:\n    capcheck.dev/check: |\n      budget: {monthly_usd: 5}\n",
    )
    (repository / "k8s/chat.yaml").write_text(noted)
    result = check("k8s/chat.yaml")
    assert result.exit_code == 1
    assert "k8s/chat.yaml:7:29: fail [cost-over-budget] chat" in result.stdout
    result = check("k8s/chat.yaml", "--format", "github")
    assert "::error file=k8s/chat.yaml,line=7,endLine=7,col=29," in result.stdout


def test_a_note_in_a_compose_service_is_judged_on_its_lines(repository: Path):
    (repository / "compose.yaml").write_text(
        "services:\n  vllm:\n    image: vllm/vllm-openai:v0.11.0\n"
        "    command: --model Qwen/Qwen3-8B\n"
        "    x-capcheck: {gpu: L4, budget: {monthly_usd: 5}}\n"
        "    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1}]}}}\n"
    )
    result = check("compose.yaml")
    assert result.exit_code == 1
    assert "compose.yaml:5:49: fail [cost-over-budget] vllm" in result.stdout


def alternatives(path: str) -> list[dict[str, Any]]:
    result = call("check", "--today", "2026-11-23", "--format", "json", path)
    found: list[dict[str, Any]] = json.loads(result.stdout)["deployments"][0]["alternatives"]
    return found


def test_an_alternative_is_an_edit_of_the_value_at_its_place(repository: Path):
    (repository / "k8s/chat.yaml").write_text(LONG)
    edits = [edit for way in alternatives("k8s/chat.yaml") for edit in way["edits"]]
    assert edits
    for edit in edits:
        line = LONG.split("\n")[edit["line"] - 1]
        assert line[edit["column"] - 1 : edit["end_column"] - 1] == str(edit["previous"])
        assert edit["text"] == str(edit["value"])


def test_no_change_of_a_manifest_makes_it_drift(repository: Path):
    (repository / "k8s/chat.yaml").write_text(LONG)
    (repository / "capcheck.yaml").write_text(
        "version: 1\ndeployments:\n  mine:\n    from: k8s/chat.yaml\n"
    )
    ways = alternatives("capcheck.yaml")
    assert ways
    assert all(edit["text"] is None for way in ways for edit in way["edits"])
    assert {way["refused"] for way in ways} == {DRIFTS}
