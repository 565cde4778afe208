"""A fitted coefficient: one mean, and what each trait of a configuration adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Effects:
    """A coefficient on its fitting scale (a logarithm or a logit), as a sum over traits.

    A trait that the measurements never showed adds nothing, so a new GPU or kernel gets the value
    of the classes that it belongs to. Deviations were shrunk towards zero when they were fitted.
    """

    mean: float
    deviations: Mapping[str, float]

    def of(self, traits: Iterable[str]) -> float:
        """The coefficient of a configuration with these traits."""
        deviations = self.deviations
        return self.mean + sum([deviations[trait] for trait in traits if trait in deviations])


def effects(table: Mapping[str, Any]) -> Effects:
    """Read one coefficient of the artifact: `{"mean": 0.1, "deviations": {"engine=vllm": 0.2}}`."""
    return Effects(float(table["mean"]), table["deviations"])
