"""Comments on lines of a pull request: listed, made in one review each, taken back."""

from __future__ import annotations

from capcheck.github.client import Client
from capcheck.github.payload import at, number
from capcheck.github.pulls import Pull
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class LineComment:
    """Text beside the lines `start_line` to `line` of a file as the head has it."""

    path: str
    line: int
    body: str
    start_line: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A comment on a line that is there; `answers` is the comment that it replies to."""

    id: int
    author: str
    body: str
    url: str
    answers: int | None


def listed(client: Client, pull: Pull) -> list[Written]:
    """Every comment on a line, replies included. Raises GitHubError."""
    return [
        Written(
            number(entry, "id"),
            str(at(entry, "user", "login") or ""),
            str(at(entry, "body") or ""),
            str(at(entry, "html_url") or ""),
            number(entry, "in_reply_to_id") if at(entry, "in_reply_to_id") else None,
        )
        for entry in client.pages(f"{pull.api}/pulls/{pull.number}/comments")
    ]


def create(client: Client, pull: Pull, comment: LineComment, *, sha: str) -> str:
    """Write one at a commit and return its URL.

    Raises GitHubError, RefusedError for a line outside the diff.
    """
    several = comment.start_line is not None and comment.start_line != comment.line
    made = client.post(
        f"{pull.api}/pulls/{pull.number}/comments",
        {
            "commit_id": sha,
            "path": comment.path,
            "line": comment.line,
            "side": "RIGHT",
            "body": comment.body,
            **({"start_line": comment.start_line, "start_side": "RIGHT"} if several else {}),
        },
    )
    return str(at(made, "html_url") or "")


def delete(client: Client, pull: Pull, comment: Written) -> None:
    """Take one back. Raises GitHubError."""
    client.delete(f"{pull.api}/pulls/comments/{comment.id}")
