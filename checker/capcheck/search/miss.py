"""What a search leaves out: a family, or a setting of it, that does not pass."""

from __future__ import annotations

from capcheck.judge import Started
from capcheck.records import dataclass
from capcheck.search.sketch import Sketch
from capcheck.search.space import Family


@dataclass(frozen=True, slots=True)
class Miss:
    """A member of a family that does not pass, and by which share of a limit at least it misses.

    `setting` is the sketch of one; None where the whole family is out. `started` is None where that
    is known without starting it. `over_budget` is the share of the budget by which it costs too
    much with the replicas that it needs at the least, `short_by` that of another limit or of the
    memory.
    """

    family: Family
    setting: Sketch | None
    started: Started | None
    short_by: float
    over_budget: float

    @property
    def at_least(self) -> float:
        """The larger of both."""
        return max(self.short_by, self.over_budget)
