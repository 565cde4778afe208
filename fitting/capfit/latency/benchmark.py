"""A serving benchmark, request by request: clients that start together, for a few rounds."""

from __future__ import annotations

import numpy as np
from capcheck.predict.latency.server import Server

from capfit.data.protocol import Protocol
from capfit.latency.simulate import run_agents
from capfit.latency.trace import Trace


def simulate_benchmark(
    server: Server,
    protocol: Protocol,
    *,
    clients: int,
    prompt_tokens: float,
    output_tokens: float,
    seed: int = 0,
) -> Trace:
    """Every request of `clients` that send `protocol.rounds` each, the initial burst included.

    Lengths are uniform between the protocol's shortest and the nominal ones.
    """
    rng = np.random.default_rng(seed)
    count = round(clients * protocol.rounds)

    def lengths(nominal: float) -> list[int]:
        least = max(1, int(nominal * protocol.shortest))
        drawn: list[int] = rng.integers(least, max(least, round(nominal)) + 1, count).tolist()
        return drawn

    return run_agents(
        server,
        starts_ms=[0.0] * clients,
        prompt_tokens=lengths(prompt_tokens),
        output_tokens=lengths(output_tokens),
        think_ms=[0.0] * count,
    )
