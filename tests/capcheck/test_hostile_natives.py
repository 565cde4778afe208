"""Mutated native files through the whole check: a verdict or an error, never a traceback."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from capcheck.manifest.discover import read_manifest
from capcheck.report import FORMATS, Style, to_document
from capcheck.run import Options, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.capcheck.source.native.test_hostile import FRAGMENTS, PLAIN, SEEDS, mutated

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "files"
OPTIONS = Options(fail_on=None, now=datetime(2026, 11, 23, tzinfo=timezone.utc), alternatives=False)
SHAPES = ("f.yaml", "docker-compose.yml")
PLAIN_SHAPES = ("f.sh", "f.service")


def is_judged_or_refused(path: str, text: str) -> None:
    """Every deployment has a verdict, or something is wrong at a place of the file."""
    Path(path).write_text(text, "utf-8", newline="")
    report = run([path], OPTIONS).report
    assert report.deployments or report.problems
    lines = text.count("\n") + 1
    for problem in report.problems:
        assert 1 <= problem.place.line <= lines
    document = to_document(report)
    for name in ("terminal", "markdown", "comment", "github", "json"):
        assert FORMATS[name](document, Style())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SHAPES), mutated(SEEDS))
def test_trees(path: str, text: str) -> None:
    is_judged_or_refused(path, text)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLAIN_SHAPES), mutated(PLAIN))
def test_scripts(path: str, text: str) -> None:
    is_judged_or_refused(path, text)


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"real files are not at {CORPUS}")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_real_files(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(CORPUS.iterdir())))
    text = read_manifest(path).decode()
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 40)))
    text = text[:at] + data.draw(st.sampled_from(FRAGMENTS)) + text[end:]
    is_judged_or_refused(path.name, text)
