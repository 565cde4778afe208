"""The workflow run that the step is part of, from the variables that the runner sets.

https://docs.github.com/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from capcheck.github import event as events
from capcheck.github.client import API_URL
from capcheck.github.event import Event
from capcheck.records import dataclass
from capcheck.report.marker import Marker
from capcheck.report.style import Links, Style


@dataclass(frozen=True, slots=True)
class Workflow:
    """Which run of which repository, and why it was started. `run` is 0 outside of GitHub."""

    event: Event
    repository: str
    run: int
    api_url: str
    server_url: str

    def style(self, comment_id: str) -> Style:
        """How reports of this run are drawn: with links, and the comment under its marker."""
        sha = self.event.head_sha
        home = f"{self.server_url}/{self.repository}" if self.repository else ""
        return Style(
            marker=Marker(comment_id, sha, self.run),
            links=Links(
                files=f"{home}/blob/{sha}" if home and sha else "",
                run=f"{home}/actions/runs/{self.run}" if home and self.run else "",
            ),
        )


def read(environ: Mapping[str, str]) -> Workflow:
    """The run as the environment tells of it; an event that cannot be read has no facts."""
    run = environ.get("GITHUB_RUN_ID", "")
    return Workflow(
        event=events.read(
            environ.get("GITHUB_EVENT_NAME", ""),
            _payload(environ.get("GITHUB_EVENT_PATH")),
            sha=environ.get("GITHUB_SHA"),
        ),
        repository=environ.get("GITHUB_REPOSITORY", ""),
        run=int(run) if run.isascii() and run.isdigit() else 0,
        api_url=environ.get("GITHUB_API_URL") or API_URL,
        server_url=(environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/"),
    )


def _payload(path: str | None) -> object:
    try:
        payload: object = json.loads(Path(path or "").read_bytes())
        return payload
    except (OSError, ValueError, RecursionError):
        return None
