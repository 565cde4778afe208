"""What a search leaves out: a family, or a setting of it, that does not pass."""

from __future__ import annotations

from capcheck.judge import Started
from capcheck.records import dataclass
from capcheck.search.sketch import Sketch
from capcheck.search.space import Family


@dataclass(frozen=True, slots=True)
class Miss:
    """A member of a family that does not pass, with the replicas that it needs at the least.

    `setting` is the sketch of one; None where the whole family is out. `started` is None where that
    is known without starting it. `short_by` is the share of a limit, or of the memory, by which it
    at least misses that; of the budget it may miss more.
    """

    family: Family
    setting: Sketch | None
    started: Started | None
    short_by: float
    replicas: int
