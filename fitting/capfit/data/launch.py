"""How published benchmarks launch their servers, where their tables do not say."""

from __future__ import annotations

from dataclasses import dataclass

from capcheck.predict.speed.traits import flags

from capfit.data.setting import Setting

_INFERENCE_MAX = "aic_silicon"
_ARCHIVE = "archive_4x3090"


@dataclass(frozen=True, slots=True)
class Launch:
    """Settings of a launch script for one backend; None is the engine's default.

    `model`, `version` and `gpu` are how names start, `quant` is one name; blank stands for all.
    """

    backend: str
    model: str = ""
    version: str = ""
    gpu: str = ""
    quant: str = ""
    kv_cache_dtype: str | None = None
    max_num_batched_tokens: int | None = None
    mem_fraction_static: float | None = None

    def starts(self, setting: Setting) -> bool:
        """Whether this is how the setting's server was launched."""
        return (
            self.backend == setting.backend.name
            and setting.model.name.startswith(self.model)
            and (setting.version or "").startswith(self.version)
            and setting.gpu.name.startswith(self.gpu)
            and self.quant in ("", setting.quant.name)
        )


_VLLM_TOKENS = 8192

# The first that fits. SOURCE: InferenceMAX, benchmarks/*_{b200,h100}*.sh of 2025-10 to 2026-04:
# `kv-cache-dtype`, `kv_cache_config.dtype`, `max-num-batched-tokens`, `max_num_tokens`,
# `chunked-prefill-size`, `mem-fraction-static`. An FP8 cache needs no flag beside NVFP4
# checkpoints, which ask for it. The rows agree: 64 requests of 9,216 tokens beside a 70B model in
# FP8 fill 90 of a B200's 180 GB with an FP8 cache and would not fit in 16 bits; MiniMax-M2 in FP8
# waits for memory under vLLM 0.17 and 0.18 as with 16 bits, under 0.19 as with 8.
_LAUNCHES = (
    Launch("vllm", "minimax-m2", "0.17", quant="FP8", max_num_batched_tokens=_VLLM_TOKENS),
    Launch("vllm", "minimax-m2", "0.18", quant="FP8", max_num_batched_tokens=_VLLM_TOKENS),
    Launch("vllm", "gpt-oss", gpu="H100", max_num_batched_tokens=_VLLM_TOKENS),
    Launch("vllm", kv_cache_dtype="fp8", max_num_batched_tokens=_VLLM_TOKENS),
    Launch("tensorrt-llm", "gpt-oss", kv_cache_dtype="fp8", max_num_batched_tokens=20000),
    Launch("tensorrt-llm", "llama3", kv_cache_dtype="fp8", max_num_batched_tokens=16384),
    Launch("tensorrt-llm", kv_cache_dtype="fp8"),
    Launch("sglang", "deepseek", "", "", "NVFP4", "fp8", 16384, 0.85),
    Launch("sglang", "glm-5", "", "", "", "fp8", 32768, 0.85),
    Launch("sglang", "qwen3.5", "", "", "NVFP4", "fp8", 32768, 0.85),
    Launch("sglang", "", "", "", "", "fp8", 32768, 0.82),
)
_EIGHT_BIT_CACHES = frozenset({"FP8", "NVFP4"})  # checkpoints beside which the scripts set them

# SOURCE: launch commands in 4x3090-llm-benchmarks' catalog: llama-server with `-np 8`.
_ARCHIVE_SLOTS = {"llama.cpp": 8}

# Requests of that archive's campaign of June 2026 (vLLM 0.23, llama.cpp) all have one prompt: a
# 3090 answers 128 of 512 tokens within 1.3 s, which takes it 20 s of arithmetic. vLLM shares blocks
# of 16 tokens, the last of which is never found.
_ONE_PROMPT = {"vllm": "0.23", "llama.cpp": ""}
_BLOCK_TOKENS = 16


def kv_cache_dtype_of(setting: Setting) -> str | None:
    """The type of the KV cache: as stated, or as the benchmark's scripts set it."""
    stated = setting.condition("kv_cache_dtype")
    if stated is not None:
        return str(stated)
    launch = _launch(setting)
    eight_bit = launch is not None and setting.quant.name in _EIGHT_BIT_CACHES
    return launch.kv_cache_dtype if launch is not None and eight_bit else None


def batched_tokens_of(setting: Setting) -> int | None:
    """Tokens of one iteration as the benchmark's scripts set them; None: the engine's default.

    TensorRT-LLM's allow a prompt and a token of each client, rounded up to 64.
    """
    launch = _launch(setting)
    if launch is None or launch.max_num_batched_tokens is not None:
        return launch.max_num_batched_tokens if launch is not None else None
    tokens = (setting.concurrency or 0) + int(setting.prompt_tokens or 0) + 64
    return -(-tokens // 64) * 64


def mem_fraction_static_of(setting: Setting) -> float | None:
    """SGLang's share of memory for weights and cache as the benchmark's scripts set it."""
    launch = _launch(setting)
    return None if launch is None else launch.mem_fraction_static


def slots_of(setting: Setting) -> int | None:
    """Requests that run together at most; None: no fewer than there are clients."""
    return _ARCHIVE_SLOTS.get(setting.backend.name) if setting.source == _ARCHIVE else None


def prefix_hit_rate_of(setting: Setting) -> float:
    """The share of a prompt that is in the cache when the request comes.

    vLLM keeps no prefixes of models whose state is not per token (Mamba, linear attention).
    llama-server keeps the last prompt of each slot: a sweep that doubles its clients finds it in
    half of the slots that it uses.
    """
    name, prompt = setting.backend.name, setting.prompt_tokens or 0.0
    if setting.source != _ARCHIVE or prompt <= _BLOCK_TOKENS or name not in _ONE_PROMPT:
        return 0.0
    if not (setting.version or "").startswith(_ONE_PROMPT[name]):
        return 0.0
    if "hybrid" in flags(setting.model):
        return 0.0
    found = 1.0 - _BLOCK_TOKENS / prompt
    slots = slots_of(setting)
    return found if slots is None or (setting.concurrency or 0) > slots else 0.5 * found


def _launch(setting: Setting) -> Launch | None:
    if setting.source != _INFERENCE_MAX:
        return None
    return next((launch for launch in _LAUNCHES if launch.starts(setting)), None)
