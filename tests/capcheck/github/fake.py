"""A GitHub on a loopback socket: the endpoints that capcheck uses, and the ways they fail."""

import base64
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "ghs_fake0123456789"
BOT = "github-actions[bot]"
REPOSITORY = "acme/serving"
API = f"/repos/{REPOSITORY}"


@dataclass
class Trouble:
    """What to answer instead, `times` times, to requests whose `METHOD /path` matches."""

    pattern: str
    status: int = 502
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "trouble"
    times: int = 1
    delay_s: float = 0.0
    obey_first: bool = False  # do as asked, then answer so


@dataclass
class FakeGitHub:
    """State, and the log of what was asked."""

    login: str | None = None  # None: a workflow's token, for which /user is forbidden
    max_body: int = 262_144
    max_page: int = 100
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    review_comments: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[tuple[str, str], Any] = field(default_factory=dict)
    merge_base: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, pattern: str) -> int:
        """How many requests match `METHOD /path?query`."""
        return sum(re.search(pattern, line) is not None for line in self.log)

    def write(self, body: str, *, author: str = BOT) -> dict[str, Any]:
        """A comment that is there."""
        number = 1 + max((entry["id"] for entry in self.comments), default=0)
        url = f"https://github.example/{REPOSITORY}/pull/482#issuecomment-{number}"
        entry = {"id": number, "body": body, "user": {"login": author}, "html_url": url}
        self.comments.append(entry)
        return entry

    def open(self, number: int, *, head: str, base: str, owner: str = "acme") -> None:
        """A pull request that is there."""
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "head": {"sha": head, "ref": "change", "user": {"login": owner}},
            "base": {"sha": base, "ref": "main"},
        }

    def change(
        self, number: int, path: str, text: str | bytes | None, *, sha: str, patch: str = ""
    ) -> None:
        """A file of a pull request; None removes it."""
        status = "removed" if text is None else "modified"
        file = {"filename": path, "status": status, **({"patch": patch} if patch else {})}
        self.files.setdefault(number, []).append(file)
        if text is not None:
            self.contents[sha, path] = text

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and JSON of a request that nothing gets in the way of."""
        route = f"{method} {path}"
        if route == "GET /user":
            return (200, {"login": self.login}) if self.login else (403, _no("integration"))
        if route == f"GET {API}/issues/482/comments":
            return 200, self.comments
        if route == f"POST {API}/issues/482/comments":
            return self._refuse(body) or (201, self.write(body["body"], author=self._author))
        if found := re.fullmatch(rf"(PATCH|DELETE) {API}/issues/comments/(\d+)", route):
            return self._on_comment(found[1], int(found[2]), body)
        if route == f"GET {API}/pulls":
            wanted = query["head"].partition(":")
            return 200, [
                pull
                for pull in self.pulls.values()
                if (pull["head"]["user"]["login"], pull["head"]["ref"]) == (wanted[0], wanted[2])
                and pull["state"] == query["state"]
            ]
        if found := re.fullmatch(rf"GET {API}/pulls/(\d+)", route):
            pull = self.pulls.get(int(found[1]))
            return (200, pull) if pull else (404, _no("pull"))
        if found := re.fullmatch(rf"GET {API}/pulls/(\d+)/files", route):
            return 200, self.files.get(int(found[1]), [])
        if route == f"GET {API}/pulls/482/comments":
            return 200, self.review_comments
        if route == f"POST {API}/pulls/482/comments":
            number = 1 + max((one["id"] for one in self.review_comments), default=0)
            url = f"https://github.example/{REPOSITORY}/pull/482#discussion_r{number}"
            entry = {**body, "id": number, "user": {"login": self._author}, "html_url": url}
            self.review_comments.append(entry)
            return 201, entry
        if found := re.fullmatch(rf"DELETE {API}/pulls/comments/(\d+)", route):
            number = int(found[1])
            self.review_comments = [one for one in self.review_comments if one["id"] != number]
            return 204, None
        if re.fullmatch(rf"GET {API}/compare/[0-9a-f]+\.\.\.[0-9a-f]+", route):
            return 200, {"merge_base_commit": {"sha": self.merge_base}}
        if found := re.fullmatch(rf"GET {API}/contents/(.+)", route):
            return self._content(query["ref"], unquote(found[1]))
        self.unexpected.append(route)
        return 404, _no(route)

    @property
    def _author(self) -> str:
        return self.login or BOT

    def _refuse(self, body: dict[str, str]) -> tuple[int, Any] | None:
        if len(body["body"]) <= self.max_body:
            return None
        return 422, {"message": "Validation Failed", "errors": [{"message": "Body is too long"}]}

    def _on_comment(self, method: str, number: int, body: Any) -> tuple[int, Any]:
        (entry,) = [one for one in self.comments if one["id"] == number] or [None]
        if entry is None:
            return 404, _no("comment")
        if method == "DELETE":
            self.comments.remove(entry)
            return 204, None
        if refused := self._refuse(body):
            return refused
        entry["body"] = body["body"]
        return 200, entry

    def _content(self, sha: str, path: str) -> tuple[int, Any]:
        text = self.contents.get((sha, path))
        if text is None:
            return 404, _no(path)
        if isinstance(text, dict):
            return 200, text
        data = text.encode() if isinstance(text, str) else text
        content = base64.encodebytes(data).decode() if len(data) <= 1 << 20 else ""
        return 200, {"type": "file", "size": len(data), "content": content}


def _no(what: str) -> dict[str, str]:
    return {"message": f"Resource not accessible: {what}"}


@contextmanager
def serve(fake: FakeGitHub) -> Iterator[FakeGitHub]:
    """The fake, listening; the paths that nobody expected fail the test at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            with fake.lock:
                status, headers, content, delay_s = _exchange(fake, self, body)
            time.sleep(delay_s)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # who asked has stopped waiting

        do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert fake.unexpected == []


def _exchange(
    fake: FakeGitHub, handler: BaseHTTPRequestHandler, body: Any
) -> tuple[int, dict[str, str], bytes, float]:
    address = urlsplit(handler.path)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    line = f"{handler.command} {handler.path}"
    fake.log.append(line)
    for trouble in fake.troubles:
        if trouble.times > 0 and re.search(trouble.pattern, line):
            trouble.times -= 1
            if trouble.obey_first:
                fake.answer(handler.command, address.path, query, body)
            text = json.dumps({"message": trouble.message}).encode()
            return trouble.status, trouble.headers, text, trouble.delay_s
    if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
        return 401, {}, b'{"message": "Bad credentials"}', 0.0
    status, answer = fake.answer(handler.command, address.path, query, body)
    headers = {}
    if isinstance(answer, list):
        size = min(int(query["per_page"]), fake.max_page)
        page = int(query.get("page", 1))
        if page * size < len(answer):
            following = f"{fake.url}{address.path}?per_page={size}&page={page + 1}"
            extra = "".join(
                f"&{name}={value}" for name, value in query.items() if "page" not in name
            )
            headers["Link"] = f'<{following}{extra}>; rel="next", <{fake.url}/x>; rel="last"'
        answer = answer[(page - 1) * size : page * size]
    content = b"" if answer is None else json.dumps(answer).encode()
    return status, headers, content, 0.0


def writes(fake: FakeGitHub) -> Counter[str]:
    """How often each method but GET was used."""
    return Counter(line.split()[0] for line in fake.log if not line.startswith("GET "))
