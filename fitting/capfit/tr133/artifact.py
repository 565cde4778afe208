"""The coefficients of a planner as JSON, and those that TR133 printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from capfit.tr133.planner import Planner

_PRINTED = Path(__file__).parent / "printed.json"


def as_json(planner: Planner) -> dict[str, object]:
    """The coefficients with keys joined by `/`, in order."""
    return {
        "vram": {
            "overhead_factor": planner.overhead_factor,
            "activation_gb": planner.activation_gb,
        },
        "throughput": {
            "lookup": _joined(planner.throughput),
            "multipliers": dict(planner.multipliers),
            "power_law": list(planner.power_law),
        },
        "scaling": {"serial_fractions": _joined(planner.serial)},
        "quality": {
            "lookup": _joined(planner.quality_scores),
            "deltas": dict(planner.quality_deltas),
        },
        "latency": {"service_ms": _joined(planner.service_ms)},
    }


def from_json(document: Mapping[str, Any]) -> Planner:
    """The planner that `as_json` wrote."""
    factor, exponent = document["throughput"]["power_law"]
    return Planner(
        overhead_factor=document["vram"]["overhead_factor"],
        activation_gb=document["vram"]["activation_gb"],
        throughput={
            (model, backend, quant): rate
            for (model, backend, quant), rate in _split(document["throughput"]["lookup"])
        },
        multipliers=document["throughput"]["multipliers"],
        power_law=(factor, exponent),
        serial={
            (model, backend): share
            for (model, backend), share in _split(document["scaling"]["serial_fractions"])
        },
        quality_scores={
            (model, quant): score for (model, quant), score in _split(document["quality"]["lookup"])
        },
        quality_deltas=document["quality"]["deltas"],
        service_ms={
            (model, backend): time
            for (model, backend), time in _split(document["latency"]["service_ms"])
        },
    )


@lru_cache(maxsize=1)
def printed() -> Planner:
    """TR133's own coefficients: SS4.2, SS5.2 to SS5.4, SS6.2, SS7.4, SS9.2 and Appendix D."""
    return from_json(json.loads(_PRINTED.read_text(encoding="utf-8")))


def _joined(table: Mapping[Any, float]) -> dict[str, float]:
    return {"/".join(key): value for key, value in sorted(table.items())}


def _split(table: Mapping[str, float]) -> list[tuple[list[str], float]]:
    return [(key.split("/"), value) for key, value in table.items()]
