"""The class of a user's own memory measurements: one engine on one GPU, and its overhead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.predict.coefficients import Coefficients
from capcheck.predict.refits import Refit, refit_named
from capcheck.registry.specs import BackendSpec, GpuSpec

OVERHEAD = "overhead_gib"
# The ways of taking memory whose law is one value: transformers' spans attention kernels.
_ONE_VALUE = ("budget", "allocate")


def class_name(backend: BackendSpec, gpu: GpuSpec) -> str:
    """The class of an engine's memory on a GPU: `memory vllm RTX 4090 24GB`."""
    return f"memory {backend.name} {gpu.name}"


def is_refittable(backend: BackendSpec) -> bool:
    """Whether own measurements can say what its law lacks."""
    return backend.memory_model in _ONE_VALUE


def with_refit(
    law: Mapping[str, Any], backend: BackendSpec, gpu: GpuSpec | None, coefficients: Coefficients
) -> Mapping[str, Any]:
    """The law of a backend with the user's own overhead and interval, where they measured it."""
    if gpu is None or not is_refittable(backend):
        return law
    found = refit_named(coefficients, class_name(backend, gpu))
    if found is None:
        return law
    return {**law, **_changed(law, backend, found), "basis": found.basis(f"on {gpu.name}")}


def _changed(law: Mapping[str, Any], backend: BackendSpec, found: Refit) -> dict[str, Any]:
    more = found.shift.get(OVERHEAD, 0.0)
    narrowed: dict[str, Any] = {"interval": [found.low, found.high]}
    if backend.memory_model == "budget":
        eras = [
            {
                name: max(0.0, value + more) if name.startswith(OVERHEAD) else value
                for name, value in era.items()
            }
            for era in law["eras"]
        ]
        return {**narrowed, "eras": eras}
    no_more = {key: [0.0, 0.0] for key in ("interval_gib", "interval_gib_unfused")}
    return {**narrowed, **no_more, "context_gib": max(0.0, law["context_gib"] + more)}
