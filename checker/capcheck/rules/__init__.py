"""The checks: each module judges one concern and yields findings; gates are judged here too.

Three stages: the certain lints need no forecast, the next need none of load, the last need all.
Adding a rule is one module and one entry in a tuple.
"""

from __future__ import annotations

from capcheck.rules import (
    availability,
    budget,
    context,
    latency,
    parallelism,
    quality,
    safety,
    slots,
    support,
    throughput,
    vram,
)

CERTAIN = (support, parallelism, context)
WITHOUT_LOAD = (vram, quality, safety, availability)
UNDER_LOAD = (latency, slots, throughput, budget)
