from pathlib import Path

import pytest
from capcheck.errors import InputError
from capfit.tr133.records import Serial, read

from .conftest import write


def test_every_category(raw: Path):
    data = read(raw)
    assert len(data.files) == 7
    assert len(data.cost) == 15
    assert len(data.throughput) == 15 + 20
    assert len(data.quality) == 4
    assert len(data.vram) == 45
    assert len(data.latency) == 20
    assert data.scaling == [
        Serial("TR129", "llama3.2-1b", "ollama", "FP16", 0.5, 0.97),
        Serial("TR130", "llama3.2-1b", "ollama", "FP16", 0.6, 0.90),
        Serial("TR130", "llama3.2-1b", "vllm", "FP16", 0.8, 0.99),
    ]
    assert data.left_out == {"status is not ok": 9}


def test_the_report_is_the_innermost_folder(raw: Path):
    assert {one.report for one in read(raw).quality} == {"TR124", "TR125"}


def test_one_report_alone(raw: Path):
    assert {one.report for one in read(raw / "tr127").vram} == {"TR127"}


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        (
            "tr123/cost_per_measurement.csv",
            [{"model": "gpt2", "backend": "x", "decode_tok_per_s": "fast"}],
            "cost_per_measurement.csv:2:1: bad-cell: found 'fast' in column 'decode_tok_per_s', "
            "expected a number",
        ),
        (
            "tr124/quality_cost_merged.csv",
            [{"model": "gpt2", "composite_quality": 0.5}],
            "quality_cost_merged.csv:1:1: missing-column: found no such column, expected a column "
            "'backend'",
        ),
        (
            "tr127/metrics.csv",
            [{"model": "gpt2", "vram_peak_mb": "nan", "context_length": 5}],
            "metrics.csv:2:1: bad-cell: found 'nan' in column 'vram_peak_mb', expected a number",
        ),
    ],
)
def test_bad_files(tmp_path: Path, name: str, rows: list[dict[str, object]], message: str):
    write(tmp_path / name, rows)
    with pytest.raises(InputError) as refused:
        read(tmp_path)
    assert str(refused.value).endswith(message)


def test_json_that_is_none(tmp_path: Path):
    path = tmp_path / "tr129/analysis.json"
    path.parent.mkdir()
    path.write_text("{,")
    with pytest.raises(InputError, match=r"analysis.json:1:2: bad-json"):
        read(tmp_path)


def test_a_folder_without_raw_files(tmp_path: Path):
    write(tmp_path / "elsewhere/metrics.csv", [{"model": "gpt2"}])
    with pytest.raises(InputError, match="no-raw-files"):
        read(tmp_path)
