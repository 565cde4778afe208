"""Engine releases that a forecast should not rest on: unpinned, unknown or abandoned ones.

Finding backend-version-unpinned comes from `capcheck.resolution`, which assumes a release.
"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.registry.specs import BackendSpec
from capcheck.registry.versions import parse, release_in
from capcheck.resolution.resolved import Resolved
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="backend-version-unpinned",
        title="The engine's version names no release",
        severity="note",
        why="`latest` is another engine after the next pull: defaults, memory and speed change.",
        how="backend_version holds no release number.",
        fix="Set backend_version to a release.",
        failing="backend_version: latest",
        passing='backend_version: "0.11.0"',
    ),
    Rule(
        id="backend-version-unknown",
        title="The engine's version is newer than any that was read",
        severity="note",
        why="Its defaults may differ from those that the forecast assumes.",
        how="backend_version is above the release that the engine's row was read from.",
        fix="Update capcheck, or state the settings that matter.",
        failing='backend_version: "9.0.0"',
        passing='backend_version: "0.11.0"',
    ),
    Rule(
        id="backend-end-of-life",
        title="The engine is no longer maintained",
        severity="warning",
        why="New models, GPUs and security fixes do not reach it.",
        how="The engine's row has a date of its end, with its source.",
        fix="Move to a maintained engine.",
        failing="backend: tgi",
        passing="backend: vllm",
    ),
)


def check(resolved: Resolved) -> Iterator[Finding]:
    """Findings backend-version-unknown and backend-end-of-life."""
    if resolved.backend is not None:
        yield from _newer_than_read(resolved, resolved.backend)
        yield from _abandoned(resolved, resolved.backend)


def _newer_than_read(resolved: Resolved, backend: BackendSpec) -> Iterator[Finding]:
    stated = resolved.deployment.backend_version
    version, read = parse(stated), release_in(backend.version_read)
    newest = parse(read)
    if version is None or newest is None or version[:2] <= newest[:2]:
        return
    yield Finding(
        rule="backend-version-unknown",
        severity="note",
        verdict="pass",
        message=f"{backend.name} {stated} is newer than {read}, whose defaults are assumed",
        place=resolved.deployment.at("/backend_version", "/backend"),
        fix="update capcheck, or state the settings that matter",
    )


def _abandoned(resolved: Resolved, backend: BackendSpec) -> Iterator[Finding]:
    if backend.end_of_life is None:
        return
    yield Finding(
        rule="backend-end-of-life",
        severity="warning",
        verdict="pass",
        message=f"{backend.name} has not been maintained since {backend.end_of_life}",
        place=resolved.deployment.at("/backend"),
        fix="move to a maintained engine, such as vllm",
    )
