"""Which cells the laws can explain."""

from __future__ import annotations

from capcheck.predict.footprint.kv_cache import bytes_of_context
from capcheck.predict.footprint.weights import loaded_bytes

from capfit.data.cells import Cell
from capfit.data.setting import Setting
from capfit.speed.running import cache_bytes_per_element, ranks_of

GIB = 2**30


def usable(cell: Cell) -> bool:
    """Whether a cell shows an engine as it serves, on a model and a GPU whose facts are known."""
    setting = cell.setting
    gpu, engine = setting.gpu, setting.engine_family
    if not setting.backend.is_calibrated:
        return False  # known by name only: the checker predicts nothing for it
    if not (setting.model.n_layers and setting.model.hidden_size and setting.model.params):
        return False
    if not (gpu.bandwidth_gb_s and gpu.fp16_tflops):
        return False
    if setting.condition("attention_data_parallel_size") or setting.cached_tokens:
        return False
    if "compile" in {setting.condition("build"), setting.condition("protocol")}:
        return False  # torch.compile is not how the library serves
    # Several times apart at one setting.
    if (engine, setting.platform) == ("vllm", "xpu"):
        return False
    # A row split that was retired in 2024, and pipelined prompts.
    return not (engine == "llama.cpp" and setting.n_gpus > 1 and not _streams_alone(setting))


def _streams_alone(setting: Setting) -> bool:
    alone = (setting.concurrency or 1) == 1
    return alone and setting.condition("sharding") != "row" and ranks_of(setting) == 1


def fits(setting: Setting, sequences: float) -> bool:
    """The whole batch stays in memory: else the engine ran it in turns, or spilled."""
    if not setting.gpu.usable_gib:
        return True
    share = 0.65 if setting.gpu.vendor == "apple" else 0.92  # macOS wires two thirds for the GPU
    tokens = (setting.prompt_tokens or 0.0) + (setting.output_tokens or 0.0)
    element = cache_bytes_per_element(setting)
    cache = bytes_of_context(setting.model, tokens=tokens, bytes_per_element=element) or 0.0
    scores = 0.0
    if setting.engine_family == "transformers" and setting.collection == "tr":
        # Windows builds have no fused attention: two buffers of scores, SOURCE: TR127, TR123.
        scores = 9.57 * (setting.model.n_heads or 0) * (setting.prompt_tokens or 0.0) ** 2
    room = share * setting.n_gpus * setting.gpu.usable_gib * GIB
    return loaded_bytes(setting.model, setting.quant) + sequences * cache + scores < room
