"""The client against a real socket: retries, pages, failures, and the token that nobody sees."""

from functools import partial

import pytest
from capcheck.github.client import ATTEMPTS, Client
from capcheck.github.errors import (
    GitHubError,
    NotPermittedError,
    RefusedError,
    UnreachableError,
)
from capcheck.github.http import Request, Response, send

from tests.capcheck.github.fake import API, TOKEN, FakeGitHub, Trouble

COMMENTS = f"{API}/issues/482/comments"


def test_pages_are_followed_to_the_last(fake: FakeGitHub, client: Client) -> None:
    for number in range(7):
        fake.write(f"comment {number}")
    fake.max_page = 3
    assert [entry["id"] for entry in client.pages(COMMENTS)] == list(range(1, 8))
    assert len(fake.log) == 3


@pytest.mark.parametrize(
    ("status", "headers", "message", "naps_wanted"),
    [
        (502, {}, "", [1.0]),
        (429, {}, "", [1.0]),
        (429, {"Retry-After": "7"}, "", [7.0]),
        (403, {"Retry-After": "7"}, "", [7.0]),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1030"}, "", [30.0]),
        (403, {}, "You have exceeded a secondary rate limit", [1.0]),
    ],
)
def test_what_passes_is_asked_again(
    fake: FakeGitHub,
    client: Client,
    naps: list[float],
    status: int,
    headers: dict[str, str],
    message: str,
    naps_wanted: list[float],
) -> None:
    fake.troubles = [Trouble("GET", status, headers, message)]
    assert list(client.pages(COMMENTS)) == []
    assert naps == naps_wanted


def test_what_lasts_is_given_up(fake: FakeGitHub, client: Client, naps: list[float]) -> None:
    fake.troubles = [Trouble("GET", 503, times=99)]
    with pytest.raises(UnreachableError, match="GET /user: status 503"):
        client.get("/user")
    assert (len(fake.log), naps) == (ATTEMPTS, [1.0, 2.0, 4.0])


def test_a_long_rate_limit_is_not_waited_for(
    fake: FakeGitHub, client: Client, naps: list[float]
) -> None:
    fake.troubles = [Trouble("GET", 429, {"Retry-After": "900"})]
    with pytest.raises(UnreachableError, match="asked again in 900 s"):
        client.get("/user")
    assert (len(fake.log), naps) == (1, [])


def test_a_post_that_may_be_done_is_not_repeated(fake: FakeGitHub, client: Client) -> None:
    fake.troubles = [Trouble("POST", 502, obey_first=True)]
    with pytest.raises(UnreachableError, match="status 502"):
        client.post(COMMENTS, {"body": "once"})
    assert [entry["body"] for entry in fake.comments] == ["once"]


def test_a_post_that_was_limited_is_repeated(fake: FakeGitHub, client: Client) -> None:
    fake.troubles = [Trouble("POST", 403, {"Retry-After": "1"})]
    client.post(COMMENTS, {"body": "once"})
    assert [entry["body"] for entry in fake.comments] == ["once"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotPermittedError),
        (403, NotPermittedError),
        (404, NotPermittedError),
        (422, RefusedError),
        (418, UnreachableError),
    ],
)
def test_failures_are_types(
    fake: FakeGitHub, client: Client, status: int, kind: type[GitHubError]
) -> None:
    fake.troubles = [Trouble("GET", status, message="no\n::error::x")]
    with pytest.raises(kind) as failure:
        client.get("/user")
    assert str(failure.value) == f"GET /user: {status}, no\n::error::x"
    assert getattr(failure.value, "status", status) == status


def test_a_slow_answer_is_not_waited_for(fake: FakeGitHub, naps: list[float]) -> None:
    fake.troubles = [Trouble("GET", 200, times=99, delay_s=0.5)]
    transport = partial(send, timeout_s=0.05)
    client = Client(token=TOKEN, api_url=fake.url, transport=transport, sleep=naps.append)
    with pytest.raises(UnreachableError, match="GET /user: "):
        client.get("/user")
    assert len(naps) == ATTEMPTS - 1


def test_nobody_there(naps: list[float]) -> None:
    client = Client(token=TOKEN, api_url="http://127.0.0.1:9", sleep=naps.append)
    with pytest.raises(UnreachableError, match="GET /user: "):
        client.get("/user")


def test_a_redirect_stays_with_the_host(fake: FakeGitHub, client: Client) -> None:
    fake.troubles = [Trouble("/renamed", 301, {"Location": f"{fake.url}{COMMENTS}?per_page=100"})]
    assert client.get("/renamed") == []


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:9/user", "https://evil.example/user", "//evil.example/user"]
)
def test_a_redirect_elsewhere_is_refused(fake: FakeGitHub, client: Client, location: str) -> None:
    fake.troubles = [Trouble("/user", 302, {"Location": location})]
    with pytest.raises(UnreachableError, match=r"the token stays with 127\.0\.0\.1"):
        client.get("/user")
    assert len(fake.log) == 1


def test_a_next_page_elsewhere_is_refused(naps: list[float]) -> None:
    asked = []

    def transport(request: Request) -> Response:
        asked.append(request.url)
        return Response(200, {"link": '<https://evil.example/x>; rel="next"'}, b"[]")

    client = Client(token=TOKEN, transport=transport, sleep=naps.append)
    with pytest.raises(UnreachableError, match=r"the token stays with api\.github\.com"):
        list(client.pages("/user"))
    assert asked == ["https://api.github.com/user?per_page=100"]


def test_a_write_is_not_redirected(fake: FakeGitHub, client: Client) -> None:
    fake.troubles = [Trouble("PATCH", 307, {"Location": f"{fake.url}/user"})]
    with pytest.raises(UnreachableError, match="it moved"):
        client.patch("/x", {})


@pytest.mark.parametrize("url", ["http://ghe.example/api/v3", "ftp://127.0.0.1", "ghe.example", ""])
def test_the_token_goes_over_https_only(url: str) -> None:
    with pytest.raises(UnreachableError, match="is not an https:// address"):
        Client(token=TOKEN, api_url=url)


def test_an_enterprise_server_has_its_own_address(naps: list[float]) -> None:
    def transport(request: Request) -> Response:
        assert request.url == "https://ghe.example/api/v3/user"
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        return Response(200, {}, b'{"login": "me"}')

    client = Client(token=TOKEN, api_url="https://ghe.example/api/v3/", transport=transport)
    assert client.get("/user") == {"login": "me"}


@pytest.mark.parametrize("token", ["", "  ", "a b", "a\nb", "ghs_é"])
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(NotPermittedError) as failure:
        Client(token=token)
    assert str(failure.value) == "the token is empty or not one word"


@pytest.mark.parametrize("status", [401, 404, 418, 422, 502])
def test_the_token_is_in_no_message(fake: FakeGitHub, client: Client, status: int) -> None:
    fake.troubles = [Trouble("GET", status, times=9)]
    with pytest.raises(GitHubError) as failure:
        client.get("/user")
    texts = [str(failure.value), repr(failure.value), repr(client), repr(vars(failure.value))]
    texts.append(repr(Request("GET", fake.url, {"Authorization": TOKEN})))
    assert not [text for text in texts if TOKEN in text]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
def test_an_answer_that_is_not_json(body: bytes) -> None:
    client = Client(token=TOKEN, transport=lambda _: Response(200, {}, body))
    with pytest.raises(UnreachableError, match="not JSON"):
        client.get("/user")
