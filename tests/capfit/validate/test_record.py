import json

import pytest
from capfit.validate import record
from capfit.validate.record import ALL, build, drift, key_of


@pytest.fixture
def rows(row):
    return [
        row(low=8.0, high=12.0, predicted=11.123456),
        row(backend="sglang", low=8.0, high=13.0, predicted=12.0),
        row(predictor="quality score", unit="score", measured=0.5, predicted=0.51),
        row(predictor="cost", unit="USD"),
    ]


@pytest.fixture
def made(rows):
    return build(rows, hashes={"data": "a", "code": "b"}, extra={"simulation": []})


def test_all_backends_together_only_where_there_are_several(made):
    found = [(one["predictor"], one["backend"]) for one in made["tables"]]
    assert found == [
        ("TPOT in a benchmark", ALL),
        ("TPOT in a benchmark", "sglang"),
        ("TPOT in a benchmark", "vllm"),
        ("quality score", "vllm"),
        ("cost", "vllm"),
    ]
    assert [one["backend"] for one in made["gates"]] == [ALL, "sglang", "vllm"]


def test_points_are_rounded_and_leave_costs_out(made):
    key = key_of("TPOT in a benchmark", "model", "vllm", "llama3.1-8b")
    assert made["points"][key] == [[11.123, 10.0, 8.0, 12.0]]
    assert not any(key.startswith("cost") for key in made["points"])


def test_what_is_written_is_read(made, tmp_path):
    path = tmp_path / "validation.json"
    record.write(made, path)
    assert record.read(path) == json.loads(json.dumps(made))
    again = path.read_text(encoding="utf-8")
    record.write(record.read(path), path)
    assert path.read_text(encoding="utf-8") == again


def test_the_same_record_has_not_drifted(made):
    assert drift(made, made) == []


def test_drift_names_what_changed(rows, row, made):
    other = build(
        [*rows[1:], row(low=8.0, high=12.0, predicted=11.5)],
        hashes={"data": "a", "code": "c"},
        extra={"simulation": []},
    )
    found = drift(made, other)
    assert found[0] == "hash of code: b is now c"
    assert any(text.startswith("points: TPOT in a benchmark | model | vllm") for text in found)
    assert not any("quality" in text for text in found[1:])


def test_rounding_is_no_drift(made):
    other = json.loads(json.dumps(made))
    for values in other["points"].values():
        for value in values:
            value[0] *= 1 + record.TOLERANCE / 2
    assert drift(made, other) == []
