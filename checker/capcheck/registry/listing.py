"""The tables as plain rows, for `capcheck list`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Literal

from capcheck.registry.matches import Miss
from capcheck.registry.rows import Row
from capcheck.registry.specs import ModelSpec
from capcheck.registry.tables import Registry

Kind = Literal["models", "gpus", "quants", "backends", "prices"]
KINDS: tuple[Kind, ...] = ("models", "gpus", "quants", "backends", "prices")

Cell = str | int | float | bool | None

# What a table shows; the JSON has every column.
COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "models": (
        "name",
        "params_b",
        "active_params_b",
        "attention",
        "max_context",
        "native_quant",
        "licence",
        "hf_repo",
    ),
    "gpus": (
        "name",
        "memory_gb",
        "usable_gib",
        "memory_type",
        "bandwidth_gb_s",
        "fp16_tflops",
        "interconnect",
        "architecture",
    ),
    "quants": ("name", "family", "bits_per_weight", "embedding_bits"),
    "backends": (
        "name",
        "engine_family",
        "memory_model",
        "batching",
        "supports_tensor_parallel",
        "version_read",
    ),
    "prices": (
        "provider",
        "instance_type",
        "gpu",
        "n_gpus",
        "usd_per_hour",
        "region",
        "captured",
        "kind",
    ),
}


def list_rows(registry: Registry, kind: Kind) -> tuple[Mapping[str, Cell], ...]:
    """Every entry of one table, in the table's order; unknown facts are None."""
    if kind == "models":
        return tuple(_model(registry, row) for row in registry.rows("models"))
    if kind == "prices":
        return tuple(map(_price, registry.rows("prices")))
    return tuple(asdict(entry) for entry in getattr(registry, kind))


def _model(registry: Registry, row: Row) -> Mapping[str, Cell]:
    found = registry.model(row["name"])
    if isinstance(found, Miss):
        names = (field.name for field in fields(ModelSpec))
        facts: dict[str, Cell] = {name: row[name] or None for name in names}
        return {**facts, "params_b": None, "active_params_b": None}
    spec = found.spec
    return {
        **asdict(spec),
        "params_b": round(spec.params / 1e9, 3),
        "active_params_b": round(spec.active_params / 1e9, 3),
    }


def _price(row: Row) -> Mapping[str, Cell]:
    n_gpus, usd_per_hour = int(row["n_gpus"]), float(row["usd_per_hour"])
    return {
        "provider": row["provider"],
        "instance_type": row["instance_type"] or None,
        "gpu": row["gpu"],
        "n_gpus": n_gpus,
        "usd_per_hour": usd_per_hour,
        "usd_per_gpu_hour": round(usd_per_hour / n_gpus, 5),
        "region": row["region"] or None,
        "captured": row["captured"] or None,
        "kind": row["kind"],
        "source": row["source"],
        "notes": row["notes"] or None,
    }
