"""A user's table of measurements: its columns, and what every row must say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from capcheck.errors import Problem
from capcheck.manifest.deployment import Deployment, Serving
from capcheck.place import Place
from capcheck.registry.matches import Miss
from capcheck.registry.tables import Registry

from capfit.data.columns import Role, Row, column
from capfit.data.load import place_of

# What each metric speaks for.
SECTIONS: Mapping[str, str] = {
    "decode_tok_s": "decode",
    "ttft_ms": "prefill",
    "vram_gib": "memory",
    "kv_cache_tokens": "memory",
    "score": "quality",
}
# The cells that a row of each section cannot do without.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "decode": ("gpu", "prompt_tokens"),
    "prefill": ("gpu", "prompt_tokens"),
    "memory": ("gpu", "max_model_len"),
    "quality": ("quant", "reference"),
}


@dataclass(frozen=True, kw_only=True)
class Own(Row):
    """One measurement: of one stream, of an engine's memory, or of a format's score."""

    table: ClassVar[str] = "own"
    model: str = column(role=Role.SUBJECT)
    quant: str | None = column(role=Role.SUBJECT)
    backend: str = column(role=Role.SUBJECT)
    backend_version: str | None = column(role=Role.SUBJECT)
    gpu: str | None = column(role=Role.SUBJECT)
    tensor_parallel_size: int | None = column(role=Role.SUBJECT, least=1, most=64)
    prompt_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=1)
    output_tokens: float | None = column(role=Role.SUBJECT, unit="tokens", least=1)
    max_model_len: int | None = column(role=Role.SUBJECT, unit="tokens", least=1)
    max_num_seqs: int | None = column(role=Role.SUBJECT, unit="sequences", least=1)
    gpu_memory_utilization: float | None = column(role=Role.SUBJECT, least=0.01, most=1)
    reference: float | None = column(role=Role.SUBJECT, unit="of the items", least=1e-3, most=1)
    n_items: int | None = column(role=Role.DETAIL, least=1)
    metric: str = column(role=Role.MEASURE, allowed=tuple(SECTIONS))
    value: float = column(
        role=Role.MEASURE, unit="tokens/s, ms, GiB, tokens or a share, see metric", least=1e-3
    )

    @property
    def section(self) -> str:
        """The section of the coefficients that the row speaks for."""
        return SECTIONS[self.metric]


def deployment_of(row: Own, path: Path) -> Deployment:
    """The deployment that was measured."""
    return Deployment(
        name="own",
        path=str(path),
        place=Place(str(path), row.line, 1, 2),
        model=row.model,
        quant=row.quant,
        backend=row.backend,
        backend_version=row.backend_version,
        gpu=row.gpu,
        serving=Serving(
            tensor_parallel_size=row.tensor_parallel_size,
            max_model_len=row.max_model_len,
            max_num_seqs=row.max_num_seqs,
            gpu_memory_utilization=row.gpu_memory_utilization,
        ),
    )


def missing(row: Own, path: Path) -> Iterable[Problem]:
    """The cells that the row's metric needs and that are blank."""
    for name in _NEEDED[row.section]:
        if getattr(row, name) is None:
            place = place_of(path, row.line, "metric")
            yield Problem("missing-cell", place, f"{row.metric} without {name}", f"a {name}")


def unknown(row: Own, path: Path, registry: Registry) -> Iterable[Problem]:
    """Every name of a row that the registry does not know, with the nearest one that it does."""
    looked_up: dict[str, object] = {
        "model": registry.model(row.model),
        "backend": registry.backend(row.backend),
    }
    if row.gpu is not None:
        looked_up["gpu"] = registry.gpu(row.gpu)
    if row.quant is not None:
        looked_up["quant"] = registry.quant(row.quant)
    for name, found in looked_up.items():
        if isinstance(found, Miss):
            place = place_of(path, row.line, name)
            nearest = found.nearest[0] if found.nearest else None
            text = f"{found.text!r} in column {name!r}"
            yield Problem(f"unknown-{name}", place, text, f"a known {name}", nearest)
