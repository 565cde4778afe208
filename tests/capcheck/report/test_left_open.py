"""What native files leave open, in every format for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from capcheck.report import FORMATS, Style, to_document

from tests.capcheck.report.conftest import run, unpredictable

DRAFT = """\
version: 1
deployments:
  search-embed:
    from: k8s/search.yaml#Deployment/search-embed
    # gpu: NAME  # the file does not say
    # slo: {ttft_p95: 1s, latency_p95: 10s}
"""
HOSTILE = 'version: 1\ndeployments:\n  "```\\u202e</details>": {from: "\u202e````"}\n'
SUFFIXES = {"terminal": "txt", "markdown": "md", "comment": "md", "github": "github"}


def draw(output_format: str, draft: str | None, style: Style | None = None) -> str:
    document = to_document(replace(run(unpredictable()), draft=draft))
    return FORMATS[output_format](document, style or Style())


@pytest.mark.parametrize("output_format", SUFFIXES)
def test_golden(output_format: str, golden: Callable[[str, str], None]):
    golden(f"left-open-{output_format}.{SUFFIXES[output_format]}", draw(output_format, DRAFT))


@pytest.mark.parametrize("output_format", ["terminal", "markdown", "comment"])
def test_without_native_files_there_is_nothing_to_paste(output_format: str):
    assert "leave open" not in draw(output_format, None)


@pytest.mark.parametrize("output_format", ["markdown", "comment"])
def test_nothing_in_it_ends_the_block(output_format: str):
    page = draw(output_format, HOSTILE)
    block = page[page.index("`````yaml") : page.index("\n`````\n")]
    assert HOSTILE.splitlines()[2].replace("\u202e", "\\u202e") in block
    assert "\u202e" not in page


@pytest.mark.parametrize("output_format", ["terminal", "markdown", "comment"])
def test_a_long_one_is_left_to_init(output_format: str):
    page = draw(output_format, DRAFT * 40)
    assert "capcheck init" in page
    assert page.count("k8s/search.yaml") == 0


def test_quiet_is_the_verdict_only():
    assert draw("terminal", DRAFT, Style(detail="quiet")).count("\n") == 1
