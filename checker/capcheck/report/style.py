"""How a caller wants a report to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal

from capcheck.records import dataclass
from capcheck.report.marker import Marker

Detail = Literal["quiet", "normal", "verbose"]

# GitHub drops a job summary above 1 MiB:
# https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
SUMMARY_BYTES = 900 * 1024


@dataclass(frozen=True, slots=True)
class Links:
    """Where things are on the web, each a URL or empty.

    `files` is the root of the judged commit's files, `run` the workflow run, `suggestions` the
    review comments that mend deployments, by manifest and name.
    """

    files: str = ""
    run: str = ""
    suggestions: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Style:
    """Options of the renderers; each reads those that concern it.

    `sources` are the manifests' lines by path, for excerpts; a report does not contain them.
    `max_bytes` is the largest page that the job summary takes. `marker` and `links` are the
    comment's.
    """

    color: bool = False
    unicode: bool = True
    detail: Detail = "normal"
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    max_bytes: int = SUMMARY_BYTES
    marker: Marker = field(default_factory=Marker)
    links: Links = field(default_factory=Links)
