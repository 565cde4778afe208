"""Which commits and which pull request an event is about."""

import pytest
from capcheck.github.event import Event, Source, read
from hypothesis import given
from hypothesis import strategies as st

BASE, HEAD, MERGE, NONE = "b" * 40, "a" * 40, "c" * 40, "0" * 40


def pull_request(head_repo: dict[str, int] | None = None, sender: str = "somebody") -> object:
    return {
        "pull_request": {
            "number": 482,
            "head": {"sha": HEAD, "repo": head_repo},
            "base": {"sha": BASE, "repo": {"id": 1}},
        },
        "sender": {"login": sender},
    }


RUN = {"head_sha": HEAD, "head_branch": "change", "head_repository": {"owner": {"login": "them"}}}


@pytest.mark.parametrize(
    ("name", "payload", "event"),
    [
        ("pull_request", pull_request({"id": 1}), Event("pull_request", BASE, HEAD, 482)),
        ("pull_request", pull_request({"id": 2}), Event("pull_request", BASE, HEAD, 482, True)),
        ("pull_request", pull_request(None), Event("pull_request", BASE, HEAD, 482, True)),
        (
            "pull_request",
            pull_request({"id": 1}, "dependabot[bot]"),
            Event("pull_request", BASE, HEAD, 482, True),
        ),
        (
            "merge_group",
            {"merge_group": {"base_sha": BASE, "head_sha": HEAD}},
            Event("merge_group", BASE, HEAD),
        ),
        ("push", {"before": BASE, "after": HEAD}, Event("push", BASE, HEAD)),
        ("push", {"before": NONE, "after": HEAD}, Event("push", None, HEAD)),
        ("workflow_dispatch", {"inputs": {}}, Event("workflow_dispatch", None, MERGE)),
        (
            "workflow_run",
            {"workflow_run": RUN},
            Event("workflow_run", None, HEAD, source=Source("them", "change")),
        ),
        (
            "workflow_run",
            {"workflow_run": {**RUN, "head_repository": None}},
            Event("workflow_run", None, HEAD),
        ),
        ("schedule", None, Event("schedule", None, MERGE)),
        ("", None, Event("", None, MERGE)),
    ],
)
def test_events(name: str, payload: object, event: Event) -> None:
    assert read(name, payload, sha=MERGE) == event


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["pull_request", "head", "base", "repo", "id", "sha", "workflow_run"]),
            inner,
        )
    ),
)


@given(
    name=st.sampled_from(["pull_request", "merge_group", "push", "workflow_run", "x"]),
    payload=JSON,
)
def test_any_payload_is_read(name: str, payload: object) -> None:
    event = read(name, payload, sha="not a commit")
    assert event.name == name
    assert event.head_sha is None
