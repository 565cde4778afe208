"""Why GitHub did not do what was asked. No message ever holds the token."""

from __future__ import annotations


class GitHubError(Exception):
    """Any of those below."""


class NotPermittedError(GitHubError):
    """401, 403 or 404: GitHub answers 404 for what a token may not see. `status` says which."""

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        super().__init__(message)


class RefusedError(GitHubError):
    """422: understood and not taken; a body that is too long, a line outside the diff."""


class UnreachableError(GitHubError):
    """No usable answer: no connection, a time-out, 5xx, rate limits that last, other hosts."""
