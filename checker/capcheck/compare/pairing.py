"""Which deployment of base became which one of head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from capcheck.compare.edits import similarity
from capcheck.manifest.load import Entry
from capcheck.records import dataclass

# As git's own rename detection: at least half in common. With neither name nor file in common,
# only what is all but identical.
SIMILAR = 0.5
IDENTICAL = 0.9

# Of two files that state tens of thousands, only what has the same name is compared.
MOST_COMPARED = 100_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each deployment of head with its counterpart, if it has one; and what only base has."""

    paired: tuple[tuple[Entry, Entry | None], ...]
    removed: tuple[Entry, ...]


def pair(heads: Sequence[Entry], bases: Sequence[Entry]) -> Pairs:
    """Same file and name first; then the most similar of what is left, each once.

    Limits do not count as similar or different: who renames a deployment and drops its limits
    keeps them.
    """
    left = {(one.path, one.stated.name): one for one in bases}
    found: dict[int, Entry] = {}
    for index, head in enumerate(heads):
        if (same := left.pop((head.path, head.stated.name), None)) is not None:
            found[index] = same
    free = [index for index in range(len(heads)) if index not in found]
    for index, base in _ranked(heads, free, left.values()):
        if index not in found and left.pop((base.path, base.stated.name), None) is not None:
            found[index] = base
    paired = tuple((head, found.get(index)) for index, head in enumerate(heads))
    return Pairs(paired, tuple(left.values()))


def _ranked(
    heads: Sequence[Entry], free: Sequence[int], bases: Iterable[Entry]
) -> list[tuple[int, Entry]]:
    """Candidates, the most similar first; of equals those that share name and file."""
    candidates = []
    everything, by_name = list(bases), dict[str, list[Entry]]()
    for base in everything:
        by_name.setdefault(base.stated.name, []).append(base)
    few = len(free) * len(everything) <= MOST_COMPARED
    for index in free:
        head = heads[index]
        for base in everything if few else by_name.get(head.stated.name, ()):
            shared = (head.stated.name == base.stated.name) + (head.path == base.path)
            alike = similarity(head, base)
            if alike >= (SIMILAR if shared else IDENTICAL):
                candidates.append((-alike, -shared, index, base))
    return [(index, base) for *_, index, base in sorted(candidates, key=lambda one: one[:3])]
