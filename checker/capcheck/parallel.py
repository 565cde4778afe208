"""The same check of many deployments on several cores, in the order of the manifests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

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

    `work` and what it is given and makes travel between processes.
    """
    if processes(jobs, len(given)) == 1:
        return tuple(map(work, given))
    # Dear to import, and most runs have a few deployments.
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(processes(jobs, len(given))) as pool:
        return tuple(pool.map(work, given, chunksize=4))
