"""The artifact: assembled the same way twice, with its records, and written whole or not at all."""

import json
from pathlib import Path

import jsonschema
import pytest
from capcheck.errors import InputError
from capcheck.predict.coefficients import BUILT_IN
from capfit import memory, quality, scaling, speed
from capfit.artifact import choose, document, selection, validation
from capfit.artifact.numbers import shortened
from capfit.cli import cli
from capfit.data.tables import read
from capfit.held_out import HeldOut
from click.testing import CliRunner

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "fitting" / "data"
SHIPPED = json.loads(BUILT_IN.read_text(encoding="utf-8"))


@pytest.fixture
def quick(monkeypatch):
    """The speed sections as shipped: their fit has tests of its own, and takes a minute."""
    sections = {name: SHIPPED[name] for name in ("decode", "step", "prefill", "engines")}
    monkeypatch.setattr(speed, "fit", lambda cells, form: json.loads(json.dumps(sections)))


def test_the_shipped_file_is_the_output_of_fit(quick, tmp_path: Path):
    output = tmp_path / "coefficients.json"
    result = CliRunner().invoke(cli, ["fit", "--data", str(FOLDER), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert output.read_bytes() == BUILT_IN.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["coefficients.json"]


def test_what_it_was_made_of_is_in_it(quick):
    data = read(FOLDER)
    built = document.build(
        data,
        date="2026-01-02",
        selection=selection.Selection(),
        validation=validation.Record("another", ()),
    )
    assert built["version"] == f"2026-01-02+{data.sha256[:8]}"
    assert built["fitted"]["data_sha256"] == data.sha256
    assert built["validation"] == {"data_sha256": "another", "stale": True, "accuracy": []}
    schema = json.loads((ROOT / "schemas" / "coefficients.schema.json").read_text("utf-8"))
    jsonschema.validate(built, schema)


def test_every_section_is_fitted_or_stated():
    fitted = {"memory", "quality", "decode", "step", "prefill", "engines"}
    assert set(SHIPPED) == {"schema", "version", "fitted", "validation", *fitted}
    assert SHIPPED["memory"] == shortened(memory.fit(read(FOLDER), selection.load().memory()))
    assert SHIPPED["quality"] == shortened(quality.fit(read(FOLDER), selection.load().quality()))
    assert SHIPPED["step"]["client_limited"] == shortened(
        scaling.client_limited(read(FOLDER), selection.load().growth())
    )


def test_a_bad_date_is_wrong_usage(tmp_path: Path):
    result = CliRunner().invoke(cli, ["fit", "--date", "yesterday", "--data", str(FOLDER)])
    assert result.exit_code == 2
    assert "'yesterday' is not a day such as 2026-07-27" in result.output


def test_a_place_that_cannot_be_written_is_said(quick, tmp_path: Path):
    output = tmp_path / "none" / "coefficients.json"
    result = CliRunner().invoke(cli, ["fit", "--data", str(FOLDER), "-o", str(output)])
    assert result.exit_code == 2
    assert "unwritable-file" in result.output


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        document.write(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.123456789, 0.123457), ([1.00000049], [1.0]), ({"a": (2.0, "b", 7)}, {"a": [2.0, "b", 7]})],
)
def test_numbers_have_six_digits(value, expected):
    assert shortened(value) == expected


def row(predicted: float, measured: float, group: str = "m") -> HeldOut:
    near = (predicted * 0.9, predicted * 1.1)
    return HeldOut("p", "b", "gib", group, "w", predicted, *near, measured, {"TR133": 2 * measured})


def test_accuracy_is_summed_up_by_backend_and_metric():
    (line,) = validation.summarise([row(1.1, 1.0), row(0.5, 1.0, "n")], by="model")
    assert (line.n, line.groups, line.by) == (2, 2, "model")
    assert line.mape == pytest.approx(0.3)
    assert line.bias == pytest.approx(-0.2)
    assert line.worst == pytest.approx(0.5)
    assert line.coverage == 0.5
    assert line.baselines == {"TR133": 1.0}


def test_the_records_survive_being_written(tmp_path: Path):
    record = validation.Record("ab", tuple(validation.summarise([row(1.5, 1.0)], by="model")))
    path = tmp_path / "validation.json"
    path.write_text(record.text(), encoding="utf-8")
    assert validation.load(path) == record
    path = tmp_path / "selection.json"
    path.write_text(selection.load().text(), encoding="utf-8")
    assert selection.load(path) == selection.load()
    assert validation.load(tmp_path / "none.json") == validation.Record("", ())


def test_a_record_of_another_kind_is_refused(tmp_path: Path):
    path = tmp_path / "record.json"
    path.write_text('{"schema": "x"}', encoding="utf-8")
    for load in (validation.load, selection.load):
        with pytest.raises(InputError, match="bad-record"):
            load(path)


def test_the_least_error_is_chosen_and_baselines_never():
    choice = choose.choose(read(FOLDER), "batch step growth")
    errors = {c.form: c.error for c in choice.candidates if not c.baseline}
    assert choice.chosen == min(errors, key=errors.__getitem__)
    assert {c.form for c in choice.candidates if c.baseline} == {"TR133", "no growth"}


def test_forms_tried_side_by_side_are_judged_alike():
    data = read(FOLDER)
    one, two = (choose.choose(data, "batch step growth", jobs=jobs) for jobs in (1, 2))
    assert one == two


def test_a_choice_is_recorded_beside_the_others(tmp_path: Path):
    output = tmp_path / "selection.json"
    output.write_text(selection.load().text(), encoding="utf-8")
    arguments = ["--predictor", "batch step growth", "-o", str(output), "--data", str(FOLDER)]
    result = CliRunner().invoke(cli, ["select", *arguments])
    assert result.exit_code == 0, result.output
    assert "baseline: TR133" in result.stdout
    assert selection.load(output).names() == selection.load().names()


def test_an_unknown_form_on_record_is_an_error(tmp_path: Path):
    path = tmp_path / "selection.json"
    text = selection.load().text().replace('"chosen": "a power of', '"chosen": "a powder of')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'a power of the other agents'"):
        selection.load(path)
