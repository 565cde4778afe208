"""The JSON report: valid, byte-stable, free of NaN, and as good as the run when read back."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from capcheck.errors import InputError
from capcheck.estimate import Estimate, exact
from capcheck.report import FORMATS, Style, read, to_document
from capcheck.report.as_json import render
from capcheck.report.leaves import leaf as leaf_of
from capcheck.report.model import Report
from capcheck.schemas import text as schema_text
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Samples = dict[str, Callable[[], Report]]

FORECAST_KEYS = {
    "vram_gib",
    "kv_cache_tokens",
    "max_concurrent_sequences",
    "decode_tok_s",
    "prefill_tok_s",
    "throughput_tok_s",
    "capacity_tok_s",
    "saturation_rps",
    "goodput_rps",
    "loss_rate",
    "utilisation",
    "agent_tok_s",
    "scaling_efficiency",
    "ttft_ms",
    "tpot_ms",
    "latency_ms",
    "latency_parts_ms",
    "quality",
    "usd_month",
    "usd_per_million_tokens",
    "usd_per_million_tokens_at_capacity",
}
LEAF_KEYS = {"value", "low", "high", "provenance", "basis"}
TOP_KEYS = {
    "draft",
    "schema",
    "tool",
    "run",
    "verdict",
    "exit_code",
    "counts",
    "usd_month",
    "limits_changed",
    "deployments",
    "findings",
    "fixed",
    "removed",
    "problems",
    "plan",
}


def as_json(report: Report) -> str:
    return render(to_document(report), Style())


def leaves(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        if value.keys() >= LEAF_KEYS:
            yield value
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(schema_text("report")))


def test_sample_is_valid(sample: tuple[str, Report]) -> None:
    schema = json.loads(schema_text("report"))
    Draft202012Validator(schema).validate(json.loads(as_json(sample[1])))


def test_keys_of_the_contract(samples: Samples) -> None:
    document = json.loads(as_json(samples["ways-to-pass"]()))
    assert document.keys() == TOP_KEYS
    (deployment,) = document["deployments"]
    assert deployment["forecast"].keys() == FORECAST_KEYS
    for latency in ("ttft_ms", "tpot_ms", "latency_ms"):
        assert deployment["forecast"][latency].keys() == {"mean", "p50", "p90", "p95", "p99"}
    assert deployment["forecast"]["decode_tok_s"].keys() == LEAF_KEYS
    assert deployment["forecast"]["vram_gib"].keys() == LEAF_KEYS | {"parts", "usable"}
    assert {"model", "quant", "backend", "gpu", "replicas", "gpus_per_replica"} <= set(
        deployment["resolved"]
    )
    assert deployment["gates"]["latency"].items() >= {"verdict": "fail", "limit": 9000.0}.items()
    (found,) = deployment["findings"]
    assert document["findings"] == [{**found, "deployment": "chat-prod"}]
    assert deployment["alternatives"][0]["edits"] == [
        {
            "pointer": "/deployments/chat-prod/quant",
            "value": "awq-int4",
            "previous": "bf16",
            "path": "deploy/chat.yaml",
            "line": 5,
            "column": 12,
            "end_line": 5,
            "end_column": 16,
            "text": "awq-int4",
        },
        {
            "pointer": "/deployments/chat-prod/replicas",
            "value": 1,
            "previous": 2,
            "path": "deploy/chat.yaml",
            "line": 8,
            "column": 15,
            "end_line": 8,
            "end_column": 16,
            "text": "1",
        },
    ]


def test_runs_differ_in_created_only(sample: tuple[str, Report]) -> None:
    _, report = sample
    first = as_json(replace(report, created="2026-09-02T10:14:03Z"))
    second = as_json(replace(report, created="2026-09-03T11:15:04Z"))
    assert first.replace("2026-09-02T10:14:03Z", "2026-09-03T11:15:04Z") == second
    assert first != second


def test_keys_are_sorted(samples: Samples) -> None:
    text = as_json(samples["ways-to-pass"]())
    document = json.loads(text)
    resorted = json.loads(json.dumps(document, sort_keys=True))
    assert json.dumps(document) == json.dumps(resorted)


@pytest.mark.parametrize(
    ("estimate", "value", "low", "high"),
    [
        (exact(1 / 3, ""), 0.333333, 0.333333, 0.333333),
        (exact(123456789.0, ""), 123457000.0, 123457000.0, 123457000.0),
        (Estimate(1.0, 0.5, math.inf, "interpolated", ""), 1.0, 0.5, None),
        (Estimate(math.inf, 1.0, math.inf, "interpolated", ""), None, None, None),
        (Estimate(math.nan, math.nan, math.nan, "interpolated", ""), None, None, None),
    ],
)
def test_rounding(
    samples: Samples,
    estimate: Estimate,
    value: float | None,
    low: float | None,
    high: float | None,
) -> None:
    (entry,) = samples["pass"]().deployments
    forecast = replace(entry.forecast, decode_tok_s=estimate)
    report = replace(samples["pass"](), deployments=(replace(entry, forecast=forecast),))
    leaf = json.loads(as_json(report))["deployments"][0]["forecast"]["decode_tok_s"]
    assert (leaf["value"], leaf["low"], leaf["high"]) == (value, low, high)
    assert (leaf["provenance"] == "unknown") is (value is None)


bound = st.floats(allow_nan=True, allow_infinity=True)


@given(value=bound, low=bound, high=bound)
def test_never_nan_nor_infinite(value: float, low: float, high: float) -> None:
    leaf = leaf_of(Estimate(value, low, high, "assumed", ""))
    text = json.dumps(leaf, allow_nan=False)
    assert json.loads(text) == leaf


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_rounding_keeps_the_order(values: list[float]) -> None:
    low, value, high = sorted(values)
    leaf = leaf_of(Estimate(value, low, high, "derived", ""))
    assert leaf["low"] is not None
    assert leaf["value"] is not None
    assert leaf["high"] is not None
    assert leaf["low"] <= leaf["value"] <= leaf["high"]


def test_unknown_is_null_with_a_reason(samples: Samples) -> None:
    document = json.loads(as_json(samples["cannot-predict"]()))
    quality = document["deployments"][0]["forecast"]["quality"]
    assert (quality["value"], quality["low"], quality["high"]) == (None, None, None)
    assert quality["provenance"] == "unknown"
    assert quality["basis"] == "no calibration for tei on L4 24GB"


def test_leaves_are_consistent(sample: tuple[str, Report]) -> None:
    for leaf in leaves(json.loads(as_json(sample[1]))):
        assert (leaf["value"] is None) == (leaf["provenance"] == "unknown")


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_saved_report_renders_like_the_run(
    output_format: str, sample: tuple[str, Report]
) -> None:
    document = to_document(sample[1])
    saved = read(render(document, Style()), path="report.json")
    assert FORMATS[output_format](saved, Style()) == FORMATS[output_format](document, Style())


def test_unknown_keys_are_ignored(samples: Samples) -> None:
    document = json.loads(as_json(samples["pass"]()))
    document["added_later"] = 1
    document["deployments"][0]["forecast"]["energy_kwh"] = {"value": 1.0}
    document["deployments"][0]["gates"]["energy"] = {}
    assert read(json.dumps(document), path="report.json")["verdict"] == "pass"


def broken(edit: Callable[[dict[str, object]], object], document: dict[str, object]) -> str:
    edit(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "code", "found"),
    [
        ("", "invalid-json", "Expecting value: line 1 column 1 (char 0)"),
        ('{"schema":\n}', "invalid-json", "Expecting value: line 2 column 1 (char 11)"),
        ('{"schema": NaN}', "invalid-json", "NaN is not JSON"),
        ("[" * 100_000, "invalid-json", None),
        ("[]", "invalid-report", "at $: [] is not of type 'object'"),
        ("{}", "invalid-report", "at $: 'schema' is a required property"),
    ],
)
def test_what_is_no_report(text: str, code: str, found: str | None) -> None:
    with pytest.raises(InputError) as caught:
        read(text, path="report.json")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.place.path == "report.json"
    assert found is None or problem.found == found


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (
            lambda document: document.update(schema="capcheck.report/v2"),
            "at $.schema: 'capcheck.report/v1' was expected",
        ),
        (
            lambda document: document["deployments"][0].update(verdict="ok"),
            "at $.deployments[0].verdict: 'ok' is not one of "
            "['pass', 'borderline', 'cannot-predict', 'fail']",
        ),
        (
            lambda document: document["deployments"][0]["forecast"].pop("quality"),
            "at $.deployments[0].forecast: 'quality' is a required property",
        ),
    ],
)
def test_what_is_another_report(
    edit: Callable[[dict[str, object]], object], found: str, samples: Samples
) -> None:
    document = json.loads(as_json(samples["pass"]()))
    edit(document)
    with pytest.raises(InputError) as caught:
        read(json.dumps(document), path="report.json")
    assert [problem.found for problem in caught.value.problems] == [found]


def test_a_position_in_broken_json() -> None:
    with pytest.raises(InputError) as caught:
        read('{\n  "schema": ?\n}', path="report.json")
    place = caught.value.problems[0].place
    assert (place.line, place.column) == (2, 13)


def test_huge(huge: Report) -> None:
    document = json.loads(as_json(huge))
    assert document["counts"] == {
        "files": 1,
        "deployments": 1000,
        "problems": 0,
        "pass": 900,
        "borderline": 0,
        "cannot-predict": 0,
        "fail": 100,
        "errors": 100,
        "warnings": 0,
        "notes": 0,
        "changed": 0,
        "new_findings": 0,
        "fixed_findings": 0,
        "failing_on_base": 0,
        "waived": 0,
        "recorded": 0,
    }
    assert len(document["findings"]) == 100


def test_the_contract_is_documented() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")
    missing = [key for key in (*TOP_KEYS, *FORECAST_KEYS, *LEAF_KEYS) if f"`{key}`" not in docs]
    assert missing == []
