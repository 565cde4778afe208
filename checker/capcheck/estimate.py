"""A predicted value with its interval and where it came from."""

from __future__ import annotations

from typing import Literal

from capcheck.records import dataclass

Provenance = Literal["measured", "derived", "interpolated", "extrapolated", "assumed", "unknown"]

# From the strongest evidence to none; a combination is as weak as its weakest part.
PROVENANCES: tuple[Provenance, ...] = (
    "derived",
    "measured",
    "interpolated",
    "extrapolated",
    "assumed",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 90 % interval, its provenance, and one line on its basis.

    All three numbers are None when the value is unknown. Otherwise low <= value <= high, where a
    `high` of None means that there is no upper bound.
    """

    value: float | None
    low: float | None
    high: float | None
    provenance: Provenance
    basis: str

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


def exact(value: float, basis: str, provenance: Provenance = "derived") -> Estimate:
    """A value without uncertainty: arithmetic on published or stated figures."""
    return Estimate(value, value, value, provenance, basis)


def unknown(basis: str) -> Estimate:
    """No prediction; `basis` says why and what would help."""
    return Estimate(None, None, None, "unknown", basis)


def weakest(*provenances: Provenance) -> Provenance:
    """The provenance of something computed from parts with these provenances."""
    return max(provenances, key=PROVENANCES.index)
