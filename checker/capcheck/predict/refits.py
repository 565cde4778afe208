"""What a user's own measurements say of one class of configurations: `capfit refit` writes it."""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.predict.coefficients import Coefficients
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Refit:
    """One class of a refit: shifts of its coefficients, on the scale that they are fitted on.

    `cells` are the configurations measured (`llama3.1-8b 16bit`); `low` and `high` multiply the
    class's figure and bound its 90 % interval.
    """

    shift: Mapping[str, float]
    cells: frozenset[str]
    rows: int
    low: float
    high: float
    version: str

    def basis(self, of: str) -> str:
        """In words, for reports: on how many measurements of what a figure rests."""
        return f"refit with {self.rows} measurements of yours {of} ({self.version})"


def refit_named(coefficients: Coefficients, name: str) -> Refit | None:
    """The refit of a class, None where the user measured nothing of it."""
    found = coefficients.sections.get("refit", {}).get("classes", {}).get(name)
    if found is None:
        return None
    low, high = found["interval"]
    return Refit(
        shift=found["shift"],
        cells=frozenset(found["cells"]),
        rows=int(found["rows"]),
        low=float(low),
        high=float(high),
        version=coefficients.version,
    )
