"""What makes two findings of two commits the same one: never a line, never a path."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment

Key = tuple[str, str]


def key(found: Finding, deployment: Deployment) -> Key:
    """The rule, and what it is about: the limit, the gate, or the setting that it points at."""
    return found.rule, found.subject or found.gate or _setting(found, deployment)


def fingerprints(findings: Iterable[tuple[Finding, Deployment]]) -> list[str]:
    """`latency-over-limit/chat-prod/latency_p95`, in the given order, each unique.

    Two deployments of one name in two files are told apart by a number, in this order.
    """
    seen: dict[str, int] = {}
    unique = []
    for found, deployment in findings:
        rule, subject = key(found, deployment)
        text = "/".join(filter(None, (rule, deployment.name, subject)))
        seen[text] = seen.get(text, 0) + 1
        unique.append(text if seen[text] == 1 else f"{text}#{seen[text]}")
    return unique


def _setting(found: Finding, deployment: Deployment) -> str:
    """The pointer of what stands at the finding's place, dotted; empty for the name itself."""
    for pointer, place in deployment.places.items():
        if pointer and place == found.place:
            return pointer[1:].replace("/", ".")
    return ""
