"""One measurement beside what was predicted without its group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["ms", "tok/s", "GiB", "tokens", "USD", "share", "score"]

# Where more is better a limit is a floor.
_FLOORS = frozenset({"tok/s", "tokens", "share", "score"})


@dataclass(frozen=True, slots=True)
class Row:
    """A prediction with its 90 % interval (`low`, `high`; None where no interval is stated).

    `held_out` says what was kept from the fit together with `group`: "model" (all models of one
    shape), "GPU", "concurrency", or "nothing" where no coefficient was fitted to such rows.
    `baselines` is what simpler rules say of the same case, by name.
    """

    predictor: str
    held_out: str
    backend: str
    group: str
    what: str
    unit: Unit
    predicted: float
    measured: float
    low: float | None
    high: float | None
    baselines: Mapping[str, float]

    @property
    def is_floor(self) -> bool:
        """Whether a limit on this figure is a least value."""
        return self.unit in _FLOORS

    def error(self, predicted: float) -> float:
        """Relative error of a prediction of this row in percent; of a score, in points."""
        if self.unit == "score":
            return 100.0 * (predicted - self.measured)
        return 100.0 * (predicted / self.measured - 1.0)
