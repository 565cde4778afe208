"""SARIF, JUnit and Code Quality: held against their schemas, and against what readers rely on."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from capcheck.report import FORMATS, Style, junit, sarif, to_document
from capcheck.report.document import Document
from capcheck.report.model import Report
from jsonschema.validators import validator_for

from tests.capcheck.report.samples_against_base import SAMPLES as AGAINST_BASE

SCHEMAS = Path(__file__).parents[4] / "shared" / "schemas"

Samples = dict[str, Callable[[], Report]]


@pytest.fixture
def documents(samples: Samples, huge: Report) -> dict[str, Document]:
    """Every sample, those against base, and a thousand deployments."""
    every = {**samples, **{f"against-base/{name}": made for name, made in AGAINST_BASE.items()}}
    return {name: to_document(made()) for name, made in every.items()} | {"huge": to_document(huge)}


def drawn(output_format: str, document: Document) -> str:
    text = FORMATS[output_format](document, Style())
    return text.encode("utf-8", "backslashreplace").decode()


def log_of(document: Document) -> dict[str, Any]:
    return json.loads(drawn("sarif", document))["runs"][0]


def official(name: str) -> Path:
    if not (path := SCHEMAS / name).exists():
        pytest.skip(f"no {name} beside the project")
    return path


@cache
def sarif_validator() -> Any:
    shape = json.loads(official("sarif-schema-2.1.0.json").read_bytes())
    return validator_for(shape)(shape)


def test_sarif_is_valid(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        wrong = [error.message for error in sarif_validator().iter_errors(
            json.loads(drawn("sarif", document))
        )]  # fmt: skip
        assert wrong == [], name


def test_junit_is_valid(documents: dict[str, Document]) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(str(official("JUnit.xsd")))
    for name, document in documents.items():
        wrong = [error.reason for error in schema.iter_errors(drawn("junit", document))]
        assert wrong == [], name


def test_sarif_results_are_the_findings_and_problems(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        run = log_of(document)
        results = run["results"]
        assert len(results) == len(document["findings"]) + len(document["problems"]), name
        rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
        assert set(rules) == {result["ruleId"] for result in results}
        assert all(rule["help"]["text"] for rule in rules.values())
        marks = [result["partialFingerprints"]["capcheck/v1"] for result in results]
        assert len(set(marks)) == len(marks)
        for result in results:
            assert len(result["locations"]) == 1
            region = result["locations"][0]["physicalLocation"]["region"]
            assert region["endLine"] == region["startLine"] >= 1
            assert region["endColumn"] >= region["startColumn"] >= 1


def test_sarif_fingerprints_do_not_move_with_the_lines(samples: Samples) -> None:
    def marks(report: Report) -> list[dict[str, str]]:
        return [one["partialFingerprints"] for one in log_of(to_document(report))["results"]]

    report = samples["ways-to-pass"]()
    entry = report.deployments[0]
    moved = tuple(
        replace(found, place=replace(found.place, line=found.place.line + 40))
        for found in entry.findings
    )
    assert marks(replace(report, deployments=(replace(entry, findings=moved),))) == marks(report)


def test_sarif_levels_and_states(documents: dict[str, Document]) -> None:
    words = {"error": "error", "warning": "warning", "note": "note"}
    states = {None: None, "new": "new", "worse": "updated", "unchanged": "unchanged"}
    for document in documents.values():
        found = document["findings"]
        results = log_of(document)["results"][len(document["problems"]) :]
        assert [one["level"] for one in results] == [words[one["severity"]] for one in found]
        assert [one.get("baselineState") for one in results] == [
            states[one["change"]] for one in found
        ]


def test_sarif_fixes_are_the_first_alternative_that_can_be_written(samples: Samples) -> None:
    (result,) = log_of(to_document(samples["ways-to-pass"]()))["results"]
    ((fix,), limit) = result["fixes"], result["relatedLocations"][0]
    assert fix["description"]["text"] == (
        "quant: awq-int4, replicas: 1, −$516/month; needs an AWQ checkpoint"
    )
    assert fix["artifactChanges"] == [
        {
            "artifactLocation": {"uri": "deploy/chat.yaml", "uriBaseId": "%SRCROOT%"},
            "replacements": [
                {
                    "deletedRegion": region(5, 12, 16),
                    "insertedContent": {"text": "awq-int4"},
                },
                {"deletedRegion": region(8, 15, 16), "insertedContent": {"text": "1"}},
            ],
        }
    ]
    assert limit["message"] == {"text": "limit"}
    assert limit["physicalLocation"]["region"] == region(12, 20, 22)


def region(line: int, column: int, end_column: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": column, "endLine": line, "endColumn": end_column}


def test_sarif_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch, samples: Samples) -> None:
    document = to_document(samples["mixed"]())
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    run = log_of(document)
    assert [one["ruleId"] for one in run["results"]] == ["latency-over-limit", "not-calibrated"]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("2 of 4 results left out, the least severe")


def test_sarif_fits_when_compressed(monkeypatch: pytest.MonkeyPatch, huge: Report) -> None:
    monkeypatch.setattr(sarif, "MAX_GZIPPED_BYTES", 2000)
    run = log_of(to_document(huge))
    assert 0 < len(run["results"]) < 100
    assert "toolExecutionNotifications" in run["invocations"][0]


def test_paths_are_uris(samples: Samples) -> None:
    (result, _) = log_of(to_document(samples["hostile"]()))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "%3A%3Aerror%3A%3Adir/a%7Cb%2Cc%25%0A%60d%60.yaml"


def test_junit_fails_where_the_run_fails(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        root = ElementTree.fromstring(drawn("junit", document))
        broken = root.findall(".//failure") + root.findall(".//error")
        assert bool(broken) == (document["exit_code"] != 0), name
        for suite in root:
            found = Counter(child.tag for case in suite.iter("testcase") for child in case)
            assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
            assert int(suite.get("failures", "")) == found["failure"]
            assert int(suite.get("errors", "")) == found["error"]
            assert int(suite.get("skipped", "")) == found["skipped"]


def test_junit_skips_what_cannot_be_predicted_unless_it_fails(samples: Samples) -> None:
    report = samples["cannot-predict"]()
    failing = ElementTree.fromstring(drawn("junit", to_document(report)))
    assert [one.get("type") for one in failing.iter("failure")] == ["cannot-predict"]
    lenient = ElementTree.fromstring(
        drawn("junit", to_document(replace(report, fail_on=("fail",))))
    )
    assert [one.get("message") for one in lenient.iter("skipped")] == [
        "p95 latency cannot be predicted: no calibration for tei on L4 24GB"
    ]
    assert not list(lenient.iter("failure"))


def test_junit_has_a_suite_a_manifest_and_a_test_a_gate(samples: Samples) -> None:
    root = ElementTree.fromstring(drawn("junit", to_document(samples["bad-input"]())))
    assert [suite.get("name") for suite in root] == ["deploy/broken.yaml", "deploy/chat.yaml"]
    assert [case.get("name") for case in root[1].iter("testcase")] == [
        "cost", "p95 latency", "mmlu", "support", "VRAM per GPU",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["\x00", "\ud800", "]]>", "<b>&", '"', "\ufffe", "\U0001f600"])
def test_any_name_is_xml(text: str) -> None:
    written = f'<a b="{junit.xml(text)}">{junit.xml(text)}</a>'
    ElementTree.fromstring(written.encode("utf-8"))


def test_codequality_entries(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        entries = json.loads(drawn("codequality", document))
        assert len(entries) == len(document["findings"]) + len(document["problems"]), name
        assert len({entry["fingerprint"] for entry in entries}) == len(entries)
        for entry in entries:
            assert set(entry) == {
                "description", "check_name", "fingerprint", "severity", "location",
            }  # fmt: skip
            assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
            assert re.fullmatch("[0-9a-f]{64}", entry["fingerprint"])
            assert entry["location"]["lines"]["begin"] >= 1
            assert not entry["location"]["path"].startswith(("./", "/"))


def test_codequality_makes_little_of_what_base_has(documents: dict[str, Document]) -> None:
    for document in documents.values():
        entries = json.loads(drawn("codequality", document))[len(document["problems"]) :]
        old = [one["change"] == "unchanged" for one in document["findings"]]
        levels = {"error": "major", "warning": "minor", "note": "info"}
        assert [entry["severity"] for entry in entries] == [
            "info" if was else levels[one["severity"]]
            for one, was in zip(document["findings"], old, strict=True)
        ]


def test_a_thousand_deployments(huge: Report) -> None:
    document = to_document(huge)
    assert len(log_of(document)["results"]) == 100
    assert len(drawn("sarif", document)) < 600_000
    assert len(drawn("codequality", document)) < 100_000
    root = ElementTree.fromstring(drawn("junit", document))
    assert sum(1 for _ in root.iter("failure")) == 100
    assert len(drawn("junit", document)) < 1_200_000
