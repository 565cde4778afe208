"""Every manifest in examples/ shows what its comment says it shows."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from capcheck.report import to_document
from capcheck.run import Options, run
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.capcheck.yaml"))
TODAY = datetime(2026, 11, 23, tzinfo=timezone.utc)

# (deployment, verdict, rules of severity error, pointers of its first alternative's edits)
EXPECTED = {
    "environments": [("chat", "pass", [])],
    "cannot-predict": [("house-model", "cannot-predict", ["unknown-model", "unknown-gpu"])],
    "fails-latency": [("helpdesk", "fail", ["queue-unstable"])],
    "fails-vram": [("chat-large", "fail", ["vram-does-not-fit"])],
    "from-kubernetes": [("chat", "pass", [])],
    "fleet": [("chat", "pass", []), ("rag", "pass", []), ("notes", "pass", [])],
    "hobby-ollama-rtx4060": [("assistant", "pass", [])],
    "inline-architecture": [("house-model", "pass", [])],
    "tr133-1-budget-hobbyist": [("hobbyist", "fail", ["latency-over-limit"])],
    "tr133-2-agents-rtx4090": [("agents", "fail", ["quant-not-loadable"])],
    "tr133-3-8b-on-8gb": [("too-big", "fail", ["vram-does-not-fit"])],
    "vllm-70b-tp4-h100": [("chat-large", "pass", [])],
    "vllm-8b-l4": [("chat", "pass", [])],
}
OFFERS = {"fails-latency", "fails-vram", "tr133-1-budget-hobbyist"}


def check(path: Path) -> dict:
    options = Options(fail_on=("fail", "cannot-predict"), now=TODAY)
    return to_document(run([str(path)], options).report)


def name(path: Path) -> str:
    return path.name.removesuffix(".capcheck.yaml")


def test_every_example_has_an_expectation():
    assert {name(path) for path in EXAMPLES} == set(EXPECTED)


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_an_example_gets_its_verdict(path):
    document = check(path)
    found = [
        (
            deployment["name"],
            deployment["verdict"],
            [x["rule"] for x in deployment["findings"] if x["severity"] == "error"],
        )
        for deployment in document["deployments"]
    ]
    assert found == EXPECTED[name(path)]
    assert document["problems"] == []
    offered = {x["name"] for x in document["deployments"] if x["alternatives"]}
    assert bool(offered & {"helpdesk", "chat-large", "hobbyist", "too-big"}) or (
        name(path) not in OFFERS
    )
    schema = json.loads((ROOT / "schemas/report.schema.json").read_text())
    Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_an_example_says_what_it_shows(path):
    comments = [line for line in path.read_text().splitlines() if line.startswith("# ")]
    assert any(line.startswith("# Shows: ") for line in comments)
