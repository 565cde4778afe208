"""Every way to call capcheck, right and wrong: exit code, standard output, standard error."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import jsonschema
import pytest
from capcheck import __version__, schemas
from capcheck.cli import COMMANDS, cli
from capcheck.exit_codes import ExitCode
from click.testing import CliRunner, Result

from tests.capcheck.conftest import GitRepository

ROOT = Path(__file__).parents[2]

ONLY = "alternatives: {quants: [Q8_0], backends: [ollama], gpus: [RTX 4090 24GB]}"
PASSING = f"""\
version: 1
deployments:
  small: {{model: llama3.2-1b, quant: Q8_0, backend: ollama, gpu: RTX 4090 24GB, {ONLY}}}
"""
FAILING = f"""\
version: 1
deployments:
  large: {{model: llama3.3-70b, quant: Q8_0, backend: ollama, gpu: RTX 4090 24GB, {ONLY}}}
"""
UNKNOWN = f"""\
version: 1
deployments:
  secret: {{model: acme/secret-7b, quant: Q8_0, backend: ollama, gpu: RTX 4090 24GB, {ONLY}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty but for a passing, a failing and a broken manifest in `m`."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "m").mkdir()
    for name, text in (
        ("pass.yaml", PASSING),
        ("fail.yaml", FAILING),
        ("unknown.yaml", UNKNOWN),
        ("broken.yaml", "version: 1\ndeployments:\n  a: {model: gpt2, gpus: L4}\n"),
        ("empty.yaml", ""),
        ("other.json", '{"schema": "capcheck.coefficients/v1"}'),
    ):
        (tmp_path / "m" / name).write_text(text)
    return tmp_path


def call(*arguments: str, charset: str = "utf-8") -> Result:
    return CliRunner(charset=charset).invoke(cli, arguments, prog_name="capcheck")


@pytest.mark.parametrize(
    ("arguments", "code", "last_line"),
    [
        (["m/pass.yaml"], 0, "capcheck: passed: 1 pass, exit 0"),
        (
            ["m/fail.yaml"],
            1,
            "capcheck: failed: 1 fail (fail-on fail,cannot-predict), exit 1",
        ),
        (
            ["m/unknown.yaml"],
            1,
            "capcheck: failed: 1 cannot-predict (fail-on fail,cannot-predict), exit 1",
        ),
        (["--fail-on", "fail", "m/unknown.yaml"], 0, "capcheck: passed: 1 cannot-predict, exit 0"),
        (["--fail-on", "", "m/fail.yaml"], 0, "capcheck: passed: 1 fail, exit 0"),
        (
            ["--fail-on=pass , fail", "m/pass.yaml"],
            1,
            "capcheck: failed: 1 pass (fail-on fail,pass), exit 1",
        ),
        (
            ["m/pass.yaml", "m/fail.yaml", "m/pass.yaml"],
            1,
            "capcheck: failed: 1 fail, 1 pass (fail-on fail,cannot-predict), exit 1",
        ),
        ([], 3, "capcheck: no manifest found, exit 3"),
        (["."], 3, "capcheck: no manifest found, exit 3"),
        (["--allow-empty"], 0, "capcheck: no manifest found, which is allowed, exit 0"),
        (["m/empty.yaml"], 2, "capcheck: could not read 1 manifest, exit 2"),
        (["--allow-empty", "m/empty.yaml"], 2, "capcheck: could not read 1 manifest, exit 2"),
        (["m/broken.yaml"], 2, "capcheck: could not read 1 manifest, exit 2"),
        (
            ["m/fail.yaml", "m/broken.yaml"],
            2,
            "capcheck: could not read 1 manifest; 1 fail, exit 2",
        ),
        (
            ["m/missing.yaml", "m/pass.yaml"],
            2,
            "capcheck: could not read 1 manifest; 1 pass, exit 2",
        ),
    ],
)
def test_verdicts_and_exit_codes(
    folder: Path, arguments: list[str], code: int, last_line: str
) -> None:
    for command in ([], ["check"]):
        result = call(*command, *arguments)
        assert (result.exit_code, result.stderr) == (code, "")
        assert result.stdout.splitlines()[-1] == last_line
        quiet = call(*command, "-q", *arguments)
        assert (quiet.exit_code, quiet.stdout) == (code, f"{last_line}\n")


def test_a_directory_means_the_manifests_in_it(folder: Path) -> None:
    for name in ("capcheck.yaml", "chat.capcheck.yml", "other.yaml"):
        (folder / name).write_text(PASSING)
    for arguments in ((), (".",)):
        report = json.loads(call(*arguments, "--format", "json").stdout)
        paths = [deployment["path"] for deployment in report["deployments"]]
        assert paths == ["capcheck.yaml", "chat.capcheck.yml"]


def test_problems_are_on_stderr_when_stdout_is_for_programs(folder: Path) -> None:
    expected = (
        'error: m/broken.yaml:3:20: unknown-key: found "gpus", expected a field of a '
        "deployment; did you mean 'gpus_per_replica'?\n"
    )
    for output_format in ("json", "markdown", "github"):
        result = call("--format", output_format, "m/broken.yaml")
        assert (result.exit_code, result.stderr) == (2, expected)


EXPECTED_VERDICTS = "expected a list of pass, borderline, cannot-predict, fail"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--frmat", "json"], "No such option '--frmat'. Did you mean '--format'?"),
        (
            ["--format", "jsn"],
            "Invalid value for '--format': 'jsn' is not one of 'terminal', 'json', 'github', "
            "'markdown', 'comment', 'sarif', 'junit', 'codequality'.",
        ),
        (
            ["--fail-on", "fial"],
            f"Invalid value for '--fail-on': found 'fial', {EXPECTED_VERDICTS}; "
            "did you mean 'fail'?",
        ),
        (
            ["--fail-on", "fail,none"],
            f"Invalid value for '--fail-on': found 'none', {EXPECTED_VERDICTS}",
        ),
        (["-q", "-v"], "--quiet and --verbose exclude each other"),
        (
            ["--output", "report.json"],
            "Invalid value for '--output': found 'report.json', expected FORMAT=FILE with FORMAT "
            "one of terminal, json, github, markdown",
        ),
        (
            ["--output", "json="],
            "Invalid value for '--output': found 'json=', expected FORMAT=FILE with FORMAT one of "
            "terminal, json, github, markdown",
        ),
        (
            ["--output", "json=out/report.json"],
            "Invalid value for '--output': cannot write out/report.json: there is no directory out",
        ),
        (
            ["--output", "json=m"],
            "Invalid value for '--output': cannot write m: it is a directory",
        ),
        (
            ["--output", "json=a", "--output", "markdown=a"],
            "Invalid value for '--output': two formats go to a",
        ),
        (
            ["--coefficients", "none.json"],
            "Invalid value for '--coefficients': File 'none.json' does not exist.",
        ),
        (
            ["--coefficients", "m/pass.yaml"],
            "Invalid value for '--coefficients': coefficients m/pass.yaml are not JSON: ",
        ),
        (
            ["--coefficients", "m/other.json"],
            "Invalid value for '--coefficients': m/other.json at $: 'version' is a required "
            "property (see `capcheck schema coefficients`)",
        ),
        (
            ["--today", "yesterday"],
            "Invalid value for '--today': 'yesterday' does not match the format '%Y-%m-%d'.",
        ),
        (["--color", "maybe"], "Invalid value for '--color': 'maybe' is not one of "),
    ],
)
def test_wrong_calls(folder: Path, arguments: list[str], message: str) -> None:
    before = sorted(folder.rglob("*"))
    result = call("m/pass.yaml", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    usage, _, said = result.stderr.partition("\nError: ")
    assert usage.startswith("Usage: capcheck check [OPTIONS] [PATH]...\n")
    assert said.startswith(message)
    assert sorted(folder.rglob("*")) == before


def test_an_option_without_its_value() -> None:
    result = call("m/pass.yaml", "--format")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("Error: Option '--format' requires an argument.\n")


def test_a_misspelt_command_is_not_taken_for_a_file(folder: Path) -> None:
    result = call("lits", "models")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(
        "Error: there is no file or command 'lits'; did you mean 'list'?\n"
    )
    (folder / "lits").write_text(PASSING)
    assert call("lits").exit_code == 0


def test_a_command_wins_over_a_file_of_its_name(folder: Path) -> None:
    (folder / "list").write_text(PASSING)
    assert call("list", "backends").stdout.startswith("name ")
    assert call("./list").exit_code == 0
    assert call("check", "list").exit_code == 0


def test_output_files(folder: Path) -> None:
    arguments = ["--output", "json=r.json", "--output", "markdown=r.md", "--output", "terminal=r"]
    printed = call("m/fail.yaml", *arguments, "--today", "2026-01-31")
    assert (printed.exit_code, printed.stderr) == (1, "")
    for output_format, name in (("json", "r.json"), ("markdown", "r.md"), ("terminal", "r")):
        alone = call("m/fail.yaml", "--format", output_format, "--today", "2026-01-31")
        assert (folder / name).read_text(encoding="utf-8") == alone.stdout
    assert (folder / "r").read_text(encoding="utf-8") == printed.stdout


def test_a_file_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are, the report is still printed, and the exit code tells."""
    replace = Path.replace

    def disk_full(path: Path, target: Path) -> Path:
        if target.name == "r.json":
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", disk_full)
    result = call("m/fail.yaml", "--output", "json=r.json", "--output", "markdown=r.md")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: cannot write r.json: No space left on device\n",
    )
    assert result.stdout.endswith("(fail-on fail,cannot-predict), exit 1\n")
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["r.md"]


def test_equal_runs_give_equal_bytes_and_a_valid_report(folder: Path) -> None:
    arguments = ["--format", "json", "--today", "2026-01-31", "m/pass.yaml", "m/fail.yaml"]
    first, second = call(*arguments), call(*arguments)
    assert first.stdout_bytes == second.stdout_bytes
    report = json.loads(first.stdout)
    assert report["run"]["created"] == "2026-01-31T00:00:00Z"
    jsonschema.Draft202012Validator(json.loads(schemas.text("report"))).validate(report)


def test_no_alternatives(folder: Path) -> None:
    with_search = json.loads(call("--format", "json", "m/fail.yaml").stdout)
    without = json.loads(call("--format", "json", "--no-alternatives", "m/fail.yaml").stdout)
    assert (
        with_search["deployments"][0]["near_misses"]
        or with_search["deployments"][0]["alternatives"]
    )
    assert without["deployments"][0]["near_misses"] == []
    assert without["deployments"][0]["alternatives"] == []


@pytest.mark.parametrize(
    ("options", "environ", "colored"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--format", "markdown"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_color(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    environ: dict[str, str],
    colored: bool,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in call("m/fail.yaml", *options).stdout) is colored


@pytest.mark.parametrize("charset", ["ascii", "cp1252"])
def test_a_console_without_unicode(folder: Path, charset: str) -> None:
    terminal = call("m/fail.yaml", charset=charset)
    assert (terminal.exit_code, terminal.stderr) == (1, "")
    assert b"x large: fail" in terminal.stdout_bytes
    markdown = call("m/fail.yaml", "--format", "markdown", charset=charset)
    assert markdown.stdout_bytes.startswith("### ❌ capcheck".encode())


def test_list(folder: Path) -> None:
    table = call("list", "gpus", "rtx", "4090", "laptop")
    assert (table.exit_code, table.stderr) == (0, "")
    header, row = table.stdout.splitlines()
    assert header.split()[:2] == ["name", "memory_gb"]
    assert row.startswith("RTX 4090 Laptop 16GB ")
    (entry,) = json.loads(call("list", "gpus", "4090 laptop", "--format", "json").stdout)
    assert entry["name"] == "RTX 4090 Laptop 16GB"
    assert entry["source"]


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [("models", 149), ("gpus", 134), ("quants", 56), ("backends", 7), ("prices", 1)],
)
def test_list_has_everything(kind: str, at_least: int) -> None:
    assert len(json.loads(call("list", kind, "--format", "json").stdout)) >= at_least


def test_list_without_a_match() -> None:
    table = call("list", "quants", "nothing of the kind")
    assert (table.exit_code, table.stdout) == (0, "")
    assert table.stderr == "none of the quants matches 'nothing of the kind'\n"
    assert call("list", "quants", "nothing", "--format", "json").stdout == "[]\n"


def test_list_of_what_is_not_there() -> None:
    result = call("list", "modles")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'modles' is not one of 'models', 'gpus'" in result.stderr


@pytest.mark.parametrize("name", schemas.NAMES)
def test_schema(name: str) -> None:
    result = call("schema", name)
    assert (result.exit_code, result.stderr) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(result.stdout))


def test_schema_of_what_is_not_there() -> None:
    assert call("schema", "policies").exit_code == 2


def test_render(folder: Path) -> None:
    arguments = ["m/fail.yaml", "--today", "2026-01-31"]
    call(*arguments, "--output", "json=r.json")
    for output_format in ("json", "github", "markdown"):
        rendered = call("render", "r.json", "--format", output_format)
        assert (rendered.exit_code, rendered.stderr) == (0, "")
        assert rendered.stdout == call(*arguments, "--format", output_format).stdout
    assert call("render", "r.json", "-q").stdout == call(*arguments, "-q").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "error: r.json:1:2: invalid-json: "),
        ("[]", "error: r.json:1:1: invalid-report: found at $: [] is not of type 'object'"),
        ('{"schema": NaN}', "error: r.json:1:1: invalid-json: "),
        (PASSING, "error: r.json:1:1: invalid-json: "),
    ],
)
def test_render_of_something_else(folder: Path, text: str, message: str) -> None:
    (folder / "r.json").write_text(text)
    result = call("render", "r.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


def test_render_without_a_file(folder: Path) -> None:
    assert call("render", "none.json").exit_code == 2
    assert call("render", "m").exit_code == 2
    assert call("render").exit_code == 2


def test_version() -> None:
    assert call("--version").stdout == f"capcheck, version {__version__}\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command(option: str) -> None:
    result = call(option)
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout
        assert import_module(f"capcheck.commands.{name}").command.name == name
        assert call(name, option).stdout.startswith(f"Usage: capcheck {name} ")


def test_a_bug_is_not_bad_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("capcheck.commands.check.run", crash)
    result = call("m/pass.yaml")
    assert (result.exit_code, result.stdout) == (ExitCode.INTERNAL, "")
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert "ZeroDivisionError: a bug\n" in result.stderr
    assert "please report it" in result.stderr


def test_ctrl_c(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("capcheck.commands.check.run", interrupt)
    result = call("m/pass.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (ExitCode.INTERRUPTED, "", "")


def test_against_another_commit(repository: GitRepository) -> None:
    repository.commit({"a.capcheck.yaml": FAILING})
    result = call("--no-alternatives", "--base", "HEAD", "-q")
    assert (result.exit_code, result.stderr) == (ExitCode.OK, "")
    assert result.stdout == (
        "capcheck: passed: 0 of 1 deployment changed; 1 failing as on base, exit 0\n"
    )
    repository.write({"b.capcheck.yaml": FAILING.replace("large:", "larger:")})
    result = call("check", "--no-alternatives", "--base=HEAD", "--format", "github")
    assert result.exit_code == ExitCode.FAILED
    assert "::error file=b.capcheck.yaml,line=3," in result.stdout
    assert "::notice file=a.capcheck.yaml,line=3," in result.stdout


@pytest.mark.parametrize("output_format", ["terminal", "json", "markdown", "github"])
def test_without_the_other_commit(repository: GitRepository, output_format: str) -> None:
    repository.commit({"a.capcheck.yaml": FAILING})
    result = call("--no-alternatives", "--base", "origin/main", "--format", output_format)
    said = '"origin/main" is not a commit of this checkout'
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith(f"warning: no comparison: {said}")
    assert said.replace('"', "") in result.stdout.replace('\\"', "").replace('"', "")


def test_against_another_commit_outside_of_a_repository(folder: Path) -> None:
    result = call("--base", "HEAD", "m/pass.yaml")
    assert (result.exit_code, result.stdout) == (ExitCode.BAD_INPUT, "")
    assert result.stderr.startswith("error: m/pass.yaml:1:1: no-repository: found not a git repo")


# PYTHONUNBUFFERED, for one, changes how a broken pipe shows.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "capcheck", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, encoding="utf-8")


def modules_after(*arguments: str) -> set[str]:
    """Everything imported by the end of a call."""
    code = "import sys\nfrom capcheck.__main__ import main\ntry: main()\n"
    code += "finally: print('modules:', *sys.modules)"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, encoding="utf-8")
    return set(done.stdout.rpartition("modules: ")[2].split())


def test_the_program(folder: Path) -> None:
    done = program("--no-alternatives", "m/fail.yaml", "m/broken.yaml")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.endswith("capcheck: could not read 1 manifest; 1 fail, exit 2\n")


def test_the_program_is_silent_when_its_reader_leaves() -> None:
    command = [sys.executable, "-m", "capcheck", "list", "models", "--format", "json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == ExitCode.BROKEN_PIPE


@pytest.mark.skipif(os.name == "nt", reason="POSIX file names")
def test_a_file_name_that_is_not_utf8(folder: Path) -> None:
    name = os.fsdecode(b"m/\xff.yaml")
    (folder / name).write_text(FAILING)
    for output_format in ("terminal", "json", "markdown", "github"):
        done = program("--no-alternatives", "--format", output_format, name)
        assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_little(option: str) -> None:
    loaded = modules_after(option)
    assert "click" in loaded
    heavy = {"yaml", "jsonschema", "importlib.metadata", "json", "csv", "capcheck.report"}
    assert not heavy & loaded


def test_a_check_imports_nothing_that_it_does_not_need(folder: Path) -> None:
    loaded = modules_after("m/pass.yaml")
    assert "capcheck.report" in loaded
    assert not {"jsonschema", "numpy", "importlib.metadata", "pkg_resources"} & loaded
