"""From dataclasses to the document: verdict, exit code, counts, fleet, order, origins."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from capcheck.errors import Problem
from capcheck.estimate import exact, unknown
from capcheck.finding import Finding, Severity, Verdict
from capcheck.place import Place
from capcheck.report import to_document
from capcheck.report.model import DeploymentReport, Report
from capcheck.search.alternative import Edit

Samples = dict[str, Callable[[], Report]]


@pytest.mark.parametrize(
    ("name", "verdict", "exit_code"),
    [
        ("pass", "pass", 0),
        ("borderline", "borderline", 0),
        ("cannot-predict", "cannot-predict", 1),
        ("fail-vram", "fail", 1),
        ("mixed", "fail", 1),
        ("bad-input", "cannot-predict", 2),
        ("empty", "cannot-predict", 3),
    ],
)
def test_verdict_and_exit_code(
    name: str, verdict: Verdict, exit_code: int, samples: Samples
) -> None:
    document = to_document(samples[name]())
    assert (document["verdict"], document["exit_code"]) == (verdict, exit_code)


def test_an_allowed_empty_run_passes(samples: Samples) -> None:
    document = to_document(samples["empty"](), allow_empty=True)
    assert (document["verdict"], document["exit_code"]) == ("pass", 0)


def priced(entry: DeploymentReport, usd: float | None) -> DeploymentReport:
    bill = unknown("no price") if usd is None else exact(usd, "price list")
    return replace(
        entry,
        forecast=replace(entry.forecast, cost=replace(entry.forecast.cost, usd_month=bill)),
    )


@pytest.mark.parametrize(
    ("bills", "value", "subtotal", "unpriced", "basis"),
    [
        ([], 0.0, 0.0, 0, "sum over 0 deployments"),
        ([10.0, 20.5], 30.5, 30.5, 0, "sum over 2 deployments"),
        ([10.0, None], None, 10.0, 1, "1 of 2 deployments have no price"),
    ],
)
def test_fleet_cost(
    bills: list[float | None],
    value: float | None,
    subtotal: float,
    unpriced: int,
    basis: str,
    samples: Samples,
) -> None:
    (entry,) = samples["pass"]().deployments
    report = replace(samples["pass"](), deployments=tuple(priced(entry, usd) for usd in bills))
    cost = to_document(report)["usd_month"]
    assert (cost["value"], cost["subtotal"], cost["unpriced"]) == (value, subtotal, unpriced)
    assert (cost["low"], cost["high"], cost["basis"]) == (value, value, basis)


def test_findings_are_sorted(samples: Samples) -> None:
    (entry,) = samples["pass"]().deployments
    said: list[tuple[Severity, Verdict, int, str]] = [
        ("note", "pass", 1, "a"),
        ("warning", "pass", 9, "b"),
        ("warning", "borderline", 9, "c"),
        ("error", "cannot-predict", 2, "d"),
        ("error", "fail", 7, "f"),
        ("error", "fail", 7, "e"),
        ("error", "fail", 3, "z"),
    ]
    findings = tuple(
        Finding(rule, severity, verdict, "text", Place("a.yaml", line, 1, 2))
        for severity, verdict, line, rule in said
    )
    report = replace(samples["pass"](), deployments=(replace(entry, findings=findings),))
    document = to_document(report)
    expected = ["z", "e", "f", "d", "c", "b", "a"]
    assert [found["rule"] for found in document["deployments"][0]["findings"]] == expected
    assert [found["rule"] for found in document["findings"]] == expected


def test_edits_are_exact(samples: Samples) -> None:
    (entry,) = samples["cheaper"]().deployments
    edit = Edit("/deployments/chat-prod/serving/gpu_memory_utilization", 0.123456789, None)
    found = replace(entry.alternatives[0], edits=(edit,))
    report = replace(samples["pass"](), deployments=(replace(entry, alternatives=(found,)),))
    (written,) = to_document(report)["deployments"][0]["alternatives"][0]["edits"]
    assert written["value"] == 0.123456789


def test_resolved_names_its_origins(samples: Samples) -> None:
    resolved = to_document(samples["pass"]())["deployments"][0]["resolved"]
    assert resolved["model"] == {
        "value": "llama3.1-8b",
        "origin": "deploy/chat.yaml:4",
        "stated": True,
        "written": "meta-llama/Llama-3.1-8B-Instruct",
    }
    assert resolved["max_num_seqs"]["origin"] == "default of vllm 0.11"
    assert resolved["requests_per_second"]["origin"] == "deploy/chat.yaml:9"
    assert resolved["agents"] == {
        "value": None,
        "origin": "not stated",
        "stated": False,
        "written": None,
    }


def test_an_unresolved_model_is_null(samples: Samples) -> None:
    resolved = to_document(samples["cannot-predict"]())["deployments"][0]["resolved"]
    assert resolved["model"]["value"] is None
    assert resolved["model"]["written"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert resolved["max_model_len"]["value"] is None


def test_problems_keep_their_place() -> None:
    problem = Problem("unknown-key", Place("a.yaml", 9, 3, 17), "'x'", "y", None)
    report = Report((), (problem,), 1, ("fail",), None, {})
    assert to_document(report)["problems"] == [
        {
            "code": "unknown-key",
            "path": "a.yaml",
            "line": 9,
            "column": 3,
            "end_column": 17,
            "found": "'x'",
            "expected": "y",
            "nearest": None,
            "on_base": False,
        }
    ]
