"""Pull requests, their files, and the files' contents."""

import base64

import pytest
from capcheck.github import contents, pulls
from capcheck.github.client import Client
from capcheck.github.errors import GitHubError, NotPermittedError, UnreachableError
from capcheck.github.http import Response
from capcheck.github.pulls import ChangedFile, Pull, State

from tests.capcheck.github.fake import API, REPOSITORY, TOKEN, FakeGitHub

PULL = Pull(REPOSITORY, 482)
BASE, HEAD = "b" * 40, "a" * 40


def test_the_state_of_a_pull_request(fake: FakeGitHub, client: Client) -> None:
    fake.open(482, head=HEAD, base=BASE)
    assert pulls.state(client, PULL) == State(PULL, HEAD, BASE, is_open=True)
    fake.pulls[482]["state"] = "closed"
    assert not pulls.state(client, PULL).is_open


def test_the_pull_requests_of_a_head(fake: FakeGitHub, client: Client) -> None:
    fake.open(7, head=HEAD, base=BASE, owner="them")
    fake.open(482, head=HEAD, base=BASE, owner="them")
    fake.open(8, head=HEAD, base=BASE, owner="others")
    fake.max_page = 1
    found = pulls.of_head(client, REPOSITORY, owner="them", branch="change")
    assert [one.pull.number for one in found] == [7, 482]
    assert pulls.of_head(client, REPOSITORY, owner="them", branch="x&state=closed") == []


def test_the_commit_that_changes_count_from(fake: FakeGitHub, client: Client) -> None:
    fake.merge_base = "d" * 40
    state = State(PULL, HEAD, BASE, is_open=True)
    assert pulls.merge_base(client, state) == "d" * 40
    assert fake.log == [f"GET {API}/compare/{BASE}...{HEAD}?per_page=1"]


def test_the_files_of_a_pull_request(fake: FakeGitHub, client: Client) -> None:
    fake.files[482] = [
        {"filename": "new", "status": "added"},
        {"filename": "to", "status": "renamed", "previous_filename": "from"},
        {"filename": "copy", "status": "copied", "previous_filename": "original"},
        {"filename": "gone", "status": "removed"},
    ]
    fake.max_page = 3
    assert pulls.files(client, PULL) == [
        ChangedFile("new", None, False),
        ChangedFile("to", "from", False),
        ChangedFile("copy", None, False),
        ChangedFile("gone", None, True),
    ]


PATH = "deploy/a b#?%2e/../capcheck.yaml"


def test_contents_are_data(fake: FakeGitHub, client: Client) -> None:
    data = bytes(range(256))
    fake.contents[HEAD, PATH] = data
    assert contents.read(client, PULL, PATH, sha=HEAD) == data
    (asked,) = fake.log
    assert asked == (f"GET {API}/contents/deploy/a%20b%23%3F%252e/../capcheck.yaml?ref={HEAD}")


def test_a_large_file_is_seen_to_be_too_large(fake: FakeGitHub, client: Client) -> None:
    fake.contents[HEAD, "x"] = b"x" * ((1 << 20) + 1)
    assert len(contents.read(client, PULL, "x", sha=HEAD)) == (1 << 20) + 1


@pytest.mark.parametrize("entry", [None, {"type": "symlink"}, {"type": "submodule"}])
def test_what_is_no_file(fake: FakeGitHub, client: Client, entry: object) -> None:
    fake.contents[HEAD, "x"] = entry
    with pytest.raises(NotPermittedError):
        contents.read(client, PULL, "x", sha=HEAD)


@pytest.mark.parametrize(
    "answer",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"number": "x", "head": [], "type": "file"}',
        b'{"type": "file", "size": 1, "content": "' + base64.b64encode(b"x")[:3] + b'"}',
    ],
)
def test_answers_of_another_shape_are_no_bug(answer: bytes) -> None:
    client = Client(token=TOKEN, transport=lambda _: Response(200, {}, answer))
    with pytest.raises(GitHubError):
        pulls.state(client, PULL)
    with pytest.raises(GitHubError):
        contents.read(client, PULL, "x", sha=HEAD)
    with pytest.raises(UnreachableError):
        pulls.merge_base(client, State(PULL, HEAD, BASE, is_open=True))
