"""A fake GitHub for every test of this folder that asks for one."""

from collections.abc import Iterator

import pytest
from capcheck.github.client import Client

from tests.capcheck.github.fake import TOKEN, FakeGitHub, serve


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with serve(FakeGitHub()) as listening:
        yield listening


@pytest.fixture
def naps() -> list[float]:
    """How long the client would have slept."""
    return []


@pytest.fixture
def client(fake: FakeGitHub, naps: list[float]) -> Client:
    return Client(token=TOKEN, api_url=fake.url, sleep=naps.append, now=lambda: 1000.0)
