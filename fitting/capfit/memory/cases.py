"""Measured memory as the checker sees it: each measurement is a deployment to predict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from capcheck.manifest.deployment import Deployment, Serving
from capcheck.place import Place
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Memory as Forecast
from capcheck.predict.memory.device import memory
from capcheck.predict.memory.request import MemoryRequest
from capcheck.registry.versions import Version, parse
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Engine, Resolved

from capfit.data.rows import Memory, Startup
from capfit.data.setting import Setting
from capfit.data.tables import Data

# Where a GPU shares its memory with the host: enough that nothing is refused.
_AMPLE_GIB = 1000.0
_BUILD = re.compile(r"build (\d+)")

# llama.cpp's own tools take the prompt in micro-batches of this many tokens.
_FLASH_OFF = "b1"


@dataclass(frozen=True, slots=True)
class Case:
    """One configuration, and what was measured or logged of it.

    `figures` is in GiB (per GPU for start-up logs), `kv_cache_tokens` in tokens; `outcome` is what
    became of it: `fits`, `spill`, `oom`, `ok`, `no-memory`.
    """

    setting: Setting
    resolved: Resolved
    engine: Engine
    figures: Mapping[str, float]
    outcome: str

    @property
    def backend(self) -> str:
        """The backend's name."""
        return self.setting.backend.name

    @property
    def group(self) -> str:
        """Models of one shape: what is held out together."""
        return self.setting.model_group

    @property
    def version(self) -> Version | None:
        """The release, where it is known."""
        return parse(self.resolved.deployment.backend_version)

    @property
    def what(self) -> str:
        """The case in words."""
        setting, engine = self.setting, self.engine
        n = "" if setting.n_gpus == 1 else f"{setting.n_gpus} x "
        return (
            f"{setting.model.name} {setting.quant.name}, {engine.max_model_len} tokens, "
            f"{n}{setting.gpu.name}"
        )

    def forecast(self, section: Mapping[str, Any]) -> Forecast:
        """The checker's prediction with this `memory` section."""
        return memory(self.resolved, Coefficients("fit", "", {"memory": section}))

    def request(self, section: Mapping[str, Any]) -> MemoryRequest:
        """The facts that the prediction starts from. Raises ValueError when one is missing."""
        request = MemoryRequest.of(self.resolved, section)
        if isinstance(request, str):
            raise ValueError(f"{self.what}: {request}")
        return request


def cases(data: Data) -> tuple[Case, ...]:
    """Every configuration of the memory and start-up tables that the checker can predict."""
    return tuple(case for case in (*_measured(data), *_logged(data)) if case is not None)


def _measured(data: Data) -> Iterator[Case | None]:
    """Cells by setting; what spilled is still the demand, and what ran out has no figure."""
    table = data.cells(Memory)
    for setting, cells in table.by_setting().items():
        figures = {metric: cell.value for metric, cell in cells.items()}
        yield _case(data, setting, figures, "fits")
    for label in table.labels:
        if label.outcome != "fits":
            known = {label.metric: label.value} if label.metric and label.value else {}
            yield _case(data, label.setting, known, label.outcome)


def _logged(data: Data) -> Iterator[Case | None]:
    table = data.cells(Startup)
    rows: dict[Setting, list[Startup]] = {}
    for label in table.labels:
        if isinstance(label.row, Startup):
            rows.setdefault(label.setting, []).append(label.row)
    by_setting = table.by_setting()
    for setting, found in rows.items():
        figures = {metric: cell.value for metric, cell in by_setting.get(setting, {}).items()}
        row = found[0]
        yield _case(data, setting, figures, row.outcome, row)


def _case(
    data: Data,
    setting: Setting,
    figures: Mapping[str, float],
    outcome: str,
    row: Startup | None = None,
) -> Case | None:
    budget = setting.backend.memory_model == "budget"
    context = setting.context_tokens
    serving = Serving(
        tensor_parallel_size=setting.tensor_parallel_size if budget else None,
        max_model_len=int(context) if context else None,
        gpu_memory_utilization=row.gpu_memory_utilization if row else None,
        kv_cache_dtype=_text(setting.condition("kv_cache_dtype")),
    )
    device = row.device_gib if row else None
    deployment = Deployment(
        name="measured",
        path="fitting/data",
        place=Place("fitting/data", 1, 1, 2),
        model=setting.model.name,
        quant=setting.quant.name,
        backend=setting.backend.name,
        backend_version=_version(setting),
        gpu=setting.gpu.name,
        gpus_per_replica=setting.n_gpus,
        vram_gib=device or (None if setting.gpu.usable_gib else _AMPLE_GIB),
        serving=serving,
    )
    resolved, _ = resolve(deployment, data.names.registry)
    if resolved.engine is None:
        return None
    return Case(setting, resolved, resolved.engine, figures, outcome)


def _version(setting: Setting) -> str | None:
    """The release; a llama.cpp run that states its attention is one whose default that was."""
    if setting.engine_family == "llama.cpp":
        flash = setting.condition("flash_attention")
        if flash is not None:
            return None if flash else _FLASH_OFF
        build = _BUILD.match(setting.version or "")
        return f"b{build[1]}" if build else setting.version
    return setting.version


def _text(value: str | float | bool | None) -> str | None:
    return None if value is None else str(value)


def groups(found: Iterable[Case]) -> list[str]:
    """The groups in order of name."""
    return sorted({case.group for case in found})
