"""Release numbers out of what people write, and the rows that they select."""

from __future__ import annotations

import pytest
from capcheck.registry.versions import Version, covers, parse, release_in


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.33.0", (0, 33, 0)),
        ("v0.11", (0, 11)),
        ("b6790", (6790,)),
        ("0.10.1+rocm641", (0, 10, 1)),
        (" 0.9.2 ", (0, 9, 2)),
        ("latest", None),
        ("nightly-2026", None),
        ("", None),
        (None, None),
    ],
)
def test_parse(text: str | None, version: Version | None):
    assert parse(text) == version


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("0.33.0 (wheel source)", "0.33.0"),
        ("main 2026-08-21 (fb30760, llama.cpp b10488); docs cite 0.34.4", "0.34.4"),
        ("db931fc (3.3.7 line; archived)", "3.3.7"),
        ("docs 0076e93", None),
    ],
)
def test_release_in(text: str, release: str | None):
    assert release_in(text) == release


@pytest.mark.parametrize(
    ("version", "since", "before", "covered"),
    [
        ((0, 21), "0.21", "", True),
        ((0, 20, 9), "0.21", "", False),
        ((0, 21), "", "0.21", False),
        ((0, 20, 9), "", "0.21", True),
        ((0, 21, 0), "0.21", "", True),
        (None, "0.21", "", True),  # unknown is the newest
        (None, "", "0.21", False),
        ((9,), "", "", True),
    ],
)
def test_covers(version: Version | None, since: str, before: str, covered: bool):
    assert covers(version, since=since, before=before) is covered
