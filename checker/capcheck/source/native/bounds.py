"""How many deployments one native file may hold: a hostile one has thousands."""

from __future__ import annotations

from capcheck.errors import Problem
from capcheck.place import Place
from capcheck.source.nodes import Mapping, Node, Sequence

TOO_MANY = "too-many-deployments"
# Of one file. The largest that people write by hand, catalogues of models, have some dozens.
MOST = 200
# Maps that stand side by side. Lists of variables are long too, and no deployments.
_MOST_BESIDE = 1000


def crowded(node: Node | None) -> Place | None:
    """Where more maps stand side by side than any file has deployments; None if nowhere."""
    open_: list[Node] = [] if node is None else [node]
    while open_:
        holder = open_.pop()
        inside: list[Node] = []
        if isinstance(holder, Mapping):
            inside = [entry.value for entry in holder.entries.values()]
        elif isinstance(holder, Sequence):
            inside = list(holder.items)
        below = [one for one in inside if isinstance(one, Mapping | Sequence)]
        if sum(isinstance(one, Mapping) for one in below) > _MOST_BESIDE:
            return holder.place
        open_ += below
    return None


def too_many(place: Place) -> Problem:
    """Problem too-many-deployments: what stands at that place, and all below it, is not read."""
    return Problem(
        code=TOO_MANY,
        place=place,
        found=f"more than {MOST} deployments",
        expected=f"at most {MOST} in one file: split it",
    )
