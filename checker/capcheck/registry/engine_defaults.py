"""What each engine does when a setting is left out, by release and device; and what it calls it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from capcheck.records import dataclass
from capcheck.registry.rows import Row, integer, number, read, several
from capcheck.registry.versions import Version, covers

Value = bool | int | float | str

TABLE = Path(__file__).parent.parent / "data" / "engine_defaults.csv"

# Values that are computed from the model or the device, rather than printed in the table.
MODEL_CONTEXT = "=model_context"
MAX_MODEL_LEN = "=max_model_len"
NO_LIMIT = "none"
SGLANG_MEMORY_FRACTION = "=sglang_memory_fraction"

PARALLEL_SIZES = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")

# Each engine has one of these at most, and no two of them mean the same share.
MEMORY_FRACTIONS = (
    "gpu_memory_utilization",
    "mem_fraction_static",
    "kv_cache_free_gpu_memory_fraction",
    "cuda_memory_fraction",
)


@dataclass(frozen=True, slots=True)
class Site:
    """What a default may depend on: engine, release (None: the newest), device and model.

    `device_gib` is the memory of one GPU, `total_gib` that of one replica; 0 when unknown.
    """

    backend: str
    version: Version | None
    gpu: str
    device_gib: float
    total_gib: float
    attention: str
    tensor_parallel_size: int = 1


@dataclass(frozen=True, slots=True)
class Default:
    """One row: a setting's default and the engine's own name for it ("" when it has none)."""

    setting: str
    flag: str
    since: str
    before: str
    min_device_gib: float
    min_total_gib: float
    min_tensor_parallel: int
    not_gpu: tuple[str, ...]
    attention: str
    value: Value
    source: str
    read_on: str

    def applies_to(self, site: Site) -> bool:
        """Whether this row is about `site`; the first such row of a setting holds."""
        return (
            covers(site.version, since=self.since, before=self.before)
            and site.device_gib >= self.min_device_gib
            and site.total_gib >= self.min_total_gib
            and site.tensor_parallel_size >= self.min_tensor_parallel
            and not any(name in site.gpu for name in self.not_gpu)
            and self.attention in ("", site.attention)
        )


@lru_cache(maxsize=2048)
def defaults(site: Site) -> Mapping[str, Default]:
    """The rows in force, by setting; the engine has none of those that are missing."""
    found = {}
    for setting, rows in _rows_of(site.backend).items():
        row = next((row for row in rows if row.applies_to(site)), None)
        if row is not None:
            found[setting] = row
    return found


@lru_cache(maxsize=64)
def _rows_of(backend: str) -> Mapping[str, tuple[Default, ...]]:
    """The engine's rows by setting."""
    return {setting: rows for (engine, setting), rows in table().items() if engine == backend}


def default(site: Site, setting: str) -> Default | None:
    """The row in force for a setting, or None when the engine has no such thing."""
    return defaults(site).get(setting)


def flag(backend: str, setting: str) -> str | None:
    """The engine's own name for a setting; None when it cannot be set there."""
    rows = table().get((backend, setting), ())
    return rows[0].flag or None if rows else None


def memory_fraction_setting(backend: str) -> str | None:
    """Which of the four memory fractions the engine has; None when it takes what it needs."""
    return next((name for name in MEMORY_FRACTIONS if (backend, name) in table()), None)


def sglang_memory_fraction(
    site: Site, *, max_num_batched_tokens: int, pipeline_parallel_size: int
) -> float:
    """SGLang's share of the device for weights and KV pool, when it is not stated.

    (device - reserved) / device, with reserved MiB = 512 + 1.5 * max(chunk, 2048) for activations,
    1024 * TP * PP / 8 for parallel groups, 2 per sequence of the largest decode graph, 1536 more
    for MLA; at least 10240 on devices above 60 GB. The 8 MiB per captured prefill size are left
    out. SOURCE: sglang 0.5.23, srt/arg_groups/memory_hook.py.
    """
    device_mib = 1024.0 * site.device_gib
    if device_mib <= 0.0:
        return 0.0
    graphs = default(site, "cuda_graph_max_bs")
    reserved_mib = 512 + 1.5 * max(max_num_batched_tokens, 2048)
    reserved_mib += 1024 * site.tensor_parallel_size * pipeline_parallel_size / 8
    reserved_mib += 2 * float(graphs.value) if graphs else 0.0
    if site.attention.startswith("MLA"):
        reserved_mib += 1536
    if site.device_gib > 60:
        reserved_mib = max(reserved_mib, 10240)
    return max(0.0, round((device_mib - reserved_mib) / device_mib, 3))


@lru_cache(maxsize=1)
def table() -> Mapping[tuple[str, str], tuple[Default, ...]]:
    """Every row of data/engine_defaults.csv by (backend, setting), in the order of the file."""
    rows: dict[tuple[str, str], tuple[Default, ...]] = {}
    for line in read(TABLE):
        row = _default(line)
        for backend in several(line["backend"]):
            key = (backend, row.setting)
            rows[key] = (*rows.get(key, ()), row)
    return rows


def _default(row: Row) -> Default:
    return Default(
        setting=row["setting"],
        flag=row["flag"],
        since=row["since"],
        before=row["before"],
        min_device_gib=number(row["min_device_gib"]) or 0.0,
        min_total_gib=number(row["min_total_gib"]) or 0.0,
        min_tensor_parallel=integer(row["min_tensor_parallel"]) or 0,
        not_gpu=several(row["not_gpu"]),
        attention=row["attention"],
        value=_value(row["value"]),
        source=row["source"],
        read_on=row["read_on"],
    )


def _value(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    if text.isdigit():
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text
