"""What a manifest states of an engine's settings, and what the engine does by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache

from capcheck.manifest.deployment import Serving
from capcheck.records import dataclass
from capcheck.registry.engine_defaults import PARALLEL_SIZES, Site, Value, defaults, flag
from capcheck.registry.specs import BackendSpec
from capcheck.registry.versions import parse


@dataclass(frozen=True, slots=True)
class Choices:
    """The settings that an engine has: what the manifest states, and what it does by itself.

    The same for all models with one kind of attention. `in_force` is what is stated, else what is
    usual; `sizes` are the tensor, pipeline and data parallel size.
    """

    site: Site
    sizes: tuple[int, int, int]
    stated: Mapping[str, Value]
    usual: Mapping[str, Value]
    in_force: Mapping[str, Value]


# A search asks for all models and formats of an engine and machine.
@lru_cache(maxsize=2048)
def choices(
    serving: Serving,
    backend: BackendSpec,
    *,
    version: str | None,
    gpu: str,
    gpus: int,
    device_gib: float,
    attention: str,
) -> Choices:
    """Of one engine copy; `device_gib` is the memory of one GPU, 0 when unknown."""
    sizes = parallel_sizes(serving, backend)
    site = Site(
        backend=backend.name,
        version=parse(version),
        gpu=gpu,
        device_gib=device_gib,
        total_gib=device_gib * gpus,
        attention=attention,
        tensor_parallel_size=sizes[0],
    )
    usual = {setting: row.value for setting, row in defaults(site).items()}
    stated = _stated(serving, backend.name)
    return Choices(site, sizes, stated, usual, {**usual, **stated})


@lru_cache(maxsize=1024)
def _stated(serving: Serving, backend: str) -> Mapping[str, Value]:
    """What is stated of the settings that the engine has."""
    values = {one.name: getattr(serving, one.name) for one in fields(serving)}
    return {name: it for name, it in values.items() if it is not None and flag(backend, name)}


@lru_cache(maxsize=1024)
def parallel_sizes(serving: Serving, backend: BackendSpec | None) -> tuple[int, int, int]:
    """Tensor, pipeline and data parallel size as the engine will use them: 1 where it has none."""
    sizes = (
        (getattr(serving, name) or 1) if backend is None or flag(backend.name, name) else 1
        for name in PARALLEL_SIZES
    )
    tensor, pipeline, data = sizes
    return tensor, pipeline, data
