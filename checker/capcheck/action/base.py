"""Which commit a run is compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from capcheck.git import Repository, repository_of
from capcheck.github.event import Event

# Asks for no comparison.
NONE = "none"


def choose(event: Event, asked: str | None, *, fetch: Callable[[Path, str], object]) -> str | None:
    """The commit to compare with, fetched if the checkout lacks it; None for no comparison.

    `asked` is the workflow's own choice, `none` for no comparison. A commit that cannot be had is
    named all the same: the run says then why it compared nothing. Raises GitError outside a
    repository.
    """
    if asked == NONE or (asked is None and event.base_sha is None):
        return None
    repository = repository_of(Path())
    if asked is not None:
        return _here(repository, asked, fetch)
    return _here(repository, _of_event(repository, event), fetch)


def _of_event(repository: Repository, event: Event) -> str:
    """Where the change began.

    A pull request is checked out as the merge of its head into its base, whose parents are known
    even where they were not fetched; the first is the base that the merge was made with, which may
    be newer than the one of the event. Where the head itself is checked out, what base got since
    then must not look like the pull request's doing.
    """
    base = event.base_sha or ""
    if event.pull is None or event.head_sha is None:
        return base
    parents = repository.parents("HEAD")
    if len(parents) == 2 and parents[1] == event.head_sha:
        return parents[0]
    return repository.merge_base(base, "HEAD") or base


def _here(repository: Repository, commit: str, fetch: Callable[[Path, str], object]) -> str:
    if repository.commit(commit) is None:
        fetch(repository.root, commit)
    return commit
