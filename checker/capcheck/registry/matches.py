"""What a look-up answers: the thing that a name means, or a miss with the nearest names."""

from __future__ import annotations

from capcheck.records import dataclass
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, Price, QuantSpec


@dataclass(frozen=True, slots=True)
class Miss:
    """No such thing. `reason` is set when the name is known but cannot be used."""

    kind: str  # "model", "gpu", "quant", "backend", "price", "kv_cache_dtype"
    text: str
    nearest: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ModelMatch:
    """A model, and the quant that its name fixes.

    `quant_basis` says how: "name suffix", "ollama tag", or, for the `ollama` backend only,
    "registry default of the bare tag" or "assumed default of the bare tag"; empty without a quant.
    """

    spec: ModelSpec
    quant: str | None = None
    quant_basis: str = ""
    note: str | None = None

    @property
    def quant_is_ollamas(self) -> bool:
        """The quant is what a bare Ollama tag pulls: it means nothing to other engines."""
        return self.quant_basis.endswith("of the bare tag")


@dataclass(frozen=True, slots=True)
class GpuMatch:
    """Every product that a GPU's name may mean, the assumed one first.

    `count` is the number in `8x H100`. `note` says how to be exact when there is a choice.
    """

    variants: tuple[GpuSpec, ...]
    note: str | None = None
    count: int | None = None

    @property
    def spec(self) -> GpuSpec:
        """The assumed product."""
        return self.variants[0]


@dataclass(frozen=True, slots=True)
class QuantMatch:
    """A weight format; `note` says what a loose name such as `int4` was taken for."""

    spec: QuantSpec
    note: str | None = None


@dataclass(frozen=True, slots=True)
class BackendMatch:
    """An engine, with the platform and version that its name carried (`llama.cpp-CUDA`)."""

    spec: BackendSpec
    platform: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class KvCacheDtypeMatch:
    """A KV cache data type of one engine; `bytes_per_element` is None when nobody states it."""

    dtype: str
    bytes_per_element: float | None
    needs: str | None


@dataclass(frozen=True, slots=True)
class PriceMatch:
    """The price that applies, and that of every GPU variant that has one, the assumed one first."""

    price: Price
    variants: tuple[Price, ...]
    note: str | None = None
