"""The same check of many deployments on several cores, in the order of the manifests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

# Below this many a process costs more time than it saves.
WORTH_A_PROCESS = 16


def processes(jobs: int, count: int) -> int:
    """How many processes to use for `count` deployments; `jobs` 0 is one a core."""
    if count < WORTH_A_PROCESS and jobs == 0:
        return 1
    return max(1, min(jobs or os.cpu_count() or 1, count))


def in_order(work: Callable[[Given], Made], given: Sequence[Given], jobs: int) -> tuple[Made, ...]:
    """`work` on each of `given`; whatever the number of processes, equal runs give equal results.

    What it is given and makes travels between processes, `work` itself once to each of them.
    """
    if processes(jobs, len(given)) == 1:
        return tuple(map(work, given))
    # Dear to import, and most runs have a few deployments.
    from concurrent.futures import ProcessPoolExecutor

    count = processes(jobs, len(given))
    with ProcessPoolExecutor(count, initializer=_take, initargs=(work,)) as pool:
        return tuple(pool.map(_do, given, chunksize=4))


# The work of this process, where it is one of several.
_work: list[Callable[[Any], Any]] = []


def _take(work: Callable[[Any], Any]) -> None:
    _work[:] = [work]


def _do(given: Any) -> Any:  # noqa: ANN401 (what the work takes and makes)
    return _work[0](given)
