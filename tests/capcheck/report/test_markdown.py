"""The page: well-formed whatever the names, and never longer than its destination takes."""

import html
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from capcheck.report import Style, to_document
from capcheck.report.document import Document
from capcheck.report.markdown import render
from capcheck.report.model import Report
from hypothesis import given
from hypothesis import strategies as st

Samples = dict[str, Callable[[], Report]]


def tables(text: str) -> list[list[str]]:
    """Groups of consecutive lines that begin with a pipe."""
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def check_structure(text: str) -> None:
    """Every row has as many cells as its header; `<details>` are closed and stand alone."""
    for header, separator, *rows in tables(text):
        columns = header.count("|")
        assert re.fullmatch(r"\|(---\|)+", separator)
        assert rows
        assert {line.count("|") for line in (separator, *rows)} == {columns}
    assert text.count("<details>") == text.count("</details>")
    tags = set(re.findall(r"</?([a-z]+)", text))
    assert tags <= {"code", "br", "sub", "details", "summary"}


def test_structure(sample: tuple[str, Report]) -> None:
    check_structure(render(to_document(sample[1]), Style()))


def renamed(document: Document, text: str) -> Document:
    (deployment,) = document["deployments"]
    found = {**deployment["findings"][0], "message": text, "fix": text, "path": text}
    return {  # type: ignore[return-value]
        **document,
        "deployments": [
            {**deployment, "name": text, "path": text, "findings": [found], "nothing_passes": text}
        ],
        "findings": [{**found, "deployment": text}],
    }


@given(
    text=st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cf", "Cs"]), max_size=30)
)
def test_structure_with_any_name(text: str, samples: Samples) -> None:
    check_structure(render(renamed(to_document(samples["fail-latency"]()), text), Style()))


def test_mentions_and_links_are_defused(samples: Samples) -> None:
    text = render(to_document(samples["hostile"]()), Style())
    assert "://" not in text
    assert "<img" not in text
    assert text.count("@") == 0
    for name in re.findall(r"<code>(.*?)</code>", text):
        assert len(html.unescape(name).replace("\u200b", "")) <= 200


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("pass", "### ✅ capcheck: the deployment meets its limits"),
        ("fail-vram", "### ❌ capcheck: 1 deployment breaks a limit"),
        ("borderline", "### ⚠️ capcheck: 1 deployment is borderline"),
        ("cannot-predict", "### ❔ capcheck: 1 deployment cannot be predicted"),
        (
            "mixed",
            "### ❌ capcheck: 1 deployment breaks a limit, 1 deployment cannot be predicted",
        ),
        ("bad-input", "### ❌ capcheck: could not read 1 manifest"),
        ("empty", "### ❌ capcheck: no manifest found"),
    ],
)
def test_headline(name: str, headline: str, samples: Samples) -> None:
    assert render(to_document(samples[name]()), Style()).splitlines()[0] == headline


@pytest.mark.parametrize(
    ("max_bytes", "rows", "said"),
    [
        (900 * 1024, 1000, None),
        (120 * 1024, 200, "800 of 1,000 deployments (800 of them pass) left out."),
        (60_000, 100, "900 of 1,000 deployments (900 of them pass) left out."),
        (30_000, 20, "980 of 1,000 deployments (900 of them pass) left out."),
    ],
)
def test_ladder(max_bytes: int, rows: int, said: str | None, huge: Report) -> None:
    text = render(to_document(huge), Style(max_bytes=max_bytes))
    assert len(text.encode()) <= max_bytes
    check_structure(text)
    main_table = next(table for table in tables(text) if "| Deployment |" in table[0])
    assert len(main_table) - 2 == rows
    assert ("Too long for this page" in text) is (said is not None)
    assert said is None or said in text


def test_a_large_fleet_fits_a_job_summary(huge: Report) -> None:
    """Three thousand deployments, all with findings and ways out."""
    broken = [entry for entry in huge.deployments if entry.verdict == "fail"] * 30
    text = render(to_document(replace(huge, deployments=tuple(broken))), Style())
    assert len(text.encode()) <= 900 * 1024
    check_structure(text)


def test_dropped_alternatives_are_named(huge: Report) -> None:
    text = render(to_document(huge), Style(max_bytes=30_000))
    assert "the alternatives of 100 deployments left out" in text
