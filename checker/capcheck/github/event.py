"""What started the workflow: which commits to compare, which pull request to tell.

https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

import re

from capcheck.github.payload import at
from capcheck.records import dataclass

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

# Nothing but zeros stands for a branch that did not exist.
_NO_COMMIT = re.compile(r"0+")

DEPENDABOT = "dependabot[bot]"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the commits of a `workflow_run` came from."""

    owner: str
    branch: str


@dataclass(frozen=True, slots=True)
class Event:
    """The facts of an event that matter; None or False where it has none.

    `base_sha` is the commit to compare with, `head_sha` the one that is judged. `is_limited`: the
    token can't write, whatever the workflow asks for.
    """

    name: str
    base_sha: str | None = None
    head_sha: str | None = None
    pull: int | None = None
    is_limited: bool = False
    source: Source | None = None


def read(name: str, payload: object, *, sha: str | None = None) -> Event:
    """The event of this name (`GITHUB_EVENT_NAME`); `sha` is `GITHUB_SHA`."""
    if name in ("pull_request", "pull_request_target"):
        return _pull_request(name, payload)
    if name == "merge_group":
        base, head = (at(payload, name, key) for key in ("base_sha", "head_sha"))
        return Event(name, base_sha=_sha(base), head_sha=_sha(head))
    if name == "push":
        base, head = at(payload, "before"), at(payload, "after")
        return Event(name, base_sha=_sha(base), head_sha=_sha(head) or _sha(sha))
    if name == "workflow_run":
        return _workflow_run(payload)
    return Event(name, head_sha=_sha(sha))


def _pull_request(name: str, payload: object) -> Event:
    number = at(payload, "pull_request", "number")
    head, base = (at(payload, "pull_request", side, "repo", "id") for side in ("head", "base"))
    return Event(
        name,
        base_sha=_sha(at(payload, "pull_request", "base", "sha")),
        head_sha=_sha(at(payload, "pull_request", "head", "sha")),
        pull=number if isinstance(number, int) else None,
        # The repository of the head is null once a fork is deleted.
        is_limited=head != base or at(payload, "sender", "login") == DEPENDABOT,
    )


def _workflow_run(payload: object) -> Event:
    owner = at(payload, "workflow_run", "head_repository", "owner", "login")
    branch = at(payload, "workflow_run", "head_branch")
    return Event(
        "workflow_run",
        head_sha=_sha(at(payload, "workflow_run", "head_sha")),
        source=(
            Source(owner, branch) if isinstance(owner, str) and isinstance(branch, str) else None
        ),
    )


def _sha(value: object) -> str | None:
    if not isinstance(value, str) or not _SHA.fullmatch(value) or _NO_COMMIT.fullmatch(value):
        return None
    return value
