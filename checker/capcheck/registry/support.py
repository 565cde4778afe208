"""Which engine loads which weight format and KV-cache type on which GPU, and what it gains."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from capcheck.records import dataclass
from capcheck.registry.rows import Row, number, read, several
from capcheck.registry.specs import BackendSpec, GpuSpec, QuantSpec
from capcheck.registry.versions import Version, covers

# "loads-without-gain": it runs, but this GPU has no arithmetic for the format.
# "loads-converted": it runs in another format of the same size. "unknown": no source says.
Level = Literal["loads", "loads-without-gain", "loads-converted", "does-not-load", "unknown"]

DATA = Path(__file__).parent.parent / "data"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Support:
    """One answer. `about_engine` when the engine does not run on this GPU, whatever the format.

    `reason` is a clause without capital or full stop; `fix` starts with a verb, or is None.
    """

    level: Level
    reason: str
    fix: str | None
    source: str
    about_engine: bool = False


@dataclass(frozen=True, slots=True)
class CacheSupport:
    """The answer for a KV-cache type; the fields mean what they mean in `Support`."""

    level: Level
    reason: str
    fix: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Device:
    """What a row says of the GPUs that it is about; empty fields do not restrict."""

    vendors: tuple[str, ...]
    architectures: tuple[str, ...]
    capability_min: float | None
    capability_below: float | None

    def matches(self, gpu: GpuSpec) -> bool:
        """Whether `gpu` is one of them; a bound on the compute capability needs a known one."""
        if ANY not in self.vendors and gpu.vendor not in self.vendors:
            return False
        if self.architectures and gpu.architecture not in self.architectures:
            return False
        if self.capability_min is None and self.capability_below is None:
            return True
        capability = gpu.compute_capability
        return (
            capability is not None
            and (self.capability_min is None or capability >= self.capability_min)
            and (self.capability_below is None or capability < self.capability_below)
        )


@dataclass(frozen=True, slots=True)
class _WeightRow:
    backends: tuple[str, ...]
    since: str
    before: str
    device: Device
    families: tuple[str, ...]
    quants: tuple[str, ...]
    answer: Support

    def is_about(self, quant: QuantSpec, backend: BackendSpec) -> bool:
        return (
            backend.name in self.backends
            and (ANY in self.families or quant.family in self.families)
            and any(fnmatchcase(quant.name, pattern) for pattern in self.quants)
        )

    def matches(self, gpu: GpuSpec, version: Version | None) -> bool:
        return covers(version, since=self.since, before=self.before) and self.device.matches(gpu)


@dataclass(frozen=True, slots=True)
class _CacheRow:
    backends: tuple[str, ...]
    dtype: str
    device: Device
    answer: CacheSupport


@lru_cache(maxsize=16384)
def weights(
    *, quant: QuantSpec, backend: BackendSpec, gpu: GpuSpec, version: Version | None = None
) -> Support:
    """Whether this release of the engine (None: the newest) loads the format on this GPU.

    The first row of data/support.csv that matches answers; none is "unknown".
    """
    for row in _rows_about(quant, backend):
        if row.matches(gpu, version):
            return row.answer
    reason = f"no source says whether {backend.name} loads {quant.name} on {gpu.name}"
    return Support("unknown", reason, None, "")


@lru_cache(maxsize=4096)
def kv_cache(*, dtype: str, backend: BackendSpec, gpu: GpuSpec) -> CacheSupport:
    """Whether the engine keeps its KV cache in this type (a canonical name) on this GPU.

    A type that the engine does not have "does-not-load".
    """
    own = [row for row in _cache_rows() if backend.name in row.backends]
    named = [row for row in own if row.dtype == dtype]
    for row in named:
        if row.device.matches(gpu):
            return row.answer
    if named:
        return CacheSupport("unknown", f"no source says whether it works on {gpu.name}", None, "")
    names = ", ".join(dict.fromkeys(row.dtype for row in own))
    return CacheSupport("does-not-load", "it has no such type", f"use one of {names}", "")


@lru_cache(maxsize=1024)
def _rows_about(quant: QuantSpec, backend: BackendSpec) -> tuple[_WeightRow, ...]:
    """The rows of a format on an engine, whatever the GPU and the release."""
    return tuple(row for row in _weight_rows() if row.is_about(quant, backend))


@lru_cache(maxsize=1)
def _weight_rows() -> tuple[_WeightRow, ...]:
    return tuple(map(_weight_row, read(DATA / "support.csv")))


def _weight_row(row: Row) -> _WeightRow:
    families, device = several(row["family"]), _device(row)
    return _WeightRow(
        backends=several(row["backend"]),
        since=row["since"],
        before=row["before"],
        device=device,
        families=families,
        quants=several(row["quant"]),
        answer=Support(
            level=cast(Level, row["level"]),
            reason=row["reason"],
            fix=row["fix"] or None,
            source=row["source"],
            about_engine=families == (ANY,) and device.vendors != (ANY,),
        ),
    )


@lru_cache(maxsize=1)
def _cache_rows() -> tuple[_CacheRow, ...]:
    return tuple(map(_cache_row, read(DATA / "kv_cache_support.csv")))


def _cache_row(row: Row) -> _CacheRow:
    return _CacheRow(
        backends=several(row["backend"]),
        dtype=row["dtype"],
        device=_device(row),
        answer=CacheSupport(
            level=cast(Level, row["level"]),
            reason=row["reason"],
            fix=row["fix"] or None,
            source=row["source"],
        ),
    )


def _device(row: Row) -> Device:
    return Device(
        vendors=several(row["vendor"]),
        architectures=several(row.get("architectures", "")),
        capability_min=number(row["capability_min"]),
        capability_below=number(row["capability_below"]),
    )
