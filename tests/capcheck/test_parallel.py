"""Deployments that share work are done together, and come back in the order of the manifests."""

import os

import pytest
from capcheck.parallel import in_order, processes


@pytest.mark.parametrize(
    ("jobs", "count", "expected"), [(0, 3, 1), (2, 3, 2), (8, 3, 3), (1, 500, 1), (4, 0, 1)]
)
def test_no_more_processes_than_are_worth_it(jobs, count, expected):
    assert processes(jobs, count) == expected


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_order_is_kept(jobs, count):
    given = [(7 * index) % 41 - 20 for index in range(count)]
    assert in_order(abs, given, jobs, likeness=str) == tuple(map(abs, given))


def test_what_is_alike_is_done_one_after_the_other():
    done: list[str] = []
    in_order(done.append, ["b1", "a1", "b2", "a2"], 1, likeness=lambda one: one[0])
    assert done == ["a1", "a2", "b1", "b2"]


def process(_: str) -> int:
    return os.getpid()


def test_each_process_gets_its_own_share_of_what_is_alike():
    """The first of each share is never another's: only the last are taken over."""
    made = in_order(process, ["a"] * 4 + ["b"] * 4, 2, likeness=str)
    assert len(set(made[:4])) == len(set(made[4:])) == 1
    assert made[0] != made[4]


def fail(one: int) -> int:
    raise ValueError(str(one))


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_is_passed_on(jobs):
    with pytest.raises(ValueError, match=r"[01]"):
        in_order(fail, [0, 1], jobs, likeness=str)
