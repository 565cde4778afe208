"""Pull requests as the API tells of them."""

from __future__ import annotations

from capcheck.github.client import Client, quoted
from capcheck.github.payload import at, number, text
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request by number; `repository` is `owner/name`."""

    repository: str
    number: int

    @property
    def api(self) -> str:
        """The path of its repository in the API."""
        owner, _, name = self.repository.partition("/")
        return f"/repos/{quoted(owner)}/{quoted(name)}"


@dataclass(frozen=True, slots=True)
class State:
    """Where a pull request stands now."""

    pull: Pull
    head_sha: str
    base_sha: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of a pull request; `previous` is its path before a rename.

    `patch` is its part of the diff, None where GitHub leaves it out: too long, or not text.
    """

    path: str
    previous: str | None
    is_removed: bool
    patch: str | None = None


def state(client: Client, pull: Pull) -> State:
    """The pull request as it is now. Raises GitHubError."""
    return _state(pull, client.get(f"{pull.api}/pulls/{pull.number}"))


def of_head(client: Client, repository: str, *, owner: str, branch: str) -> list[State]:
    """The open pull requests from `owner:branch`, one for each base. Raises GitHubError."""
    api = Pull(repository, 0).api
    listed = client.pages(f"{api}/pulls", state="open", head=f"{owner}:{branch}")
    return [_state(Pull(repository, number(entry, "number")), entry) for entry in listed]


def merge_base(client: Client, of: State) -> str:
    """The commit from which a pull request's changes count. Raises GitHubError."""
    compared = client.get(f"{of.pull.api}/compare/{of.base_sha}...{of.head_sha}", per_page="1")
    return text(compared, "merge_base_commit", "sha")


def files(client: Client, pull: Pull) -> list[ChangedFile]:
    """What a pull request changes; GitHub lists 3,000 files at most. Raises GitHubError."""
    return [
        ChangedFile(
            path=text(entry, "filename"),
            previous=text(entry, "previous_filename") if _is(entry, "renamed") else None,
            is_removed=_is(entry, "removed"),
            patch=text(entry, "patch") if at(entry, "patch") is not None else None,
        )
        for entry in client.pages(f"{pull.api}/pulls/{pull.number}/files")
    ]


def _is(entry: object, status: str) -> bool:
    return at(entry, "status") == status


def _state(pull: Pull, entry: object) -> State:
    return State(
        pull,
        head_sha=text(entry, "head", "sha"),
        base_sha=text(entry, "base", "sha"),
        is_open=at(entry, "state") == "open",
    )
