"""The action's step as a runner runs it: script, environment files, hostile checkout."""

import json
import re
from pathlib import Path

import pytest
import yaml
from capcheck.action import step as action
from capcheck.verdicts import DEFAULT_FAIL_ON

from tests.capcheck.action.conftest import Runner

ROOT = Path(__file__).parents[3]
PASSING = """\
version: 1
deployments:
  small:
    model: llama3.2-1b
    quant: Q8_0
    backend: ollama
    gpu: RTX 4090 24GB
    alternatives: {quants: [Q8_0], backends: [ollama], gpus: [RTX 4090 24GB]}
"""
FAILING = """\
version: 1
deployments:
  large:
    model: llama3.3-70b
    quant: BF16
    backend: vllm
    gpu: A100 80GB SXM
    alternatives: {quants: [BF16], backends: [vllm], gpus: [A100 80GB SXM]}
"""

# Imported from the working directory, each of these would leave a file behind.
TRAP = "import pathlib\npathlib.Path(__file__).with_name('pwned').touch()\n"
TRAPPED = (
    "yaml.py",
    "click.py",
    "jsonschema.py",
    "sitecustomize.py",
    "venv.py",
    "pip/__init__.py",
    "capcheck/__init__.py",
    "capcheck/action.py",
)


def test_the_script_in_a_hostile_checkout(runner: Runner) -> None:
    for name in TRAPPED:
        path = runner.workspace / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(TRAP)
    runner.add(FAILING, "$(touch pwned)/`touch pwned`; x.capcheck.yaml")
    step = runner.run(
        PYTHONPATH=str(runner.workspace),
        CAPCHECK_PATHS="\n  $(touch pwned)  \n",
        CAPCHECK_FAIL_ON=DEFAULT_FAIL_ON,
        CAPCHECK_ALLOW_EMPTY="false",
    )
    assert (step.returncode, step.stderr) == (1, "")
    assert not list(runner.workspace.rglob("pwned"))
    path = "$(touch pwned)/`touch pwned`; x.capcheck.yaml"
    assert re.search(
        rf"^::error file={re.escape(path)},line=\d+,endLine=\d+,col=\d+,endColumn=\d+,"
        r"title=vram-does-not-fit",
        step.stdout,
        re.MULTILINE,
    )
    assert step.stdout.endswith("(fail-on fail,cannot-predict), exit 1\n")
    assert runner.summary.startswith("### ❌ capcheck: 1 deployment breaks a limit\n")
    assert runner.outputs["verdict"] == "fail"
    report = Path(runner.outputs["report"])
    assert report.is_relative_to(runner.temp)
    assert json.loads(report.read_text(encoding="utf-8"))["deployments"][0]["path"] == path


def test_a_dependency_with_another_hash_is_not_installed(runner: Runner) -> None:
    lock = (ROOT / "requirements-action.txt").read_text()
    forged = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock)
    (runner.temp / "requirements-action.txt").write_text(forged)
    step = runner.run(ACTION_PATH=str(runner.temp))
    assert step.returncode == 70
    assert step.stdout.startswith("::error title=capcheck%3A set-up failed::Nothing was checked.")
    assert "DO NOT MATCH THE HASHES" in step.stderr


@pytest.mark.parametrize(
    ("files", "inputs", "code", "verdict", "said"),
    [
        ({"a.capcheck.yaml": PASSING}, {}, 0, "pass", "::notice file=a.capcheck.yaml,line="),
        ({"a.capcheck.yaml": FAILING}, {}, 1, "fail", "::error file=a.capcheck.yaml,line="),
        ({"a.capcheck.yaml": FAILING}, {"FAIL_ON": ""}, 0, "fail", ", exit 0\n"),
        ({"a.capcheck.yaml": PASSING}, {"FAIL_ON": "pass"}, 1, "pass", "(fail-on pass), exit 1\n"),
        (
            {"a.yaml": PASSING, "b.yaml": FAILING},
            {"PATHS": "a.yaml\n\n b.yaml "},
            1,
            "fail",
            "1 fail, 1 pass",
        ),
        ({}, {}, 3, "cannot-predict", "::error title=capcheck%3A no manifest found::"),
        ({}, {"ALLOW_EMPTY": "true"}, 0, "pass", "::notice title=capcheck%3A no manifest found::"),
        (
            {"a.yaml": PASSING},
            {"PATHS": "a.yaml\nmissing.yaml"},
            2,
            "cannot-predict",
            "title=bad input%3A path-not-found::",
        ),
    ],
)
def test_verdicts_and_exit_codes(
    runner: Runner,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    inputs: dict[str, str],
    code: int,
    verdict: str,
    said: str,
) -> None:
    for name, manifest in files.items():
        runner.add(manifest, name)
    environ = {
        **runner.environ,
        **{f"CAPCHECK_{name}": value for name, value in inputs.items()},
    }
    assert action.main(environ) == code
    assert said in capsys.readouterr().out
    assert runner.outputs["verdict"] == verdict
    assert (
        json.loads(Path(runner.outputs["report"]).read_text(encoding="utf-8"))["exit_code"] == code
    )
    assert runner.summary.startswith("### ")


def test_a_broken_manifest_does_not_hide_the_others(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.add(FAILING, "good.capcheck.yaml")
    runner.add("version: 1\ndeployments: [\n", "broken.capcheck.yaml")
    assert action.main(runner.environ) == 2
    out = capsys.readouterr().out
    assert "::error file=broken.capcheck.yaml,line=" in out
    assert "::error file=good.capcheck.yaml,line=" in out


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"CAPCHECK_FAIL_ON": "fial"},
            "fail-on: found 'fial', expected a list of pass, borderline, cannot-predict, fail; "
            "did you mean 'fail'?",
        ),
        ({"CAPCHECK_ALLOW_EMPTY": "yes"}, "allow-empty: found 'yes', expected true or false"),
        (
            {"CAPCHECK_ALLOW_EMPTY": "no\n::warning::x"},
            r"allow-empty: found 'no\n::warning::x', expected true or false",
        ),
    ],
)
def test_wrong_inputs(
    runner: Runner, capsys: pytest.CaptureFixture[str], inputs: dict[str, str], message: str
) -> None:
    assert action.main({**runner.environ, **inputs}) == 2
    assert capsys.readouterr().out == (
        f"::error title=capcheck%3A wrong input of the action::{message}\n"
    )


def test_without_the_runners_files_it_still_judges(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.add(FAILING, "a.capcheck.yaml")
    assert action.main({"RUNNER_TEMP": str(runner.temp)}) == 1
    out = capsys.readouterr().out
    assert "::notice title=capcheck%3A no job summary::" in out
    assert "::notice title=capcheck%3A no outputs::" in out


def test_the_summary_is_appended_and_delimiters_are_never_the_same(runner: Runner) -> None:
    runner.add(PASSING, "a.capcheck.yaml")
    (runner.temp / "summary").write_text("before\n")
    for _ in range(2):
        assert action.main(runner.environ) == 0
    assert runner.summary.startswith("before\n### ✅")
    delimiters = re.findall("<<(.+)", (runner.temp / "output").read_text())
    assert len(set(delimiters)) == 2 * len(runner.outputs)


def test_a_bug_is_reported_as_one(
    runner: Runner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("::error::from a manifest")

    monkeypatch.setattr(action, "judge", crash)
    assert action.main(runner.environ) == 70
    out, err = capsys.readouterr()
    assert out.startswith("::error title=capcheck%3A internal error::")
    first, *middle, last = err.splitlines()
    assert first.removeprefix("::stop-commands::") == last.strip(":")
    assert "RuntimeError: ::error::from a manifest" in middle


def test_action_yml_and_the_code_agree() -> None:
    definition = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = (step for step in definition["runs"]["steps"] if step.get("id") == "check")
    assert "${{" not in step["run"]
    assert definition["inputs"]["fail-on"]["default"] == DEFAULT_FAIL_ON
    passed = {name for name in step["env"] if name.startswith("CAPCHECK_")}
    assert passed == {f"CAPCHECK_{name.upper().replace('-', '_')}" for name in definition["inputs"]}
    outputs = {"verdict", "report", "sarif", "monthly-usd", "monthly-usd-delta", "comment-url"}
    assert set(definition["outputs"]) == outputs


def test_every_input_and_output_is_documented() -> None:
    definition = yaml.safe_load((ROOT / "action.yml").read_text())
    text = (ROOT / "docs/action.md").read_text()
    for name in (*definition["inputs"], *definition["outputs"]):
        assert f"\n| `{name}` |" in text, name


def test_the_lock_has_every_dependency_with_hashes() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    (listed,) = re.findall(r"^dependencies = \[(.*)\]$", project, re.MULTILINE)
    wanted = {name.lower() for name in re.findall(r'"([\w-]+)', listed)}
    lock = (ROOT / "requirements-action.txt").read_text()
    requirements = re.split(r"\n(?=\w)", lock.partition("\n")[2])
    assert wanted <= {requirement.partition("==")[0] for requirement in requirements}
    for requirement in requirements[1:]:
        assert requirement.count("--hash=sha256:") > 0
