"""What is built is complete: installed away from the checkout, it does the main job."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run outside the checkout, with nothing of this process's Python in the environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from the source distribution, so that both are tested."""
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands in a virtual environment that has the wheel only."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / SCRIPTS / "python"
    installed = run(python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    return python.parent


def test_the_wheel_holds_data_schemas_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = (path.name for path in (ROOT / "checker/capcheck/data").iterdir() if path.is_file())
    schemas = (path.name for path in (ROOT / "schemas").glob("*.json"))
    for expected in (
        *(f"capcheck/data/{name}" for name in data),
        *(f"capcheck/schemas/{name}" for name in schemas),
        "capcheck/py.typed",
        "capfit/py.typed",
    ):
        assert expected in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {
        "capcheck",
        "capfit",
    }


def test_an_installed_capcheck_judges_an_example(scripts: Path, tmp_path: Path) -> None:
    example = ROOT / "examples" / "fails-vram.capcheck.yaml"
    checked = run(scripts / "capcheck", "--format", "json", example, cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (1, "")
    report = json.loads(checked.stdout)
    assert [deployment["verdict"] for deployment in report["deployments"]] == ["fail"]
    schema = run(scripts / "capcheck", "schema", "report", cwd=tmp_path)
    jsonschema.Draft202012Validator(json.loads(schema.stdout)).validate(report)


def test_it_is_not_the_checkout_that_ran(scripts: Path, tmp_path: Path) -> None:
    where = run(scripts / "python", "-c", "import capcheck; print(capcheck.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(scripts.parent)


def test_the_checker_needs_neither_numpy_nor_scipy(scripts: Path, tmp_path: Path) -> None:
    installed = run(scripts / "python", "-m", "pip", "list", "--format", "json", cwd=tmp_path)
    names = {package["name"].lower() for package in json.loads(installed.stdout)}
    assert {"capcheck", "click", "pyyaml", "jsonschema"} <= names
    assert not {"numpy", "scipy"} & names
