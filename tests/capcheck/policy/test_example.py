"""The example's report in every form for people, so that what a policy does can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from capcheck.report import FORMATS, Style, to_document
from capcheck.run import Options, run

from tests.capcheck.policy.conftest import NOW

ROOT = Path(__file__).parents[3]
FILES = {
    "terminal": "example.txt",
    "comment": "example.comment.md",
    "markdown": "example.summary.md",
    "github": "example.github.txt",
    "sarif": "example.sarif",
    "junit": "example.junit.xml",
    "codequality": "example.codequality.json",
}


@pytest.mark.parametrize("name", FILES)
def test_the_example(
    name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    options = Options(fail_on=None, now=NOW, alternatives=False)
    outcome = run(["examples/policy/capcheck.yaml"], options)
    document = to_document(outcome.report)
    text = FORMATS[name](document, Style(sources=outcome.sources))
    golden(FILES[name], text)
