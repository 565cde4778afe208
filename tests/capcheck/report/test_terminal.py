"""The terminal: jumpable places, carets where they belong, no control character but our colours."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from capcheck.report import Style, to_document
from capcheck.report.document import Spot
from capcheck.report.excerpt import excerpt
from capcheck.report.model import Report
from capcheck.report.pen import Pen, width
from capcheck.report.terminal import render

Samples = dict[str, Callable[[], Report]]

PLAIN = Pen(color=False, unicode=True)


def test_only_visible_characters(sample: tuple[str, Report]) -> None:
    text = render(to_document(sample[1]), Style(detail="verbose"))
    assert all(line.isprintable() for line in text.split("\n"))
    assert not re.search(r"^\s*::", text, re.MULTILINE)


def test_color_only_when_asked(sample: tuple[str, Report]) -> None:
    document = to_document(sample[1])
    colored = render(document, Style(color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(document, Style())


def test_ascii(sample: tuple[str, Report]) -> None:
    text = render(to_document(sample[1]), Style(unicode=False, detail="verbose"))
    assert text.isascii()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pass", "capcheck: passed: 1 pass, exit 0"),
        ("borderline", "capcheck: passed: 1 borderline, exit 0"),
        (
            "mixed",
            "capcheck: failed: 1 fail, 1 cannot-predict, 3 pass "
            "(fail-on fail,cannot-predict), exit 1",
        ),
        ("bad-input", "capcheck: could not read 1 manifest; 1 pass, exit 2"),
        ("empty", "capcheck: no manifest found, exit 3"),
    ],
)
def test_quiet_is_the_last_line(name: str, line: str, samples: Samples) -> None:
    document = to_document(samples[name]())
    assert render(document, Style(detail="quiet")) == f"{line}\n"
    assert render(document, Style()).splitlines()[-1] == line


def test_nothing_wrong_is_short(samples: Samples) -> None:
    text = render(to_document(samples["pass"]()), Style())
    assert len(text.splitlines()) == 9
    for shown in ("17.4 GiB", "88.0 tok/s", "7.60 s", "0.684", "$1,032/month"):
        assert shown in text


def test_findings_begin_with_their_place(samples: Samples) -> None:
    lines = render(to_document(samples["mixed"]()), Style()).splitlines()
    assert lines[0] == "deploy/chat.yaml:5:12: fail [latency-over-limit] chat-prod"


def test_one_cause_is_said_once_a_card(samples: Samples) -> None:
    text = render(to_document(samples["cannot-predict"]()), Style())
    card = text.split("? search-embed")[1]
    assert card.count("no calibration for tei") == 1


@pytest.mark.parametrize(
    ("line", "column", "end_column", "expected"),
    [
        (
            "model: llama",
            8,
            13,
            ["      1 │ model: llama", "        │        ^^^^^"],
        ),
        (
            "漢字: 値 # x",
            5,
            6,
            ["      1 │ 漢字: 値 # x", "        │       ^^"],
        ),
        (
            "a\u0301: \x1b[31mx",
            5,
            10,
            ["      1 │ a\u0301: \\x1b[31mx", "        │    ^^^^^^^^"],
        ),
        ("ab", 9, 12, ["      1 │ ab", "        │   ^"]),
        (
            "x" * 200,
            150,
            153,
            [
                "      1 │ …" + "x" * 91,
                "        │ " + " " * 41 + "^^^",
            ],
        ),
        (
            "y" * 200,
            1,
            3,
            [
                "      1 │ " + "y" * 100 + "…",
                "        │ ^^",
            ],
        ),
    ],
)
def test_carets(line: str, column: int, end_column: int, expected: list[str]) -> None:
    spot: Spot = {"path": "a", "line": 1, "column": column, "end_column": end_column}
    assert excerpt(spot, {"a": [line]}, PLAIN) == expected


@pytest.mark.parametrize(
    ("related", "label", "expected"),
    [
        # The limit's line comes second because it stands below.
        (
            {"path": "a", "line": 2, "column": 6, "end_column": 8},
            "limit",
            [
                "      1 │ gpu: L4",
                "        │      ^^",
                "      2 │ slo: 9s",
                "        │      -- limit",
            ],
        ),
        # One line, two spans.
        (
            {"path": "a", "line": 1, "column": 1, "end_column": 4},
            "",
            ["      1 │ gpu: L4", "        │ ---", "        │      ^^"],
        ),
        # The same span is not shown twice.
        (
            {"path": "a", "line": 1, "column": 6, "end_column": 8},
            "limit",
            ["      1 │ gpu: L4", "        │      ^^"],
        ),
        # Another file that is not at hand.
        (
            {"path": "b", "line": 1, "column": 1, "end_column": 2},
            "limit",
            ["      1 │ gpu: L4", "        │      ^^"],
        ),
    ],
)
def test_two_spans(related: Spot, label: str, expected: list[str]) -> None:
    spot: Spot = {"path": "a", "line": 1, "column": 6, "end_column": 8}
    sources = {"a": ["gpu: L4", "slo: 9s"]}
    assert excerpt(spot, sources, PLAIN, related=related, label=label) == expected


@pytest.mark.parametrize(("path", "line"), [("a", 2), ("a", 0), ("b", 1)])
def test_no_excerpt_without_the_line(path: str, line: int) -> None:
    spot: Spot = {"path": path, "line": line, "column": 1, "end_column": 2}
    assert excerpt(spot, {"a": ["x: 1"]}, PLAIN) == []


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("\x1b[1;31mred\x1b[0m", 3), ("", 0)],
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_fleet_is_a_table(huge: Report) -> None:
    lines = render(to_document(huge), Style()).splitlines()
    rows = [line for line in lines if re.match(r"  [✓✗] team-", line)]
    assert len(rows) == 100 + 30
    assert len({width(line) for line in rows}) == 1
    assert "  870 more passing deployments: --verbose" in lines
    assert sum("would pass with" in line for line in lines) == 10
    assert lines[-1].startswith("capcheck: failed: 100 fail, 900 pass")


def test_a_verbose_fleet_shows_all(huge: Report) -> None:
    text = render(to_document(huge), Style(detail="verbose"))
    assert text.count("VRAM parts, GiB") == 1000


def test_many_remarks_are_counted(samples: Samples) -> None:
    report = samples["mixed"]()
    remark = next(
        found
        for entry in report.deployments
        for found in entry.findings
        if found.severity == "note"
    )
    (entry, *_) = report.deployments
    loud = replace(report, deployments=(replace(entry, findings=(remark,) * 25),))
    text = render(to_document(loud), Style())
    assert text.count("note [gpu-ambiguous]") == 20
    assert "5 more remarks: --verbose" in text
    verbose = render(to_document(loud), Style(detail="verbose"))
    assert verbose.count("note [gpu-ambiguous]") == 25
