"""The commands that compare and simulate."""

from pathlib import Path

import numpy as np
import pytest
from capfit.cli import cli
from capfit.commands.simulate import BARS, WIDTH, histogram
from click.testing import CliRunner

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "vllm-8b-l4.capcheck.yaml"


def run(*arguments: str):
    return CliRunner().invoke(cli, arguments)


def test_simulate_prints_both_answers_and_a_histogram():
    result = run("simulate", str(EXAMPLE), "--requests", "600", "--replications", "2")
    assert result.exit_code == 0, result.output
    assert "simulated" in result.output
    assert result.output.count(" %\n") >= 15
    assert "#" * WIDTH in result.output


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        ("fails-latency", "the queue grows without end"),
        ("cannot-predict", ""),
    ],
)
def test_simulate_says_why_it_cannot(manifest: str, text: str):
    result = run("simulate", str(ROOT / "examples" / f"{manifest}.capcheck.yaml"))
    assert result.exit_code == 0
    assert text in result.output
    assert "simulated" not in result.output


def test_simulate_needs_a_name_it_knows():
    assert run("simulate", str(EXAMPLE), "nobody").exit_code == 2


def test_histogram_bins_what_it_is_given():
    lines = histogram(np.linspace(1000.0, 2000.0, 10_000))
    assert len(lines) == BARS
    assert lines[0].startswith("    1.00 s")
    assert min(line.count("#") for line in lines) >= WIDTH - 2
    assert histogram(np.full(10, 5.0)) == [f"{0.005:>8.2f} s  {'#' * WIDTH} all"]


def test_grid_is_simulated_compared_and_written(tmp_path: Path):
    table, text = tmp_path / "grid.csv", tmp_path / "grid.md"
    result = run(
        *("latency-grid", "--simulate", "--count", "3", "--jobs", "2"),
        *("--table", str(table), "--markdown", str(text), "--worst", "1"),
    )
    assert result.exit_code == 0, result.output
    assert len(table.read_text().splitlines()) == 1 + 2 * 3
    assert text.read_text() in result.output
    assert "held-out" in text.read_text()
