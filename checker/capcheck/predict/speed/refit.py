"""What a user's own measurements say of one engine on one GPU: `capfit refit` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capcheck.predict.coefficients import Coefficients
from capcheck.predict.speed.traits import Traits


@dataclass(frozen=True, slots=True)
class Refit:
    """One class of a refit: added to its coefficients, on their fitting scale.

    `cells` are the models and kernels measured (`llama3.1-8b 16bit`); `low` and `high` multiply a
    time and bound its 90 % interval.
    """

    shift: Mapping[str, float]
    cells: frozenset[str]
    rows: int
    low: float
    high: float
    version: str


def class_name(section: str, traits: Traits) -> str:
    """The class of a law on an engine, platform and GPU: `decode vllm/cuda RTX 4090 24GB`."""
    return f"{section} {traits.host} {traits.gpu}"


def refit_of(coefficients: Coefficients, section: str, traits: Traits) -> Refit | None:
    """The refit of a configuration's class, None where the user measured nothing of it."""
    classes = coefficients.sections.get("refit", {}).get("classes", {})
    found = classes.get(class_name(section, traits))
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


def cell_name(model: str, traits: Traits) -> str:
    """A model and its kernel, as a refit lists them."""
    return f"{model} {traits.kernel}"
