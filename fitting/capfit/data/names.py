"""What a row was measured on, resolved through the registry. A name it lacks is never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from capcheck.registry.matches import Miss
from capcheck.registry.rows import read
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec
from capcheck.registry.tables import Registry

from capfit.data.rows import Measured

_NATIVE_PLATFORM = {"nvidia": "cuda", "amd": "rocm", "apple": "metal", "intel": "xpu"}
_PLATFORM_IN_NAME = {"hip": "rocm", "sycl": "xpu"}
_PLATFORMS = ("cuda", "rocm", "hip", "metal", "vulkan", "sycl")
_UNRESOLVABLE = Path(__file__).parent / "unresolved.csv"


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name that the registry does not know, or knows too little about."""

    kind: str  # "model", "quant", "backend", "gpu"
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The resolved names of one row."""

    model: ModelSpec
    quant: QuantSpec
    backend: BackendSpec
    gpu: GpuSpec
    platform: str


class Names:
    """Look-ups in one registry, each distinct spelling once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.model = lru_cache(maxsize=None)(self._model)
        self.gpu = lru_cache(maxsize=None)(self._gpu)
        self.backend = lru_cache(maxsize=None)(self._backend)
        self.quant = lru_cache(maxsize=None)(self._quant)

    def subject(self, row: Measured) -> Subject | tuple[Unresolved, ...]:
        """What the row was measured on, or every name in it that does not resolve."""
        model, backend = self.model(row.model), self.backend(row.backend)
        gpu = self.gpu(row.gpu or "")
        engine = None if isinstance(backend, Unresolved) else backend[0].name
        tag = None if isinstance(model, Unresolved) else model.name
        quant = self.quant(row.quant, tag, engine)
        if (
            isinstance(model, Unresolved)
            or isinstance(backend, Unresolved)
            or isinstance(gpu, Unresolved)
            or isinstance(quant, Unresolved)
        ):
            found = (model, quant, backend, gpu)
            return tuple(name for name in found if isinstance(name, Unresolved))
        return Subject(model, quant, backend[0], gpu, _platform(backend[1], gpu))

    def _model(self, text: str) -> ModelSpec | Unresolved:
        found = self.registry.model(text)
        return _unresolved(found) if isinstance(found, Miss) else found.spec

    def _gpu(self, text: str) -> GpuSpec | Unresolved:
        if not text:
            return Unresolved("gpu", "", "not stated")
        found = self.registry.gpu(text)
        return _unresolved(found) if isinstance(found, Miss) else found.spec

    def _backend(self, text: str) -> tuple[BackendSpec, str | None] | Unresolved:
        found = self.registry.backend(text)
        return _unresolved(found) if isinstance(found, Miss) else (found.spec, found.platform)

    def _quant(
        self, text: str | None, model: str | None, backend: str | None
    ) -> QuantSpec | Unresolved:
        """The true format: as stated, or what the backend's tag of the model pulls."""
        if text is None and backend == "ollama":
            text = self._tags.get(model or "")
        if text is None:
            return Unresolved("quant", "", "not stated")
        found = self.registry.quant(text, backend=backend)
        return _unresolved(found) if isinstance(found, Miss) else found.spec

    @property
    def _tags(self) -> dict[str, str]:
        """Model to the quant of its first Ollama tag."""
        rows = reversed(self.registry.rows("ollama_tags"))
        return {row["model"]: row["default_quant"] for row in rows}


@lru_cache(maxsize=1)
def unresolvable() -> Mapping[tuple[str, str], str]:
    """Spellings that name no one thing, by kind and text, and why; a row for each."""
    return {(row["kind"], row["spelling"]): row["reason"] for row in read(_UNRESOLVABLE)}


def on_cpu(row: Measured) -> bool:
    """The backend's name says that it ran on the CPU."""
    return row.backend.endswith("-cpu")


def _unresolved(miss: Miss) -> Unresolved:
    reason = miss.reason or unresolvable().get((miss.kind, miss.text), "")
    return Unresolved(miss.kind, miss.text, reason)


def _platform(in_name: str | None, gpu: GpuSpec) -> str:
    """`cuda`, `rocm`, `vulkan`, `metal`, `xpu` or `hpu`: as stated, or the vendor's own."""
    for word in (in_name or "").split("-"):
        if word in _PLATFORMS:
            return _PLATFORM_IN_NAME.get(word, word)
    return "hpu" if gpu.architecture.startswith("gaudi") else _NATIVE_PLATFORM[gpu.vendor]
