"""Settings that were stated to no effect, because the engine has no such thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.registry.engine_defaults import (
    MEMORY_FRACTIONS,
    PARALLEL_SIZES,
    Value,
    flag,
    memory_fraction_setting,
)
from capcheck.registry.specs import BackendSpec


def ignored(deployment: Deployment, backend: BackendSpec) -> Iterator[Finding]:
    """Finding setting-ignored for every stated setting that this engine does not have."""
    for field in fields(Serving):
        value = getattr(deployment.serving, field.name)
        if value is None or flag(backend.name, field.name):
            continue
        if field.name in PARALLEL_SIZES and value == 1:
            continue
        yield Finding(
            rule="setting-ignored",
            severity="warning",
            verdict="pass",
            message=f"{backend.name} has no {field.name}: {_shown(value)} has no effect",
            place=deployment.at(f"/serving/{field.name}"),
            related=deployment.at("/backend"),
            fix=_equivalent(backend, field.name),
        )


def _equivalent(backend: BackendSpec, setting: str) -> str:
    """What to write instead, in the words of this engine."""
    if setting in MEMORY_FRACTIONS:
        own = memory_fraction_setting(backend.name)
        if own is None:
            return f"remove it: {backend.name} takes what model and context need"
        return f"use {own} ({flag(backend.name, own)}), which is another share: do not copy it"
    if setting in PARALLEL_SIZES:
        if flag(backend.name, "tensor_parallel_size"):
            return "use tensor_parallel_size, or replicas"
        return f"use gpus_per_replica: {backend.name} splits layers over them"
    return "remove it"


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
