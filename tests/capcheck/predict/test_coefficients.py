import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
from capcheck.predict.coefficients import BUILT_IN, CoefficientsError, load

SCHEMAS = Path(__file__).parents[3] / "schemas"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "coefficients.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_artifact_matches_its_schema():
    schema = json.loads((SCHEMAS / "coefficients.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(BUILT_IN.read_text(encoding="utf-8")), schema)


def test_version_and_hash_are_those_of_the_file():
    coefficients = load()
    assert coefficients.sha256 == hashlib.sha256(BUILT_IN.read_bytes()).hexdigest()
    assert coefficients.version == json.loads(BUILT_IN.read_text(encoding="utf-8"))["version"]


def test_a_section_is_what_the_file_says(tmp_path: Path):
    path = written(
        tmp_path, '{"schema": "capcheck.coefficients/v1", "version": "7", "step": {"a": 1}}'
    )
    coefficients = load(path)
    assert coefficients.version == "7"
    assert coefficients.section("step") == {"a": 1}


def test_a_missing_section_names_those_there_are(tmp_path: Path):
    path = written(tmp_path, '{"schema": "capcheck.coefficients/v1", "version": "7", "step": {}}')
    with pytest.raises(CoefficientsError, match=r"7 have no section 'decode' \(they have: step\)"):
        load(path).section("decode")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "are not JSON"),
        ("[]", "have schema None, expected 'capcheck.coefficients/v1'"),
        ('{"schema": "capcheck.coefficients/v2"}', "have schema 'capcheck.coefficients/v2'"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(CoefficientsError, match=message):
        load(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(CoefficientsError, match="No such file"):
        load(tmp_path / "none.json")
