"""`capcheck fix`: what it writes, what it says, and what it leaves alone."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from capcheck.cli import cli
from capcheck.commands import fix
from click.testing import CliRunner, Result

ONLY = (
    "alternatives: {quants: [Q4_K_M], backends: [ollama], gpus: [RTX 4060 8GB], "
    "keep: [gpus_per_replica, max_num_seqs, max_model_len, replicas]}"
)


def deployment(name: str, quant: str, *, model: str = "llama3.1-8b") -> str:
    return f"""\
  {name}:
    model: {model}   # the model
    quant: {quant}  # 漢字
    backend: ollama
    gpu: RTX 4060 8GB
    traffic: {{requests_per_second: 0.05, prompt_tokens: 256, output_tokens: 64}}

    # what may change
    {ONLY}
"""


def manifest(*deployments: str) -> str:
    return "# ours\nversion: 1\ndeployments:\n" + "".join(deployments)


FAILING = manifest(deployment("chat", "'FP16'"))
FIXED = manifest(deployment("chat", "'Q4_K_M'"))
HOPELESS = deployment("large", "Q4_K_M", model="llama3.3-70b")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["fix", *arguments], prog_name="capcheck")


def write(text: str | bytes, name: str = "m.yaml") -> Path:
    path = Path(name)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_fixes_and_has_nothing_to_do_then(folder: Path) -> None:
    file = write(FAILING)
    done = call("m.yaml")
    assert done.stdout == (
        "chat: quant: Q4_K_M: passes, same cost; needs a GGUF file of llama3.1-8b in Q4_K_M\n"
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert file.read_text() == FIXED
    again = call("m.yaml")
    assert (again.exit_code, again.stdout) == (0, "chat: passes, nothing to fix\n")
    assert file.read_text() == FIXED
    assert os.listdir(folder) == ["m.yaml"]


def test_a_dry_run_prints_what_git_applies(folder: Path) -> None:
    file = write(FAILING)
    done = call("m.yaml", "--dry-run")
    assert done.exit_code == 0
    assert done.stderr.startswith("chat: quant: Q4_K_M: passes")
    assert file.read_text() == FAILING
    subprocess.run(["git", "apply", "-"], input=done.stdout, text=True, check=True)
    assert file.read_text() == FIXED


def test_line_ends_and_the_mark_at_the_start_survive(folder: Path) -> None:
    data = "\ufeff" + FAILING.replace("\n", "\r\n")
    file = write(data)
    assert call("m.yaml").exit_code == 0
    assert file.read_bytes() == ("\ufeff" + FIXED.replace("\n", "\r\n")).encode()


def test_what_the_file_is_survives(folder: Path) -> None:
    file = write(FAILING)
    file.chmod(0o640)
    Path("link.yaml").symlink_to("m.yaml")
    assert call("link.yaml").exit_code == 0
    assert Path("link.yaml").is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_text() == FIXED


def test_what_cannot_be_fixed_is_said_and_the_rest_is_fixed(folder: Path) -> None:
    file = write(manifest(deployment("chat", "FP16"), HOPELESS))
    done = call("m.yaml")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1].startswith("large: not changed: nothing")
    assert file.read_text() == manifest(deployment("chat", "Q4_K_M"), HOPELESS)


def test_one_deployment_only(folder: Path) -> None:
    file = write(manifest(deployment("chat", "FP16"), deployment("help", "FP16")))
    assert call("m.yaml", "--deployment", "help").exit_code == 0
    assert file.read_text() == manifest(deployment("chat", "FP16"), deployment("help", "Q4_K_M"))
    wrong = call("m.yaml", "--deployment", "hlep")
    assert wrong.exit_code == 2
    assert "there is no deployment 'hlep'; did you mean 'help'?" in wrong.stderr


def test_several_at_once(folder: Path) -> None:
    file = write(manifest(deployment("chat", "FP16"), deployment("help", '"FP16"')))
    assert call("m.yaml").exit_code == 0
    assert file.read_text() == manifest(
        deployment("chat", "Q4_K_M"), deployment("help", '"Q4_K_M"')
    )


def test_a_shared_value_is_left_alone(folder: Path) -> None:
    text = manifest(deployment("chat", "&q FP16"), deployment("help", "*q"))
    file = write(text)
    done = call("m.yaml", "--deployment", "chat")
    assert done.exit_code == 1
    assert done.stdout == (
        "chat: not changed: deployments.chat.quant is the anchor &q, which line 15 shares\n"
    )
    assert file.read_text() == text


def test_a_manifest_that_cannot_be_read(folder: Path) -> None:
    text = FAILING.replace("quant", "qaunt")
    file = write(text)
    done = call("m.yaml")
    assert done.exit_code == 2
    assert "m.yaml:6:5: unknown-key" in done.stderr
    assert file.read_text() == text


def test_nothing_is_written_that_does_not_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix, "passing", lambda *_: frozenset())
    file = write(FAILING)
    done = call("m.yaml")
    assert (done.exit_code, done.stderr) == (
        1, "error: chat: does not pass once changed; nothing is written\n"
    )  # fmt: skip
    assert file.read_text() == FAILING


def test_a_file_that_somebody_else_changes_is_left_to_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(FAILING)

    def meanwhile(*_: object) -> frozenset[str]:
        file.write_text("# mine\n")
        return frozenset(("chat",))

    monkeypatch.setattr(fix, "passing", meanwhile)
    done = call("m.yaml")
    assert done.exit_code == 1
    assert "was changed meanwhile; nothing is written" in done.stderr
    assert file.read_text() == "# mine\n"


@pytest.mark.parametrize("arguments", [[], ["nowhere.yaml"], ["."], ["m.yaml", "m.yaml"]])
def test_wrong_usage(folder: Path, arguments: list[str]) -> None:
    write(FAILING)
    assert call(*arguments).exit_code == 2
