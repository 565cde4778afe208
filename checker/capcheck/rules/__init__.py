"""The checks: each module judges one concern and yields findings; gates are judged here too.

Four stages: the certain lints need no forecast, the next need none of load, the third need all,
the last need the other gates. `exceptions` then takes back what the manifest skips.
Adding a rule is one module and one entry in a tuple.
"""

from __future__ import annotations

from capcheck.rules import (
    assumptions,
    availability,
    budget,
    context,
    hygiene,
    latency,
    native,
    organisation,
    parallelism,
    quality,
    safety,
    slots,
    support,
    throughput,
    vram,
)

CERTAIN = (support, parallelism, context, native, hygiene)
WITHOUT_LOAD = (vram, quality, safety, availability, organisation)
UNDER_LOAD = (latency, slots, throughput, budget)
JUDGED = (assumptions,)
