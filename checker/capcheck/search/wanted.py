"""How far a caller wants the search to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capcheck.records import dataclass

if TYPE_CHECKING:
    from capcheck.search.ranking import Ranking

# TR133 SS10.3: one recommendation and the next four.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far to search: the best `shown` (None: all) by `rank`; `thorough` looks at every family
    that passes, at the point estimate too, and says why cheaper ones do not."""

    shown: int | None = SHOWN
    rank: Ranking = "cost"
    thorough: bool = False


BEST = Wanted()
