"""Names under which vendors serve models, and the weights that they mean.

A KAITO preset or a NIM image names a model in its own way; data/model_catalogues.csv says which
repository of Hugging Face holds the same weights. A row without weights is an image that serves
whatever model it is told.
"""

from __future__ import annotations

from functools import cache

from capcheck.registry.rows import read
from capcheck.source.native.command.flags import DATA
from capcheck.source.native.deployment import Fact, Stated


def weights(catalogue: str, model: Fact) -> dict[str, Stated]:
    """The setting `weights`, where the catalogue (`kaito`, `nim`) knows the model's name."""
    if not isinstance(model, Stated):
        return {}
    found = _table().get((catalogue, str(model.value).lower()))
    return {"weights": Stated(found, model.place, f"{catalogue} catalogue")} if found else {}


def serves_any(catalogue: str, name: str) -> bool:
    """Whether it is an image for any model, whose own name says nothing of the model."""
    return _table().get((catalogue, name.lower())) == ""


@cache
def _table() -> dict[tuple[str, str], str]:
    rows = read(DATA / "model_catalogues.csv")
    return {(row["catalogue"], row["name"].lower()): row["weights"] for row in rows}
