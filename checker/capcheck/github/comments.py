"""capcheck's own comment on a pull request: found again, written once, never out of date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeVar

from capcheck.github.client import Client
from capcheck.github.errors import NotPermittedError, RefusedError, UnreachableError
from capcheck.github.payload import at, number, text
from capcheck.github.pulls import Pull
from capcheck.records import dataclass
from capcheck.report.marker import Marker, split

Written = TypeVar("Written")

# Who writes with a workflow's own token, which may not ask for its name.
ACTIONS_LOGIN = "github-actions[bot]"


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a comment; `url` is None when there is none.

    `quiet`: there was none and nothing to say. `outdated`: there is a newer commit or run.
    `clashed`: what was replaced had been written by this very run, that is by another job.
    """

    outcome: Literal["created", "updated", "unchanged", "outdated", "closed", "quiet"]
    url: str | None
    clashed: bool = False


@dataclass(frozen=True, slots=True)
class _Comment:
    id: int
    url: str
    marker: Marker
    text: str


def login(client: Client) -> str:
    """The account that the token writes as. Raises GitHubError."""
    try:
        return text(client.get("/user"), "login")
    except NotPermittedError as error:
        if error.status != 403:
            raise
        return ACTIONS_LOGIN


def upsert(
    client: Client, pull: Pull, *, author: str, drafts: Sequence[str], start: bool
) -> Posted:
    """Write the first of `drafts` that GitHub takes into the comment that is ours.

    The drafts say the same at falling length, each under the same marker. Without `start` only a
    comment that is there already is written. Raises GitHubError.
    """
    marker, _ = split(drafts[0])
    if marker is None:
        raise ValueError("a draft begins with its marker")
    ours = [found for found in _comments(client, pull, author) if found.marker.id == marker.id]
    if not ours:
        return _create(client, pull, author, drafts, marker) if start else Posted("quiet", None)
    first, *doubles = ours
    newest = max(ours, key=lambda found: found.marker.run)
    if newest.marker.run > marker.run:
        return Posted("outdated", newest.url)
    # Two jobs that found none at the same moment have written one each.
    for double in doubles:
        _remove(client, pull, double)
    return _update(client, pull, author, drafts, marker, first)


def _update(
    client: Client, pull: Pull, author: str, drafts: Sequence[str], marker: Marker, old: _Comment
) -> Posted:
    if old.text in [split(draft)[1] for draft in drafts]:
        return Posted("unchanged", old.url)
    url = f"{pull.api}/issues/comments/{old.id}"
    try:
        _first_taken(drafts, lambda body: client.patch(url, {"body": body}))
    except NotPermittedError as error:
        if error.status != 404:
            raise
        # Somebody deleted it since it was listed.
        return _create(client, pull, author, drafts, marker)
    return Posted("updated", old.url, clashed=old.marker.run == marker.run)


def _create(
    client: Client, pull: Pull, author: str, drafts: Sequence[str], marker: Marker
) -> Posted:
    url = f"{pull.api}/issues/{pull.number}/comments"

    def make(body: str) -> str:
        return text(client.post(url, {"body": body}), "html_url")

    try:
        return Posted("created", _first_taken(drafts, make))
    except UnreachableError:
        # It may be there all the same, and a second one would stay for ever.
        for found in _comments(client, pull, author):
            if found.marker == marker:
                return Posted("created", found.url)
        return Posted("created", _first_taken(drafts, make))


def _first_taken(drafts: Sequence[str], write: Callable[[str], Written]) -> Written:
    for draft in drafts[:-1]:
        with suppress(RefusedError):
            return write(draft)
    return write(drafts[-1])


def _remove(client: Client, pull: Pull, comment: _Comment) -> None:
    try:
        client.delete(f"{pull.api}/issues/comments/{comment.id}")
    except NotPermittedError as error:
        if error.status != 404:
            raise


def _comments(client: Client, pull: Pull, author: str) -> list[_Comment]:
    """Comments with a marker by `author`: anybody may quote one."""
    listed = client.pages(f"{pull.api}/issues/{pull.number}/comments")
    return [found for entry in listed if (found := _ours(entry, author)) is not None]


def _ours(entry: object, author: str) -> _Comment | None:
    if at(entry, "user", "login") != author:
        return None
    marker, below = split(str(at(entry, "body") or ""))
    if marker is None:
        return None
    return _Comment(number(entry, "id"), text(entry, "html_url"), marker, below)
