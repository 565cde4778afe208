"""A judged configuration as an alternative to today's."""

from __future__ import annotations

from capcheck.judge import Checked
from capcheck.search.alternative import Alternative
from capcheck.search.edits import edits
from capcheck.search.needs import needs
from capcheck.search.passing import binding_gate, miss_text, reservation
from capcheck.search.worse import worse


def alternative(checked: Checked, today: Checked) -> Alternative:
    """With the edits that lead to it, what it saves, needs and gives up, and why it is not sure."""
    usd, usd_today = (one.forecast.cost.usd_month.value for one in (checked, today))
    return Alternative(
        edits=edits(today.resolved.deployment, checked.resolved.deployment),
        verdict=checked.verdict,
        resolved=checked.resolved,
        forecast=checked.forecast,
        gates=tuple(checked.gates.values()),
        usd_month=usd,
        saving_usd_month=None if usd is None or usd_today is None else usd_today - usd,
        needs=needs(today.resolved, checked.resolved),
        binding=_binding(checked, today),
        worse=worse(today.forecast, checked.forecast),
    )


def _binding(checked: Checked, today: Checked) -> str | None:
    """The gate that misses by the most, else the risk, else what was found; None for none of it."""
    broken = binding_gate(checked.gates.values())
    said = next((found.message for found in checked.findings if found.verdict != "pass"), None)
    if broken is not None:
        # What is not supported has no figure: what was found says why.
        return said if said and broken.estimate is None else miss_text(broken)
    return reservation(checked, today) or said
