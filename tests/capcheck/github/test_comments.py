"""The one comment: whose it is, who wins, what is not written."""

import pytest
from capcheck.github.client import Client
from capcheck.github.comments import Posted, login, upsert
from capcheck.github.errors import NotPermittedError, RefusedError, UnreachableError
from capcheck.github.pulls import Pull
from capcheck.report.marker import Marker, split

from tests.capcheck.github.fake import BOT, REPOSITORY, FakeGitHub, Trouble, writes

PULL = Pull(REPOSITORY, 482)
SHA = "3f2a91c0d5b7e6f8a9014c2d3e4f5a6b7c8d9e0f"
URL = f"https://github.example/{REPOSITORY}/pull/482#issuecomment-1"


def draft(text: str, *, run: int = 5, name: str = "default") -> str:
    return f"{Marker(name, SHA, run)}\n{text}\n"


def post(client: Client, *drafts: str, start: bool = True) -> Posted:
    return upsert(client, PULL, author=BOT, drafts=drafts, start=start)


def bodies(fake: FakeGitHub) -> list[str]:
    return [entry["body"] for entry in fake.comments]


def test_first_run_rerun_and_clean_again(fake: FakeGitHub, client: Client) -> None:
    assert post(client, draft("fails")) == Posted("created", URL)
    assert post(client, draft("fails", run=6)) == Posted("unchanged", URL)
    assert post(client, draft("clean", run=7), start=False) == Posted("updated", URL)
    assert bodies(fake) == [draft("clean", run=7)]
    assert writes(fake) == {"POST": 1, "PATCH": 1}


def test_quiet_until_there_is_something_to_say(fake: FakeGitHub, client: Client) -> None:
    assert post(client, draft("clean"), start=False) == Posted("quiet", None)
    assert writes(fake) == {}


def test_the_comment_is_found_on_a_later_page(fake: FakeGitHub, client: Client) -> None:
    for number in range(5):
        fake.write(f"comment {number}", author="somebody")
    fake.write(draft("old"))
    fake.max_page = 2
    assert post(client, draft("new", run=6)).outcome == "updated"
    assert bodies(fake)[-1] == draft("new", run=6)


@pytest.mark.parametrize(
    ("body", "author"),
    [
        (draft("old", run=99), "somebody"),  # who quotes the marker does not own the comment
        ("> " + draft("old", run=99), BOT),
        ("look:\n" + draft("old", run=99), BOT),
        (draft("old", run=99, name="non-default"), BOT),
        (draft("old", run=99, name="default2"), BOT),
        (draft("old").replace("run=5", "run=x"), BOT),
    ],
)
def test_what_is_not_ours_stays(fake: FakeGitHub, client: Client, body: str, author: str) -> None:
    fake.write(body, author=author)
    assert post(client, draft("new")).outcome == "created"
    assert bodies(fake) == [body, draft("new")]


def test_a_comment_whose_author_is_gone_is_not_ours(fake: FakeGitHub, client: Client) -> None:
    fake.write(draft("old"))["user"] = None
    assert post(client, draft("new")).outcome == "created"


def test_an_older_run_that_finishes_last_is_silent(fake: FakeGitHub, client: Client) -> None:
    fake.write(draft("newer", run=9))
    assert post(client, draft("older", run=8)) == Posted("outdated", URL)
    assert bodies(fake) == [draft("newer", run=9)]


def test_line_ends_and_blanks_at_the_end_are_no_change(fake: FakeGitHub, client: Client) -> None:
    fake.write(draft("one\ntwo").replace("\n", "\r\n").rstrip())
    assert post(client, draft("one\ntwo", run=6)).outcome == "unchanged"


def test_too_long_is_tried_shorter(fake: FakeGitHub, client: Client) -> None:
    fake.max_body = 150
    longest, shorter, shortest = draft("x" * 300), draft("x" * 200), draft("short")
    assert post(client, longest, shorter, shortest).outcome == "created"
    assert bodies(fake) == [shortest]
    # What had to be shortened the last time is no change when it is shortened again.
    again = (draft(split(body)[1], run=6) for body in (longest, shorter, shortest))
    assert post(client, *again).outcome == "unchanged"


def test_too_long_however_short(fake: FakeGitHub, client: Client) -> None:
    fake.max_body = 10
    with pytest.raises(RefusedError):
        post(client, draft("long"), draft("short"))
    fake.write(draft("old"))
    with pytest.raises(RefusedError):
        post(client, draft("long"), draft("short"))


def test_a_comment_deleted_meanwhile_is_written_anew(fake: FakeGitHub, client: Client) -> None:
    fake.write(draft("old"))
    fake.troubles = [Trouble("PATCH", 404)]
    assert post(client, draft("new", run=6)).outcome == "created"
    assert bodies(fake)[1:] == [draft("new", run=6)]


def test_a_comment_that_was_made_though_the_answer_was_lost(
    fake: FakeGitHub, client: Client
) -> None:
    fake.troubles = [Trouble("POST", 502, obey_first=True)]
    assert post(client, draft("new")) == Posted("created", URL)
    assert bodies(fake) == [draft("new")]


def test_a_comment_that_was_not_made_is_made(fake: FakeGitHub, client: Client) -> None:
    fake.troubles = [Trouble("POST", 502)]
    assert post(client, draft("new")) == Posted("created", URL)
    fake.troubles = [Trouble("POST", 502, times=2)]
    with pytest.raises(UnreachableError):
        post(client, draft("other", name="other"))


def test_a_minimised_comment_is_updated_and_stays_minimised(
    fake: FakeGitHub, client: Client
) -> None:
    fake.write(draft("old"))["minimized"] = True
    assert post(client, draft("new", run=6)).outcome == "updated"
    assert fake.comments[0]["minimized"]
    assert writes(fake) == {"PATCH": 1}


def test_the_doubles_of_a_race_are_removed(fake: FakeGitHub, client: Client) -> None:
    for text in ("one", "two", "three"):
        fake.write(draft(text))
    fake.troubles = [Trouble("DELETE .*/2$", 404)]
    assert post(client, draft("new", run=6)).outcome == "updated"
    assert bodies(fake) == [draft("new", run=6), draft("two")]


def test_two_jobs_of_one_run_with_one_id(fake: FakeGitHub, client: Client) -> None:
    post(client, draft("one job"))
    assert post(client, draft("another job")) == Posted("updated", URL, clashed=True)
    assert post(client, draft("with its own id", name="other")).outcome == "created"
    assert len(fake.comments) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_permitted(fake: FakeGitHub, client: Client, status: int, method: str) -> None:
    fake.troubles = [Trouble(f"{method} .*/comments", status)]
    with pytest.raises(NotPermittedError):
        post(client, draft("new"))
    assert fake.comments == []


def test_the_login_of_the_token(fake: FakeGitHub, client: Client) -> None:
    assert login(client) == BOT
    fake.login = "a-person"
    assert login(client) == "a-person"
    fake.troubles = [Trouble("/user", 401)]
    with pytest.raises(NotPermittedError):
        login(client)
