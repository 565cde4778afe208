"""What the documentation says is what happens: its commands, its output, its paths."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from capcheck.cli import cli
from capcheck.commands.check import command as check
from capcheck.exit_codes import ExitCode
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = sorted((README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")))

# The output in the README is that of this day: prices age.
TODAY = "2026-11-23"


def fenced(language: str, document: Path = README) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_tests_are_run_as_ci_runs_them() -> None:
    run, test = (command.strip() for command in fenced("sh"))
    assert f"\n  {test}\n" in (ROOT / ".ci/run").read_text()
    assert test.endswith(" && .venv/bin/pytest")
    assert run.endswith(" && .venv/bin/capcheck examples/")


def test_the_first_command_works_in_a_clean_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", "dist", "build", ".*_cache")
    shutil.copytree(ROOT, clone, ignore=leave)
    # The search of every example takes longer than this test should; its result is another's.
    command = fenced("sh")[0].strip() + " --no-alternatives"
    done = subprocess.run(["bash", "-c", command], cwd=clone, capture_output=True, encoding="utf-8")
    assert done.returncode == ExitCode.FAILED, done.stderr
    (decision,) = (x for x in done.stdout.splitlines() if x.startswith("capcheck: "))
    assert decision.startswith("capcheck: failed: ")
    assert decision.endswith("(fail-on fail,cannot-predict), exit 1")


def test_the_manifest_is_that_of_the_examples(request: pytest.FixtureRequest) -> None:
    text = README.read_text(encoding="utf-8")
    match = re.search(
        r"```yaml\n(?P<manifest>.*?)```\n\n```console\n\$ capcheck (?P<path>\S+)\n", text, re.S
    )
    assert match
    manifest = (ROOT / match["path"]).read_text(encoding="utf-8")
    if request.config.getoption("--update-golden"):
        start, end = match.span("manifest")
        README.write_text(text[:start] + manifest + text[end:], encoding="utf-8")
    else:
        assert match["manifest"] == manifest


def test_commands_print_what_is_shown(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    text = README.read_text(encoding="utf-8")
    shown = r"```console\n\$ (?P<command>.*?)\n(?P<output>.*?)```"

    def run(match: re.Match[str]) -> str:
        program, *arguments = shlex.split(match["command"])
        assert program == "capcheck"
        output = CliRunner().invoke(cli, [*arguments, "--today", TODAY]).stdout
        return f"```console\n$ {match['command']}\n{output}```"

    printed, count = re.subn(shown, run, text, flags=re.DOTALL)
    assert count == 2
    if request.config.getoption("--update-golden"):
        README.write_text(printed, encoding="utf-8")
    else:
        assert printed == text


def test_the_workflow_pins_what_ours_pin() -> None:
    (workflow,) = (text for text in fenced("yaml") if text.startswith("on: "))
    ours = (ROOT / ".github/workflows/ci.yml").read_text()
    (checkout,) = re.findall(r"uses: actions/checkout@.*", workflow)
    assert checkout in ours
    step = yaml.safe_load(workflow)["jobs"]["capcheck"]["steps"][-1]
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    assert set(step["with"]) <= set(inputs)


def test_the_workflow_for_forks() -> None:
    """What the page promises of it: it runs for failing checks, checks base out, may write."""
    (text,) = fenced("yaml", ROOT / "docs/forks.md")
    ours = (ROOT / ".github/workflows/ci.yml").read_text()
    (checkout,) = re.findall(r"uses: actions/checkout@.*", text)
    assert checkout in ours
    workflow = yaml.safe_load(text)
    job = workflow["jobs"]["comment"]
    assert "conclusion != 'cancelled'" in job["if"]
    assert "success" not in job["if"]
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert workflow["permissions"] == {}
    check, act = job["steps"]
    assert check["with"] == {"persist-credentials": False}
    assert set(act["with"]) <= set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])


@pytest.mark.parametrize("document", [README, ROOT / "docs" / "cli.md"], ids=lambda path: path.name)
def test_exit_codes_are_those_of_the_program(document: Path) -> None:
    listed = set(map(int, re.findall(r"^\| (\d+) \|", document.read_text(), re.MULTILINE)))
    signals = {ExitCode.INTERRUPTED, ExitCode.BROKEN_PIPE}
    assert listed == set(ExitCode) - (signals if document == README else set())


def test_every_option_of_check_is_described() -> None:
    described = (ROOT / "docs" / "cli.md").read_text()
    for parameter in check.params:
        if not getattr(parameter, "hidden", False) and parameter.param_type_name == "option":
            assert any(f"`{name}" in described for name in parameter.opts), parameter.name


def paths_in(document: Path) -> Iterator[str]:
    """Links, and whatever in backticks starts with a folder of the repository."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\((?!\w+://|#)([^)#]+)", text):
        yield str((document.parent / target).resolve().relative_to(ROOT))
    for path in re.findall(r"`([\w./-]+)`", text):
        folder, slash, _ = path.partition("/")
        if slash and (ROOT / folder).is_dir():
            yield path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_exist(document: Path) -> None:
    missing = [path for path in paths_in(document) if not (ROOT / path).exists()]
    assert missing == []


def test_contributing_is_checked_at_all() -> None:
    assert len(set(paths_in(ROOT / "docs" / "contributing.md"))) > 20
