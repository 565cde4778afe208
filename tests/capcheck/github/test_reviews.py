"""Comments on lines."""

import pytest
from capcheck.github import pulls, reviews
from capcheck.github.client import Client
from capcheck.github.errors import RefusedError
from capcheck.github.pulls import Pull
from capcheck.github.reviews import LineComment, Written

from tests.capcheck.github.fake import BOT, REPOSITORY, FakeGitHub, Trouble

PULL = Pull(REPOSITORY, 482)
HEAD = "a" * 40


def test_made_listed_and_taken_back(fake: FakeGitHub, client: Client) -> None:
    url = reviews.create(client, PULL, LineComment("a.yaml", 4, "one"), sha=HEAD)
    reviews.create(client, PULL, LineComment("a.yaml", 9, "more", start_line=7), sha=HEAD)
    fake.review_comments.append({"id": 3, "body": "why?", "user": None, "in_reply_to_id": 1})
    fake.max_page = 2
    found = reviews.listed(client, PULL)
    assert [(one.id, one.author, one.body, one.answers) for one in found] == [
        (1, BOT, "one", None),
        (2, BOT, "more", None),
        (3, "", "why?", 1),
    ]
    assert found[0].url == url
    first, second, _ = fake.review_comments
    assert {key: first[key] for key in ("commit_id", "path", "line", "side")} == {
        "commit_id": HEAD,
        "path": "a.yaml",
        "line": 4,
        "side": "RIGHT",
    }
    assert "start_line" not in first
    assert (second["start_line"], second["start_side"]) == (7, "RIGHT")
    reviews.delete(client, PULL, found[0])
    assert [one["id"] for one in fake.review_comments] == [2, 3]


def test_a_line_outside_the_diff(fake: FakeGitHub, client: Client) -> None:
    fake.troubles = [Trouble("^POST", 422, message="line must be part of the diff")]
    with pytest.raises(RefusedError, match="part of the diff"):
        reviews.create(client, PULL, LineComment("a.yaml", 4, "one"), sha=HEAD)
    with_id = Written(9, BOT, "", "", None)
    reviews.delete(client, PULL, with_id)
    assert fake.log[-1].startswith("DELETE ")


def test_the_diff_of_a_file(fake: FakeGitHub, client: Client) -> None:
    fake.files[482] = [
        {"filename": "a.yaml", "status": "modified", "patch": "@@ -1 +1 @@\n-a\n+b"},
        {"filename": "b.bin", "status": "modified"},
    ]
    assert [one.patch for one in pulls.files(client, PULL)] == ["@@ -1 +1 @@\n-a\n+b", None]
