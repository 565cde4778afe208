"""Refusal of harmful prompts: a table of measured cells, and nothing beyond it."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from capcheck.estimate import Estimate, unknown
from capcheck.predict.forecast import Safety
from capcheck.registry.specs import BackendSpec, ModelSpec, QuantSpec

_TABLE = Path(__file__).parent.parent / "data" / "safety.csv"

# The table's intervals are 95 %, the report's 90 %: the ratio of the two normal quantiles.
_TO_90 = 1.645 / 1.960


def safety(model: ModelSpec | None, quant: QuantSpec | None, backend: BackendSpec | None) -> Safety:
    """Refusal rate (0..1) of exactly this model, quant and backend, from TR134 and TR142.

    Nobody published refusals of harmless prompts per quant, so `over_refusal` is always unknown.
    """
    over_refusal = unknown("refusals of harmless prompts were not measured for any quant")
    if model is None or quant is None or backend is None:
        return Safety(unknown("the model, quant or backend is not known"), over_refusal)
    cell = _cells().get((model.name, backend.name, quant.name))
    if cell is None:
        basis = f"refusals of {model.name} {quant.name} on {backend.name} were not measured"
        return Safety(unknown(basis), over_refusal)
    return Safety(cell, over_refusal)


@lru_cache(maxsize=1)
def _cells() -> dict[tuple[str, str, str], Estimate]:
    with _TABLE.open(encoding="utf-8", newline="") as rows:
        return {
            (row["model"], row["backend"], row["quant"]): _estimate(row)
            for row in csv.DictReader(rows)
        }


def _estimate(row: dict[str, str]) -> Estimate:
    value = float(row["refusal"])
    low = value + _TO_90 * (float(row["ci95_low"]) - value)
    high = value + _TO_90 * (float(row["ci95_high"]) - value)
    return Estimate(value, low, high, "measured", f"{row['n_items']} prompts, {row['source']}")
