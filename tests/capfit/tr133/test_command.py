import json
from pathlib import Path

from capfit.cli import cli
from click.testing import CliRunner


def run(*arguments: str):
    return CliRunner().invoke(cli, ["tr133", *arguments])


def test_the_whole_procedure(raw: Path, tmp_path: Path):
    out = tmp_path / "out"
    result = run("--data", str(raw), "-o", str(out))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[:4] == [
        "7 files, 122 records",
        "  left out: status is not ok, 9",
        "                 train  validation",
        "  throughput        28           7",
    ]
    assert "vram >= " not in result.output
    assert "r2 >= 0.95: met" in result.output
    assert "FAIL" not in result.output
    validation = json.loads((out / "validation.json").read_text())
    assert validation["targets_met"]["vram"] is True
    assert len(validation["spot_checks"]) == 10
    splits = json.loads((out / "splits.json").read_text())
    assert splits["seed"] == 42
    models = json.loads((out / "fitted_models.json").read_text())
    assert models["throughput"]["lookup"]["llama3.2-1b/ollama/FP16"] == 150.0


def test_two_runs_write_the_same_bytes(raw: Path, tmp_path: Path):
    for name in ("one", "two"):
        assert run("--data", str(raw), "-o", str(tmp_path / name)).exit_code == 0
    for file in ("fitted_models.json", "splits.json", "validation.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_no_raw_files(tmp_path: Path):
    result = run("--data", str(tmp_path))
    assert result.exit_code == 2
    assert "no-raw-files" in result.output
