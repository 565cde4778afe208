"""A setting: everything that tells two measurements apart."""

from __future__ import annotations

from dataclasses import dataclass

from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, QuantSpec

from capfit.data.columns import Role, schema
from capfit.data.names import Subject
from capfit.data.rows import Measured

Condition = tuple[str, str | float | bool]

_LOADS = (
    *("arrival", "concurrency", "request_rate_rps"),
    *("prompt_tokens", "cached_tokens", "output_tokens", "context_tokens"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured, on what, under which load. Two rows of one setting are repeats.

    `session` is source and clock state. `concurrency` counts sequences or clients over all GPUs.
    `conditions` are the other columns that tell measurements apart, by name, blanks left out.
    """

    model: ModelSpec
    quant: QuantSpec
    backend: BackendSpec
    gpu: GpuSpec
    platform: str
    version: str | None
    n_gpus: int
    tensor_parallel_size: int
    arrival: str | None
    concurrency: int | None
    request_rate_rps: float | None
    prompt_tokens: float | None
    cached_tokens: float | None
    output_tokens: float | None
    context_tokens: float | None
    conditions: tuple[Condition, ...]
    collection: str
    source: str
    session: str

    @property
    def engine_family(self) -> str:
        """Engines that share kernels share it."""
        return self.backend.engine_family

    @property
    def model_group(self) -> str:
        """Models of one shape, whatever their names: what is held out together."""
        model = self.model
        if model.n_layers is None:
            return model.name
        shape = f"{model.n_layers}x{model.hidden_size}/{model.n_kv_heads}"
        return f"{shape}/{model.params_b:.0f}B"

    @property
    def gpu_group(self) -> str:
        """The GPU product: what is held out together."""
        return self.gpu.name

    @property
    def sweep(self) -> tuple[str, ...]:
        """Source and configuration without the load: cells of one sweep are near-duplicates."""
        names = (self.model_group, self.quant.name, self.backend.name, self.version or "")
        sizes = (self.gpu.name, str(self.n_gpus), str(self.tensor_parallel_size))
        return (self.session, *names, *sizes)

    def condition(self, name: str) -> str | float | bool | None:
        """The value of a condition, None where it is not stated."""
        return dict(self.conditions).get(name)


def setting_of(row: Measured, subject: Subject) -> Setting:
    """The setting of a row whose names are resolved."""
    conditions = tuple(
        (column.name, value)
        for column in schema(type(row))
        if column.role is Role.CONDITION and (value := getattr(row, column.name)) is not None
    )
    return Setting(
        model=subject.model,
        quant=subject.quant,
        backend=subject.backend,
        gpu=subject.gpu,
        platform=subject.platform,
        version=row.backend_version,
        n_gpus=row.n_gpus,
        tensor_parallel_size=row.tensor_parallel_size or row.n_gpus,
        conditions=conditions,
        collection=row.collection,
        source=row.source,
        session=" ".join(filter(None, (row.source, row.session))),
        **{name: getattr(row, name, None) for name in _LOADS},
    )
