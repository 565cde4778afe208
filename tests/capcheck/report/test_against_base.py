"""Runs against another commit in every format, byte for byte; and what any of them must keep."""

import json
from collections.abc import Callable

import pytest
from capcheck.report import FORMATS, Style, read, to_document
from capcheck.report.compared import difference, is_old, outcome, shown
from capcheck.report.model import Report
from capcheck.schemas import text as schema_text
from jsonschema import Draft202012Validator

from tests.capcheck.report.samples_against_base import SAMPLES
from tests.capcheck.report.test_golden import SOURCES, SUFFIXES, render

SHAPE = Draft202012Validator(json.loads(schema_text("report")))


@pytest.fixture(params=SAMPLES)
def compared(request: pytest.FixtureRequest) -> tuple[str, Report]:
    return request.param, SAMPLES[request.param]()


@pytest.mark.parametrize("output_format", ["terminal", "github", "markdown"])
def test_sample(
    output_format: str, compared: tuple[str, Report], golden: Callable[[str, str], None]
) -> None:
    name, report = compared
    text = render(output_format, report, Style(sources=SOURCES))
    golden(f"against-base/{name}.{SUFFIXES[output_format]}", text)


def test_json(golden: Callable[[str, str], None]) -> None:
    golden("against-base/goalposts.json", render("json", SAMPLES["goalposts"](), Style()))


def test_the_schema_knows_it_and_it_renders_again(compared: tuple[str, Report]) -> None:
    document = to_document(compared[1])
    text = json.dumps(document)
    SHAPE.validate(json.loads(text))
    again = read(text, path="report.json")
    for output_format in FORMATS:
        if output_format != "json":
            drawn = [FORMATS[output_format](one, Style()) for one in (document, again)]
            assert drawn[0] == drawn[1]


def test_what_blocks_is_what_is_new(compared: tuple[str, Report]) -> None:
    document = to_document(compared[1])
    for entry in document["deployments"]:
        fresh = [found for found in entry["findings"] if not is_old(found)]
        expected = any(found["verdict"] in document["run"]["fail_on"] for found in fresh)
        assert entry["blocking"] == expected
    blocking = [entry for entry in document["deployments"] if entry["blocking"]]
    assert (document["exit_code"] == 1) == bool(blocking and not document["problems"])


def test_the_worst_news_first() -> None:
    document = to_document(SAMPLES["mixed"]())
    names = [(entry["name"], outcome(entry)) for entry in shown(document)]
    assert names == [("chat-prod", "fail"), ("search-embed", "cannot-predict")]


def test_verbose_shows_the_unchanged_too() -> None:
    text = render("terminal", SAMPLES["mixed"](), Style(detail="verbose"))
    assert "team-2" in text
    assert "unchanged, 1 of them failing as on base" not in text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, ""),
        (0.0, "same cost"),
        (0.004, "same cost"),
        (4216.0, "+$4,216/month"),
        (-516.0, "−$516/month"),
    ],
)
def test_money(usd: float | None, text: str) -> None:
    assert difference(usd) == text


def test_a_huge_fleet_fits_a_page() -> None:
    report = SAMPLES["fail-with-cause"]()
    many = [report.deployments[0]] * 3000
    full = Report(tuple(many), (), 1, report.fail_on, None, {}, report.comparison)
    text = FORMATS["markdown"](to_document(full), Style())
    assert len(text.encode()) <= Style().max_bytes
    assert "Too long for this page" in text
