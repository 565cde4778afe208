"""Findings that were there when capcheck came to a repository: recorded, they do not count."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from capcheck.compare.fingerprint import fingerprints
from capcheck.errors import InputError, Problem
from capcheck.finding import RECORDED, VERDICTS, Finding, Verdict, Waiver, worst
from capcheck.manifest.deployment import Deployment
from capcheck.manifest.discover import read_manifest
from capcheck.place import Place
from capcheck.policy.settle import silenced
from capcheck.report.build import ordered
from capcheck.report.model import DeploymentReport, Report
from capcheck.source.problems import quoted
from capcheck.source.text import MAX_BYTES

SCHEMA = "capcheck.baseline/v1"

Recorded = Mapping[str, Verdict]
"""Verdicts by fingerprint: rule, deployment and metric, never a line."""


def recorded(report: Report) -> dict[str, Verdict]:
    """Every finding that has a say in a verdict today, waived ones left out."""
    return {
        name: found.verdict
        for name, found, _ in _named(report)
        if found.verdict != "pass" and found.waived is None
    }


def pruned(known: Recorded, report: Report) -> dict[str, Verdict]:
    """What was recorded and is still there, at the better of both verdicts; nothing is added."""
    now = recorded(report)
    return {
        name: min(verdict, now[name], key=VERDICTS.index)
        for name, verdict in known.items()
        if name in now
    }


def text_of(known: Recorded) -> str:
    """As a file: sorted, so that a change of it can be reviewed."""
    findings = [{"fingerprint": name, "verdict": known[name]} for name in sorted(known)]
    return json.dumps({"schema": SCHEMA, "findings": findings}, indent=2) + "\n"


def read_baseline(path: Path) -> dict[str, Verdict]:
    """What a file has recorded. Raises InputError (unreadable-file, bad-baseline)."""
    data = read_manifest(path)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError("more than 1 MiB")
        return dict(_entries(json.loads(data)))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        line, column = (
            (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        )
        place = Place(path.as_posix(), line, column, column + 1)
        problem = Problem(
            "bad-baseline", place, quoted(str(error)), "a file that `capcheck baseline` wrote"
        )
        raise InputError((problem,)) from error


def with_baseline(report: Report, known: Recorded) -> Report:
    """The report, in which no recorded finding counts unless its verdict is worse by now."""
    old = {id(found) for name, found, _ in _named(report) if _is_old(name, found, known)}
    return replace(report, deployments=tuple(_without(entry, old) for entry in report.deployments))


def _entries(document: Any) -> Iterator[tuple[str, Verdict]]:  # noqa: ANN401
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']!r}"[:80])
    for one in document["findings"]:
        name, verdict = one["fingerprint"], one["verdict"]
        if not isinstance(name, str) or verdict not in VERDICTS:
            raise ValueError("a finding without fingerprint and verdict")
        yield name, verdict


def _named(report: Report) -> Iterator[tuple[str, Finding, Deployment]]:
    """Findings with the fingerprints that the report gives them."""
    found = [
        (one, entry.resolved.deployment) for entry in report.deployments for one in ordered(entry)
    ]
    for name, (one, deployment) in zip(fingerprints(found), found, strict=True):
        yield name, one, deployment


def _is_old(name: str, found: Finding, known: Recorded) -> bool:
    if found.verdict == "pass" or found.waived is not None or name not in known:
        return False
    return VERDICTS.index(found.verdict) <= VERDICTS.index(known[name])


def _without(entry: DeploymentReport, old: set[int]) -> DeploymentReport:
    findings = tuple(_as_old(one) if id(one) in old else one for one in entry.findings)
    return replace(
        entry,
        findings=findings,
        verdict=worst(*(one.verdict for one in findings)),
        silenced=entry.silenced | silenced(entry.findings, findings),
    )


def _as_old(found: Finding) -> Finding:
    waiver = Waiver(RECORDED, "recorded in the baseline", "", "")
    message = f"{found.message} (recorded in the baseline)"
    return replace(found, severity="note", verdict="pass", message=message, waived=waiver)
