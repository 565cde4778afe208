import re
from pathlib import Path

from capfit.cli import cli
from click.testing import CliRunner

from .conftest import FOLDER


def run(*arguments: str):
    return CliRunner().invoke(cli, ["data", *arguments])


def test_every_table_is_shown():
    result = run("--data", str(FOLDER))
    assert result.exit_code == 0, result.output
    shown = re.findall(r"^(\w+): [\d,]+ rows?, (?:[\d,]+ cells?|no cells)$", result.output, re.M)
    assert shown == [
        *("memory", "startup", "decode", "prefill", "serving", "scaling", "latency_load"),
        *("service_time", "energy_cost", "quality", "safety"),
        *("quant_formats", "tr133_vram", "sources", "constants"),
    ]
    assert re.match(r".*  sha256 [0-9a-f]{64}\n", result.output)
    assert "physics 17" in result.output


def test_a_bad_table_ends_with_its_place(tmp_path: Path):
    for path in FOLDER.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    memory = tmp_path / "memory.csv"
    lines = memory.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace(",fits,", ",perhaps,")
    memory.write_text("".join(lines))
    result = run("--data", str(tmp_path))
    assert result.exit_code == 2
    assert re.search(
        r"memory\.csv:4:\d+: bad-cell: found 'perhaps' in column 'outcome'", result.output
    )
