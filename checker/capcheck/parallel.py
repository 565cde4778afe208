"""The same check of many deployments on several cores, in the order of the manifests."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

# Below this many a process costs more time than it saves.
WORTH_A_PROCESS = 16

# What a process gets at a time: few, so that all end together.
AT_A_TIME = 4


def processes(jobs: int, count: int) -> int:
    """How many processes to use for `count` deployments; `jobs` 0 is one a core."""
    if count < WORTH_A_PROCESS and jobs == 0:
        return 1
    return max(1, min(jobs or os.cpu_count() or 1, count))


def in_order(
    work: Callable[[Given], Made],
    given: Sequence[Given],
    jobs: int,
    *,
    likeness: Callable[[Given], str],
) -> tuple[Made, ...]:
    """`work` on each of `given`; whatever the number of processes, equal runs give equal results.

    Those with the same `likeness`, or one that sorts near, share what `work` remembers: they are
    done one after the other, by one process as far as that keeps all busy. What it is given and
    makes travels between processes, `work` itself once to each of them.
    """
    alike = sorted(range(len(given)), key=lambda index: likeness(given[index]))
    count = processes(jobs, len(given))
    if count == 1:
        made = {index: work(given[index]) for index in alike}
    else:
        made = _shared_out(work, given, alike, count)
    return tuple(made[index] for index in range(len(given)))


def _shared_out(
    work: Callable[[Given], Made], given: Sequence[Given], order: Sequence[int], count: int
) -> dict[int, Made]:
    """What is made of each, by index: a run of `order` is a process's own."""
    # Dear to import, and most runs have a few deployments.
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from contextlib import ExitStack

    bounds = [len(order) * share // count for share in range(count + 1)]
    left = [deque(order[start:end]) for start, end in pairwise(bounds)]
    made: dict[int, Made] = {}
    with ExitStack() as stack:
        pools = [
            stack.enter_context(ProcessPoolExecutor(1, initializer=_take, initargs=(work,)))
            for _ in left
        ]
        running: dict[Future[list[Made]], tuple[int, list[int]]] = {}

        def feed(process: int) -> None:
            if indices := _next(left, process):
                future = pools[process].submit(_do, [given[index] for index in indices])
                running[future] = process, indices

        # The second waits for the first, so that nobody waits for us.
        for process in [*range(count)] * 2:
            feed(process)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                process, indices = running.pop(future)
                made.update(zip(indices, future.result(), strict=True))
                feed(process)
    return made


def _next(left: Sequence[deque[int]], process: int) -> list[int]:
    """The next of a process's own, else the last of whoever has the most left."""
    own = left[process]
    if own:
        return [own.popleft() for _ in range(min(AT_A_TIME, len(own)))]
    most = max(left, key=len)
    return [most.pop() for _ in range(min(AT_A_TIME, len(most)))]


# The work of this process, where it is one of several.
_work: list[Callable[[Any], Any]] = []


def _take(work: Callable[[Any], Any]) -> None:
    _work[:] = [work]


def _do(given: list[Any]) -> list[Any]:
    return [_work[0](one) for one in given]
