"""What is known about one field of a manifest."""

from __future__ import annotations

from capcheck.manifest.kinds import Kind
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `pointer` is relative to the deployment.

    A field with `kind` takes a value; a field that others' pointers start with takes a map of them;
    both together mean "either". `foreign` are other tools' names for it.
    """

    pointer: str
    kind: Kind | None
    description: str
    default: str = "–"
    foreign: str = ""
    required: bool = False

    @property
    def name(self) -> str:
        """The key to write."""
        return self.pointer.rpartition("/")[2]

    @property
    def parent(self) -> str:
        """The pointer of the map that it stands in; empty for the deployment itself."""
        return self.pointer.rpartition("/")[0]

    @property
    def dotted(self) -> str:
        """As text refers to it: `slo.latency_p95`."""
        return self.pointer[1:].replace("/", ".")
