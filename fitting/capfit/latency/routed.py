"""Several engine copies behind a router, simulated together."""

from __future__ import annotations

import numpy as np
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Server

from capfit.latency.simulate import Engine, draw_lengths
from capfit.latency.trace import Trace, merged


def simulate_routed(
    server: Server,
    *,
    copies: int,
    routing: str,
    requests_per_second: float,
    prompt: Lengths,
    output: Lengths,
    requests: int,
    seed: int,
) -> Trace:
    """Poisson arrivals on `copies` of a server: `random`, `round-robin` or `least-outstanding`.

    The last sends to the copy with the fewest requests that are not answered yet, the one that has
    waited longest for a request where several are equal.
    """
    rng = np.random.default_rng(seed)
    sent = np.cumsum(rng.exponential(1000.0 / requests_per_second, requests)).tolist()
    prompts = draw_lengths(prompt, requests, rng).tolist()
    outputs = draw_lengths(output, requests, rng).tolist()
    engines = [Engine(server, prompts, outputs) for _ in range(copies)]
    chance = rng.integers(0, copies, requests).tolist()
    turn = list(range(copies))
    for request, at in enumerate(sent):
        if routing == "random":
            chosen = chance[request]
        elif routing == "round-robin":
            chosen = request % copies
        else:
            for engine in engines:
                engine.run(at)
            chosen = min(turn, key=lambda copy: engines[copy].outstanding)
            turn.remove(chosen)
            turn.append(chosen)
        engines[chosen].send(request, at)
    for engine in engines:
        engine.run()
    return merged([engine.trace() for engine in engines])
