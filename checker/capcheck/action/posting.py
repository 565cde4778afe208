"""The comment, and what is said where it cannot be written. Nothing here changes the verdict."""

from __future__ import annotations

from collections.abc import Callable

from capcheck.action.runner import say
from capcheck.github.comments import Posted
from capcheck.github.errors import GitHubError, NotPermittedError

_FORK = (
    "This token cannot write to pull requests (a fork or Dependabot run). The verdict above "
    "stands; the report is in the job summary. To get comments on forks add the workflow in "
    "docs/forks.md."
)
_PERMISSION = (
    "This token cannot write to pull requests. The verdict above stands; the report is in the job "
    "summary. To get comments give the job the permission pull-requests: write."
)
_CLASH = (
    "Another job of this run had written the comment, and it is replaced. Give each job an id of "
    "its own, such as id: ${{ matrix.name }}."
)
# Each outcome of `Posted`, for a log.
SAID = {
    "created": "comment written",
    "updated": "comment updated",
    "unchanged": "the comment says all this already",
    "outdated": "no comment: a newer commit or run has its own",
    "closed": "no comment: the pull request is closed",
    "quiet": "no comment: nothing to say",
}


def attempt(write: Callable[[], Posted], *, is_limited: bool) -> str:
    """Write the comment, say how that went, and return its URL, empty when there is none.

    `is_limited` tells a fork from a missing permission.
    """
    try:
        posted = write()
    except NotPermittedError as error:
        message = _FORK if is_limited else f"{_PERMISSION} ({error})"
        say("notice", "capcheck: comment not posted", message)
        return ""
    except GitHubError as error:
        said = f"The verdict above stands; the report is in the job summary. GitHub: {error}"
        say("warning", "capcheck: comment not posted", said)
        return ""
    if posted.clashed:
        say("warning", "capcheck: two jobs, one comment", _CLASH)
    print(f"capcheck: {SAID[posted.outcome]}{f' ({posted.url})' if posted.url else ''}")
    return posted.url or ""
