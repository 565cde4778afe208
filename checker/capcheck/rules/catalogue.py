"""Every rule, by id: what `capcheck explain`, docs/rules.md and other formats' help are made of."""

from __future__ import annotations

from capcheck.rules import (
    assumptions,
    availability,
    budget,
    change,
    context,
    exceptions,
    hygiene,
    identification,
    latency,
    native,
    organisation,
    outlook,
    parallelism,
    quality,
    safety,
    slots,
    support,
    throughput,
    vram,
)
from capcheck.rules.rule import Rule

# In the order in which a deployment is judged, which is that of the documentation.
MODULES = (
    identification,
    support,
    parallelism,
    context,
    native,
    vram,
    latency,
    slots,
    throughput,
    quality,
    safety,
    budget,
    availability,
    hygiene,
    assumptions,
    outlook,
    change,
    organisation,
    exceptions,
)

CATALOGUE: tuple[Rule, ...] = tuple(rule for module in MODULES for rule in module.RULES)

RULES_BY_ID = {rule.id: rule for rule in CATALOGUE}
