"""GitHub's REST API: retries, pages, and failures as types.

https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn
from urllib.parse import quote, urlencode, urljoin, urlsplit

from capcheck import __version__
from capcheck.github.errors import (
    NotPermittedError,
    RefusedError,
    UnreachableError,
)
from capcheck.github.http import NoAnswerError, Request, Response, Transport, send

API_URL = "https://api.github.com"
_API_VERSION = "2022-11-28"

ATTEMPTS = 4
# A gate that waits longer is in the way; the comment comes with the next run.
MAX_WAIT_S = 60.0
_MAX_REDIRECTS = 3
_MAX_PAGES = 100
_PAGE_SIZE = 100

# Asking twice does what asking once does. A POST that failed may have been done all the same.
_REPEATABLE = ("GET", "PATCH", "DELETE")

_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next"?')
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Client:
    """One API and one token, which no message and no `repr` shows.

    `sleep` and `now` (seconds since 1970) are the clock.
    """

    def __init__(
        self,
        *,
        token: str,
        api_url: str = API_URL,
        transport: Transport = send,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises UnreachableError for a URL that is no API's, NotPermittedError for no token."""
        self._api_url = api_url.rstrip("/")
        address = urlsplit(self._api_url)
        if address.scheme != "https" and not (
            address.scheme == "http" and address.hostname in _LOOPBACK
        ):
            raise UnreachableError(f"{self._api_url!r} is not an https:// address")
        # Python's own message about a bad header would quote the token.
        if not re.fullmatch(r"[!-~]+", token := token.strip()):
            raise NotPermittedError("the token is empty or not one word", status=401)
        self._token = token
        self._transport, self._sleep, self._now = transport, sleep, now

    def get(self, path: str, **query: str) -> object:
        """The JSON at `path`, which begins with `/`. Raises GitHubError, as all these do."""
        return _json(self._ask("GET", self._url(path, query)))

    def pages(self, path: str, **query: str) -> Iterator[object]:
        """Every item of a list, page after page."""
        url: str | None = self._url(path, {"per_page": str(_PAGE_SIZE), **query})
        for _ in range(_MAX_PAGES):
            if url is None:
                return
            response = self._ask("GET", url)
            items = _json(response)
            if not isinstance(items, list):
                raise UnreachableError(f"GET {urlsplit(url).path}: the answer is not a list")
            yield from items
            following = _NEXT.search(response.headers.get("link", ""))
            url = urljoin(url, following[1]) if following else None
        raise UnreachableError(f"GET {path}: more than {_MAX_PAGES} pages")

    def post(self, path: str, body: Mapping[str, object]) -> object:
        """Make something, and return GitHub's view of it."""
        return _json(self._ask("POST", self._url(path, {}), body))

    def patch(self, path: str, body: Mapping[str, object]) -> object:
        """Change something, and return GitHub's view of it."""
        return _json(self._ask("PATCH", self._url(path, {}), body))

    def delete(self, path: str) -> None:
        """Remove something."""
        self._ask("DELETE", self._url(path, {}))

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        return self._api_url + path + (f"?{urlencode(query)}" if query else "")

    def _ask(self, method: str, url: str, body: Mapping[str, object] | None = None) -> Response:
        for _ in range(_MAX_REDIRECTS):
            response = self._persist(method, url, body)
            location = response.headers.get("location")
            if not (300 <= response.status < 400 and location):
                break
            if method != "GET":
                raise UnreachableError(f"{method} {urlsplit(url).path}: it moved to another place")
            url = urljoin(url, location)
        if 200 <= response.status < 300:
            return response
        _fail(f"{method} {urlsplit(url).path}", response)

    def _persist(self, method: str, url: str, body: Mapping[str, object] | None) -> Response:
        """Ask until there is an answer that another attempt would not change."""
        if _origin(url) != _origin(self._api_url):
            raise UnreachableError(f"{method}: the token stays with {_origin(self._api_url)[1]}")
        request = Request(
            method,
            url,
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "User-Agent": f"capcheck/{__version__}",
                "X-GitHub-Api-Version": _API_VERSION,
                **({} if body is None else {"Content-Type": "application/json"}),
            },
            None if body is None else json.dumps(body).encode(),
        )
        what = f"{method} {urlsplit(url).path}"
        failure = ""
        for attempt in range(ATTEMPTS):
            wait_s = back_off_s = 2.0**attempt
            try:
                response = self._transport(request)
            except NoAnswerError as error:
                failure, may_be_done = str(error), True
            else:
                limited = _is_rate_limited(response)
                if response.status < 500 and not limited:
                    return response
                failure, may_be_done = f"status {response.status}", not limited
                if limited:
                    wait_s = self._limit_s(response, back_off_s)
            if may_be_done and method not in _REPEATABLE:
                break
            if wait_s > MAX_WAIT_S:
                raise UnreachableError(f"{what}: rate limit, to be asked again in {wait_s:.0f} s")
            if attempt < ATTEMPTS - 1:
                self._sleep(wait_s)
        raise UnreachableError(f"{what}: {failure}")

    def _limit_s(self, response: Response, back_off_s: float) -> float:
        """How long a rate limit asks to wait.

        https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
        """
        headers = response.headers
        if (after := _seconds(headers.get("retry-after"))) is not None:
            return after
        reset = _seconds(headers.get("x-ratelimit-reset"))
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            return max(reset - self._now(), back_off_s)
        return back_off_s


def quoted(text: str) -> str:
    """One part of a path; a name from a pull request stays one part."""
    return quote(text, safe="")


def _fail(what: str, response: Response) -> NoReturn:
    said = f"{what}: {response.status}, {_said(response)}".removesuffix(", ")
    if response.status in (401, 403, 404):
        raise NotPermittedError(said, status=response.status)
    if response.status == 422:
        raise RefusedError(said)
    raise UnreachableError(said)


def _said(response: Response) -> str:
    """GitHub's own words about a failure, of which there are few."""
    try:
        answer = json.loads(response.body)
        return str(answer["message"])[:200]
    except (ValueError, RecursionError, TypeError, KeyError):
        return ""


def _is_rate_limited(response: Response) -> bool:
    headers = response.headers
    return response.status == 429 or (
        response.status == 403
        and (
            "retry-after" in headers
            or headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in _said(response).lower()
        )
    )


def _json(response: Response) -> object:
    try:
        answer: object = json.loads(response.body)
        return answer
    except (ValueError, RecursionError):
        raise UnreachableError("the answer is not JSON") from None


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,12}", text) else None


def _origin(url: str) -> tuple[str, str, int | None]:
    address = urlsplit(url)
    return (address.scheme, address.hostname or "", address.port)
