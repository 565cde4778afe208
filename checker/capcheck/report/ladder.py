"""What is left out, and in which order, when a page is too long for its destination.

Nothing is cut inside a table or a folded part: whole parts go, and the page says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """How many of each are shown; None is all of them.

    `ways` are the alternatives of one deployment, `broken` the deployments and findings that do
    not pass, `remarks` what decides nothing: warnings, notes, what base had too.
    """

    ways: int | None
    passing: int | None
    remarks: int | None
    broken: int | None


# From everything down to what always fits: what asks for action stays longest.
LADDER = (
    Rung(ways=None, passing=None, remarks=None, broken=None),
    Rung(ways=3, passing=None, remarks=100, broken=None),
    Rung(ways=1, passing=100, remarks=20, broken=None),
    Rung(ways=0, passing=0, remarks=0, broken=500),
    Rung(ways=0, passing=0, remarks=0, broken=20),
    Rung(ways=0, passing=0, remarks=0, broken=0),
)


def fitting(draw: Callable[[Rung], str], *, max_bytes: int) -> Iterator[str]:
    """The page at every rung where it fits, longest first; the last rung's if nothing does."""
    drawn = None
    for rung in LADDER:
        page = draw(rung)
        if page == drawn:
            continue
        drawn = page
        if len(page.encode("utf-8", "backslashreplace")) <= max_bytes or rung is LADDER[-1]:
            yield page
