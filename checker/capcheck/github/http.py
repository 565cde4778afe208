"""One exchange over HTTP, and no opinion about it: every status is an answer."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import field
from email.message import Message
from http.client import HTTPException
from typing import IO

from capcheck.records import dataclass

TIMEOUT_S = 10.0

# A page of a hundred comments of 64 KiB is below; what is longer is not an answer of GitHub's.
MAX_BYTES = 16 << 20


class NoAnswerError(Exception):
    """The connection failed, timed out, or brought something that is not HTTP."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. The headers hold the token, so they are not shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Transport = Callable[[Request], Response]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Following one would take the token to whatever host it names."""


def send(request: Request, *, timeout_s: float = TIMEOUT_S) -> Response:
    """The answer to one request; the environment's proxies are used, redirects are not followed.

    Raises NoAnswerError.
    """
    # Other schemes: the client refuses them.
    outgoing = urllib.request.Request(  # noqa: S310
        request.url, data=request.body, headers=dict(request.headers), method=request.method
    )
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        try:
            answer = opener.open(outgoing, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read(MAX_BYTES + 1)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            status = int(answer.status)
    except urllib.error.URLError as error:
        raise NoAnswerError(str(error.reason)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswerError(type(error).__name__) from None
    if len(body) > MAX_BYTES:
        raise NoAnswerError(f"more than {MAX_BYTES} bytes")
    return Response(status, headers, body)
