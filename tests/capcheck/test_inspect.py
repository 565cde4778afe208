"""`capcheck inspect`: both formats, exit codes, and files that can't be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from capcheck.cli import cli
from click.testing import CliRunner, Result

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  replicas: 2
  template:
    spec:
      nodeSelector: {cloud.google.com/gke-accelerator: nvidia-l4}
      containers:
      - name: engine
        image: vllm/vllm-openai:v0.10.0
        args: [--model=org/Model-AWQ, --max-model-len, $(LENGTH), --dtype=half]
        resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: "chat\\e[31m"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    (tmp_path / "chat.yaml").write_text(MANIFEST)
    (tmp_path / "broken.yaml").write_text("a: [\n")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "none.yaml").write_text("kind: Service\n")
    (tmp_path / "folder").mkdir()
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["inspect", *arguments], prog_name="capcheck")


@pytest.mark.usefixtures("folder")
def test_the_terminal_form(golden: Callable[[str, str], None]) -> None:
    result = call("chat.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    golden("inspect.txt", result.stdout)


@pytest.mark.usefixtures("folder")
def test_the_json_form(golden: Callable[[str, str], None]) -> None:
    result = call("chat.yaml", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    json.loads(result.stdout)
    golden("inspect.json", result.stdout)


@pytest.mark.usefixtures("folder")
def test_several_files_in_one_call_are_read_each_by_itself() -> None:
    result = call("chat.yaml", "chat.yaml", "none.yaml", "--format", "json")
    found = json.loads(result.stdout)
    assert [entry["deployment"] for entry in found["deployments"]] == ["Deployment/chat"] * 2
    assert [entry["path"] for entry in found["not_read"]][-1] == "none.yaml"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("none.yaml",), 0, ""),
        (("broken.yaml",), 2, "yaml-syntax"),
        (("binary.yaml",), 2, "not-utf-8"),
        (("chat.yml",), 2, "path-not-found"),
        (("folder",), 2, "is a directory"),
        (("chat.yaml", "broken.yaml"), 2, "yaml-syntax"),
        ((), 2, "Missing argument"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_exit_codes(arguments: tuple[str, ...], code: int, error: str) -> None:
    result = call(*arguments)
    assert result.exit_code == code
    assert error in result.stderr
    if arguments[:1] == ("chat.yaml",):
        assert "Deployment/chat" in result.stdout


@pytest.mark.usefixtures("folder")
def test_nothing_found_is_said() -> None:
    assert call("none.yaml").stdout == (
        "no deployment found\n\nnot read:\n  none.yaml:1: not recognised: Service\n"
    )
