"""How long predicting the behaviour under load takes, against a bare M/M/c run side by side.

    .venv/bin/python benchmarks/latency.py [DEPLOYMENTS]

The deployments are drawn around the examples (rates, agents, lengths, slots, replicas); each is
predicted once, right after an Erlang C evaluation with as many servers as it has slots, so that a
busy machine slows both alike.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from capcheck.manifest.deployment import Deployment, Tokens, Traffic
from capcheck.manifest.discover import read_manifest, reader_for, repository_root
from capcheck.manifest.load import load as load_manifest
from capcheck.predict import coefficients
from capcheck.predict.compose import forecast
from capcheck.predict.latency.load import load
from capcheck.predict.speed.engine_copy import Speed
from capcheck.registry import tables
from capcheck.resolution.resolve import resolve

COUNT = 1000
EXAMPLES = Path(__file__).parent.parent / "examples"


def main() -> None:
    """Run and print medians in ms."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    registry, fitted = tables.load(), coefficients.load(None)
    ours, bare = [], []
    for deployment in deployments(count):
        unloaded = forecast(resolve(deployment, registry)[0], fitted)
        resolved, speed = unloaded.resolved, unloaded.speed
        if not isinstance(speed, Speed) or resolved.engine is None:
            continue
        slots = resolved.engine.max_num_seqs
        bare.append(milliseconds(lambda slots=slots: erlang_c(slots, 0.7 * slots)))
        memory = unloaded.forecast.memory
        ours.append(milliseconds(lambda r=resolved, s=speed, m=memory: load(r, s, m)))
    ordered = sorted(ours)
    print(f"{len(ours)} deployments, all three ends of the speed interval")
    print(f"  median {statistics.median(ours):8.3f} ms")
    print(f"  p95    {ordered[int(0.95 * len(ordered))]:8.3f} ms")
    print(f"  worst  {ordered[-1]:8.3f} ms")
    print(f"  a bare M/M/c: median {statistics.median(bare):.4f} ms")
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    print(f"  median ratio {ratio:.0f}")


def deployments(count: int) -> Iterator[Deployment]:
    """Variations of the examples that have traffic, in turn; seeded."""
    chance = random.Random(20261123)  # noqa: S311 (a benchmark, no secret)
    known = [
        deployment
        for path in sorted(EXAMPLES.glob("*.capcheck.yaml"))
        for deployment in load_manifest(
            read_manifest(path), path.as_posix(), read_file=reader_for(repository_root(path))
        )
        if deployment.traffic is not None and deployment.traffic.prompt_tokens is not None
    ]
    for index in range(count):
        one = known[index % len(known)]
        agents = chance.choice([None, None, 8, 64, 256])
        traffic = replace(
            one.traffic or Traffic(),
            requests_per_second=None if agents else chance.choice([0.2, 1.0, 3.0, 10.0]),
            peak_requests_per_second=None,
            agents=agents,
            prompt_tokens=Tokens(chance.choice([256.0, 1024.0, 6000.0]), None),
            output_tokens=Tokens(chance.choice([64.0, 300.0]), chance.choice([None, 900.0])),
        )
        serving = replace(one.serving, max_num_seqs=chance.choice([1, 16, 64, 256]))
        yield replace(one, traffic=traffic, serving=serving)


def erlang_c(servers: int, offered: float) -> float:
    """P(wait) of M/M/c."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked / (1.0 - offered / servers * (1.0 - blocked))


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time of one call: what other processes take does not count."""
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1e3


if __name__ == "__main__":
    main()
