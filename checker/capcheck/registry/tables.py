"""The built-in tables behind one object. Each is read when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from capcheck.records import Keyed, dataclass
from capcheck.registry.backends import BackendNames, backend_names, backend_spec, find_backend
from capcheck.registry.gpus import GpuNames, find_gpu, gpu_names, gpu_spec
from capcheck.registry.kv_cache import KvCacheDtype, find_kv_cache_dtype, kv_cache_dtype
from capcheck.registry.matches import (
    BackendMatch,
    GpuMatch,
    KvCacheDtypeMatch,
    Miss,
    ModelMatch,
    QuantMatch,
)
from capcheck.registry.models import ModelNames, find_model, model_names
from capcheck.registry.prices import prices_of_rows
from capcheck.registry.quants import Format, QuantNames, find_quant, quant_format, quant_names
from capcheck.registry.rows import Row, read
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, Price, QuantSpec

if TYPE_CHECKING:
    from capcheck.policy.model import Facts

_DATA = Path(__file__).parent.parent / "data"


@dataclass(frozen=True)
class Registry(Keyed):
    """Models, GPUs, quants, backends and prices of the tables in one folder.

    `own` are rows of an organisation besides, by table; `discounts` are shares off the prices of
    providers in the shipped table.
    """

    data: Path
    own: Mapping[str, tuple[Row, ...]] = field(default_factory=dict, hash=False)
    discounts: Mapping[str, float] = field(default_factory=dict, hash=False)

    @cached_property
    def models(self) -> tuple[ModelSpec, ...]:
        """Every model whose parameter count is known."""
        known = {entry.name: entry for entry in self._model_names.exact.values()}
        specs = (known[row["name"]].spec for row in self.rows("models"))
        return tuple(spec for spec in specs if spec is not None)

    @cached_property
    def gpus(self) -> tuple[GpuSpec, ...]:
        """Every GPU."""
        return tuple(map(gpu_spec, self.rows("gpus")))

    @cached_property
    def quants(self) -> tuple[QuantSpec, ...]:
        """Every weight format whose bits per weight are known."""
        return tuple(entry.spec for entry in self._formats if entry.spec is not None)

    @cached_property
    def backends(self) -> tuple[BackendSpec, ...]:
        """Every engine that can be predicted."""
        return tuple(spec for spec in self._engines if spec.is_calibrated)

    @cached_property
    def prices(self) -> tuple[Price, ...]:
        """Every price, once for each GPU product that its row's GPU name may mean."""
        return prices_of_rows(self.rows("prices"), self._gpu_names, self.discounts)

    def prices_of(self, gpu: str) -> tuple[Price, ...]:
        """Every price of one GPU product."""
        return self._prices_by_gpu.get(gpu, ())

    @cached_property
    def kv_cache_dtypes(self) -> tuple[KvCacheDtype, ...]:
        """Every KV cache data type of every engine."""
        return tuple(map(kv_cache_dtype, self.rows("kv_cache_dtypes")))

    def model(self, text: str) -> ModelMatch | Miss:
        """A model by registry name, Hugging Face id, Ollama tag, file name or path."""
        return _model(self, text)

    def gpu(self, text: str) -> GpuMatch | Miss:
        """The GPUs that a name may mean, the commonest first."""
        return _gpu(self, text)

    def quant(self, text: str, *, backend: str | None = None) -> QuantMatch | Miss:
        """A weight format by any name, as `backend` (a canonical name) reads it."""
        return _quant(self, text, backend)

    def backend(self, text: str) -> BackendMatch | Miss:
        """A serving engine by any name, whether it can be predicted or not."""
        return _backend(self, text)

    def kv_cache_dtype(self, text: str, *, backend: str) -> KvCacheDtypeMatch | Miss:
        """A KV cache data type by any name that `backend` (a canonical name) takes."""
        return _kv_cache_dtype(self, text, backend)

    def rows(self, table: str) -> tuple[Row, ...]:
        """The rows of one table as text, every column."""
        return (*_rows(self.data / f"{table}.csv"), *self.own.get(table, ()))

    @cached_property
    def _formats(self) -> tuple[Format, ...]:
        return tuple(map(quant_format, self.rows("quants")))

    @cached_property
    def _engines(self) -> tuple[BackendSpec, ...]:
        return tuple(map(backend_spec, self.rows("backends")))

    @cached_property
    def _prices_by_gpu(self) -> Mapping[str, tuple[Price, ...]]:
        grouped: dict[str, list[Price]] = {}
        for price in self.prices:
            grouped.setdefault(price.gpu, []).append(price)
        return {gpu: tuple(prices) for gpu, prices in grouped.items()}

    @cached_property
    def _model_names(self) -> ModelNames:
        return model_names(self.rows("models"), self.rows("ollama_tags"))

    @cached_property
    def _gpu_names(self) -> GpuNames:
        return gpu_names(self.rows("gpus"), self.gpus)

    @cached_property
    def _quant_names(self) -> QuantNames:
        return quant_names(self.rows("quants"), self._formats)

    @cached_property
    def _backend_names(self) -> BackendNames:
        return backend_names(self.rows("backends"), self._engines)


@lru_cache(maxsize=1)
def load() -> Registry:
    """The registry that capcheck ships. Reads nothing yet."""
    return Registry(_DATA)


def with_facts(registry: Registry, facts: Facts) -> Registry:
    """The registry with what an organisation's policy knows better."""
    own = {**facts.rows, **({"prices": facts.prices} if facts.prices else {})}
    if not own and not facts.discounts:
        return registry
    return replace(registry, own=own, discounts=facts.discounts)


@lru_cache(maxsize=16)
def _rows(path: Path) -> tuple[Row, ...]:
    return read(path)


# A search asks for the same few names thousands of times.
_NAMES = 4096


@lru_cache(maxsize=_NAMES)
def _model(registry: Registry, text: str) -> ModelMatch | Miss:
    return find_model(text, registry._model_names, registry._quant_names)


@lru_cache(maxsize=_NAMES)
def _gpu(registry: Registry, text: str) -> GpuMatch | Miss:
    return find_gpu(text, registry._gpu_names)


@lru_cache(maxsize=_NAMES)
def _quant(registry: Registry, text: str, backend: str | None) -> QuantMatch | Miss:
    containers = registry._backend_names.containers.get(backend or "", ())
    return find_quant(text, registry._quant_names, engine=backend, containers=containers)


@lru_cache(maxsize=_NAMES)
def _backend(registry: Registry, text: str) -> BackendMatch | Miss:
    return find_backend(text, registry._backend_names)


@lru_cache(maxsize=_NAMES)
def _kv_cache_dtype(registry: Registry, text: str, backend: str) -> KvCacheDtypeMatch | Miss:
    return find_kv_cache_dtype(text, registry.kv_cache_dtypes, backend=backend)
