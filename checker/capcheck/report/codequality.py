"""Code Quality: findings on the lines of a GitLab merge request.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Literal, TypedDict

from capcheck.finding import Severity
from capcheck.report.compared import is_old
from capcheck.report.document import Document, NamedFinding, Spot
from capcheck.report.escape import SENTENCE_LENGTH, clip, plain
from capcheck.report.figures import about
from capcheck.report.style import Style

Level = Literal["info", "minor", "major", "critical", "blocker"]

LEVELS: dict[Severity, Level] = {"error": "major", "warning": "minor", "note": "info"}


class Lines(TypedDict):
    """The first line that an entry is about."""

    begin: int


class Location(TypedDict):
    """Where GitLab shows an entry."""

    path: str
    lines: Lines


class Entry(TypedDict):
    """One finding as GitLab wants it."""

    description: str
    check_name: str
    fingerprint: str
    severity: Level
    location: Location


def render(document: Document, style: Style) -> str:
    """A list of entries, bad input first; GitLab itself compares them with the target branch's."""
    return json.dumps(list(_entries(document)), indent=2, ensure_ascii=False) + "\n"


def _entries(document: Document) -> Iterator[Entry]:
    for problem in document["problems"]:
        near = f"; did you mean {problem['nearest']!r}?" if problem["nearest"] else ""
        text = f"found {problem['found']}, expected {problem['expected']}{near}"
        identity = f"{problem['code']}/{problem['path']}/{problem['found']}"
        yield _entry(problem, problem["code"], text, identity, "blocker")
    for found in document["findings"]:
        yield _entry(found, found["rule"], _text(found), found["fingerprint"], _level(found))


def _text(found: NamedFinding) -> str:
    cause = f"{found['cause']['message']}. " if found["cause"] else ""
    fix = f" Fix: {found['fix']}." if found["fix"] else ""
    return f"{about(found)}: {cause}{found['message']}.{fix}"


def _level(found: NamedFinding) -> Level:
    """What does not count in this change is no more than information."""
    return "info" if is_old(found) or found["waived"] else LEVELS[found["severity"]]


def _entry(spot: Spot, check: str, text: str, identity: str, level: Level) -> Entry:
    return {
        "description": plain(clip(text, SENTENCE_LENGTH)),
        "check_name": check,
        "fingerprint": sha256(identity.encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": level,
        "location": {
            "path": spot["path"].replace("\\", "/").removeprefix("./"),
            "lines": {"begin": spot["line"]},
        },
    }
