"""A report onto its pull request, unless the pull request has moved on."""

from __future__ import annotations

from typing import Literal

from capcheck.github import pulls
from capcheck.github.client import Client
from capcheck.github.comments import Posted, login, upsert
from capcheck.github.pulls import Pull
from capcheck.report.comment import drafts, has_news
from capcheck.report.document import Document
from capcheck.report.style import Style

When = Literal["auto", "always", "never"]
WHEN: tuple[When, ...] = ("auto", "always", "never")


def publish(
    client: Client, pull: Pull, document: Document, style: Style, *, when: When = "auto"
) -> Posted:
    """Write the comment. `style.marker.sha` is the commit that was judged.

    `auto` begins once there is something to say, `always` at once; either keeps up to date what is
    there. Raises GitHubError.
    """
    if when == "never":
        return Posted("quiet", None)
    now = pulls.state(client, pull)
    if not now.is_open:
        return Posted("closed", None)
    if now.head_sha != style.marker.sha:
        return Posted("outdated", None)
    return upsert(
        client,
        pull,
        author=login(client),
        drafts=tuple(drafts(document, style)),
        start=when == "always" or has_news(document),
    )
