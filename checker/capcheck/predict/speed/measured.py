"""One-stream decode rates that were measured for exactly this model, quant, backend and GPU."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved

_TABLE = Path(__file__).parents[2] / "data" / "measured.csv"


@dataclass(frozen=True, slots=True)
class Stream:
    """A measured cell: tokens/s of one sequence, and multipliers that bound 90 % of the times."""

    decode_tok_s: float
    context_tokens: float
    low: float
    high: float
    basis: str


def measured_stream(resolved: Resolved) -> Stream | None:
    """The measured cell of a deployment on one GPU with 16-bit cache, or None."""
    model, quant, backend = resolved.model, resolved.quant, resolved.backend
    gpu, engine = resolved.gpu, resolved.engine
    if model is None or quant is None or backend is None or gpu is None or engine is None:
        return None
    if engine.tensor_parallel_size != 1 or engine.kv_bytes_per_element != 2.0:
        return None
    return _cells().get((model.name, quant.name, backend.name, gpu.name))


@lru_cache(maxsize=1)
def _cells() -> dict[tuple[str, str, str, str], Stream]:
    with _TABLE.open(encoding="utf-8", newline="") as rows:
        return {
            (row["model"], row["quant"], row["backend"], row["gpu"]): Stream(
                decode_tok_s=float(row["decode_tok_s"]),
                context_tokens=float(row["context_tokens"]),
                low=1.0 / (1.0 + float(row["relative_error"])),
                high=1.0 + float(row["relative_error"]),
                basis=f"measured: {row['source']}, {row['session']} session",
            )
            for row in csv.DictReader(rows)
            if row["used"] == "yes"
        }
