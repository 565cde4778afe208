"""How a caller wants a report to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Detail = Literal["quiet", "normal", "verbose"]

# GitHub drops a job summary above 1 MiB:
# https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
SUMMARY_BYTES = 900 * 1024


@dataclass(frozen=True, slots=True)
class Style:
    """Options of the renderers; each reads those that concern it.

    `sources` are the manifests' lines by path, for excerpts; a report does not contain them.
    `max_bytes` is the largest Markdown that its destination takes.
    """

    color: bool = False
    unicode: bool = True
    detail: Detail = "normal"
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    max_bytes: int = SUMMARY_BYTES
