"""How a cell was run, in the words that coefficients are filed under."""

from __future__ import annotations

from capcheck.predict.speed.traits import (
    Traits,
    architecture,
    flags,
    kernel,
    link,
    memory,
    method,
    segment,
)

from capfit.data.cells import Cell
from capfit.data.launch import kv_cache_dtype_of
from capfit.data.setting import Setting

_CACHE_BYTES = {"fp8": 1.0, "q8_0": 34 / 32}
_EAGER_ENGINES = ("transformers",)


def cache_bytes_per_element(setting: Setting) -> float:
    """Bytes of one element of the KV cache: 2 unless the benchmark says otherwise."""
    return _CACHE_BYTES.get(kv_cache_dtype_of(setting) or "", 2.0)


def traits(cell: Cell, *, ranks: int) -> Traits:
    """What decides a cell's speed, in the words that coefficients are filed under."""
    setting = cell.setting
    gpu, engine = setting.gpu, setting.engine_family
    year = cell.year or 2025.5
    tokens = (setting.prompt_tokens or 0.0) + (setting.output_tokens or 0.0)
    # vLLM 0.4 ran sequences beyond 8192 tokens without CUDA graphs.
    eager = engine == "vllm" and (setting.collection == "tr" or (year < 2024.6 and tokens > 8192))
    return Traits(
        engine="vllm" if engine == "tgi" else engine,
        platform=setting.platform,
        era=era(engine, year),
        kernel=kernel(setting.quant, gpu),
        memory=memory(gpu),
        architecture=architecture(gpu),
        segment=segment(gpu),
        gpu=gpu.name,
        link=link(gpu),
        tensor_parallel_size=ranks,
        flags=flags(setting.model),
        eager=engine in _EAGER_ENGINES or eager,
        method=method(setting.quant),
    )


def era(engine: str, year: float) -> str:
    """The group of releases that was current in a (decimal) year."""
    if engine == "llama.cpp":
        return "2023" if year < 2024.2 else "2024" if year < 2025 else "2025"
    return "2023" if year < 2024 else "2024" if year < 2025.2 else "2025"


def ranks_of(setting: Setting) -> int:
    """GPUs that share each layer: one when layers are split, or a library places them."""
    in_turn = setting.condition("sharding") in {"layer", "pipeline"}
    if in_turn or setting.engine_family == "transformers":
        return 1
    return setting.tensor_parallel_size
