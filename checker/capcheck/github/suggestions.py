"""Fixes as review comments: at most a few, on lines of the diff, each proven, none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from capcheck.edit.change import apply, rewrites
from capcheck.github import pulls, reviews
from capcheck.github.client import Client
from capcheck.github.comments import login
from capcheck.github.errors import NotPermittedError, RefusedError
from capcheck.github.hunks import hunks
from capcheck.github.pulls import ChangedFile, Pull
from capcheck.github.reviews import LineComment, Written
from capcheck.records import dataclass
from capcheck.report.compared import outcome
from capcheck.report.document import Deployment, Document
from capcheck.report.fix import changes, smallest_fix
from capcheck.report.marker import Marker
from capcheck.report.suggestion import Mark, mark_of, marked, render

MOST = 5

# Whether a deployment of the manifest `path` passes once its text is another: path, text, name.
Passes = Callable[[str, str, str], bool]

# A deployment by its manifest and name.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One review comment to be there."""

    key: Key
    mark: Mark
    comment: LineComment


def suggestions(
    document: Document,
    texts: Mapping[str, str],
    files: Sequence[ChangedFile],
    *,
    identity: str,
    passes: Passes,
) -> list[Suggestion]:
    """The first few deployments whose smallest fix is lines in a row that the diff shows.

    `texts` are the manifests that were judged, `files` the pull request's.
    """
    found: list[Suggestion] = []
    patches = {file.path: file.patch for file in files if file.patch}
    for deployment in _broken(document):
        path = deployment["path"]
        if len(found) < MOST and path in texts and path in patches:
            found.extend(
                _suggestion(deployment, texts[path], patches[path], identity, passes=passes)
            )
    return found


def publish(
    client: Client, pull: Pull, wanted: Sequence[Suggestion], marker: Marker
) -> dict[Key, str]:
    """Write what is missing, take back what no longer holds unless answered; URLs by deployment.

    Nothing is written once the pull request is closed or has another head than `marker.sha`.
    Raises GitHubError.
    """
    now = pulls.state(client, pull)
    if marker.sha is None or not now.is_open or now.head_sha != marker.sha:
        return {}
    ours, answered = _ours(client, pull, marker.id)
    urls: dict[Key, str] = {}
    for suggestion in wanted:
        same = [one for one in ours if mark_of(one.body) == suggestion.mark]
        if same:
            urls[suggestion.key] = same[0].url
            ours.remove(same[0])
            continue
        # A line that GitHub does not take for part of the diff; the comment has the patch.
        with suppress(RefusedError):
            urls[suggestion.key] = reviews.create(client, pull, suggestion.comment, sha=marker.sha)
    for stale in ours:
        if stale.id not in answered:
            with suppress(NotPermittedError):  # gone already
                reviews.delete(client, pull, stale)
    return urls


def _ours(client: Client, pull: Pull, identity: str) -> tuple[list[Written], set[int | None]]:
    """Our suggestions, and the comments that somebody has answered."""
    every = reviews.listed(client, pull)
    if not any(mark_of(one.body) for one in every):
        return [], set()
    author = login(client)
    ours = [
        one
        for one in every
        if one.author == author
        and one.answers is None
        and (mark := mark_of(one.body)) is not None
        and mark.id == identity
    ]
    return ours, {one.answers for one in every}


def _broken(document: Document) -> Iterator[Deployment]:
    """What does not pass because of this change, in the order of the findings."""
    homes = {
        found["fingerprint"]: deployment
        for deployment in document["deployments"]
        for found in deployment["findings"]
        if outcome(deployment) != "pass"
    }
    seen = set()
    for found in document["findings"]:
        deployment = homes.get(found["fingerprint"])
        if deployment and (key := (deployment["path"], deployment["name"])) not in seen:
            seen.add(key)
            yield deployment


def _suggestion(
    deployment: Deployment, text: str, patch: str, identity: str, *, passes: Passes
) -> Iterator[Suggestion]:
    fix = smallest_fix(deployment)
    if fix is None:
        return
    made = changes(fix, text)
    blocks = rewrites(text, made)
    # GitHub writes LF; in a file with CRLF that would mix them.
    if len(blocks) != 1 or "\r" in text:
        return
    (block,) = blocks
    path, name = deployment["path"], deployment["name"]
    before = text.split("\n")[block.first - 1 : block.last]
    if not any(hunk.shows(block.first, block.last, before) for hunk in hunks(patch)):
        return
    if not passes(path, apply(text, made), name):
        return
    lines = [line.rstrip("\n") for line in block.lines]
    mark = marked(identity, deployment, lines)
    body = render(deployment, fix, lines, mark)
    start = block.first if block.first != block.last else None
    yield Suggestion((path, name), mark, LineComment(path, block.last, body, start_line=start))
