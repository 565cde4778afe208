"""How a serving benchmark sends its requests, where its table does not say.

A benchmark starts its clients at once: the first request of each waits in a burst, and a mean over
few requests per client holds much of it. What is stated here is a property of the measurement, not
of an engine: traffic that nobody starts with a gong has none of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from capfit.data.setting import Setting


@dataclass(frozen=True, slots=True)
class Protocol:
    """One load generator.

    `rounds` is its requests per client, `shortest` the least length over the nominal one, between
    which lengths are uniform. Clients stay together in groups of `in_step` (1: each by itself).
    `polls_few` and `polls_many` are the decode steps after which the scheduler looks for
    requests, below 16 clients and from there.
    """

    rounds: float
    shortest: float = 1.0
    in_step: int = 1
    polls_few: int = 1
    polls_many: int = 1

    @property
    def length_share(self) -> float:
        """Mean length over the nominal one."""
        return (1.0 + self.shortest) / 2.0

    def poll_steps(self, clients: float) -> float:
        """Decode steps that a request waits for the scheduler to look, beyond the running one."""
        return ((self.polls_many if clients >= 16 else self.polls_few) - 1) / 2.0


# SOURCE: InferenceMAX (InferenceX), benchmark client configuration: num-prompts 10 x concurrency,
# request rate inf, random-range-ratio 0.8; its SGLang servers run with scheduler-recv-interval 10,
# or 30 from 16 clients on (default 1).
INFERENCE_MAX = Protocol(rounds=10.0, shortest=0.8)
INFERENCE_MAX_SGLANG = Protocol(rounds=10.0, shortest=0.8, polls_few=10, polls_many=30)

# TensorRT-LLM 1.0.0rc3 on H100 in the same collection: TTFT is that of four to five prompts from 8
# clients to 32, whatever their lengths, as if eight stayed together.
IN_STEP = Protocol(rounds=10.0, in_step=8)

# All requests at once, each counted once.
BURST = Protocol(rounds=1.0)


# SOURCE: the same benchmark's launch scripts: TensorRT-LLM `kv_cache_config.dtype: fp8`, vLLM
# `kv-cache-dtype: fp8`, SGLang `--kv-cache-dtype fp8_e4m3` beside FP8 and NVFP4 checkpoints. The
# published rows agree: 64 requests of 9,216 tokens beside a 70B model in FP8 fill 90 of a B200's
# 180 GB so, and would not fit in 16 bits.
_FP8_CACHES = frozenset({"FP8", "NVFP4"})


def kv_cache_dtype_of(setting: Setting) -> str | None:
    """The type of the KV cache: as stated, or as the benchmark's scripts set it."""
    stated = setting.condition("kv_cache_dtype")
    if stated is not None:
        return str(stated)
    fp8 = setting.source == "aic_silicon" and setting.quant.name in _FP8_CACHES
    return "fp8" if fp8 else None


def batched_tokens_of(setting: Setting) -> int | None:
    """Tokens of one iteration as the benchmark's scripts set them; None: the engine's default.

    SOURCE: InferenceMAX's TensorRT-LLM scripts, `max_num_tokens`: one prompt and a token of each
    client, rounded up to 64.
    """
    if setting.source != "aic_silicon":
        return None
    if setting.backend.name == "vllm":
        return 8192
    if setting.backend.name != "tensorrt-llm":
        return None
    tokens = (setting.concurrency or 0) + int(setting.prompt_tokens or 0) + 64
    return -(-tokens // 64) * 64


def protocol_of(setting: Setting) -> Protocol:
    """The protocol behind a setting of the serving table with closed or burst arrivals."""
    if setting.source != "aic_silicon":
        return BURST
    if setting.version == "1.0.0rc3":
        return IN_STEP
    return INFERENCE_MAX_SGLANG if setting.backend.name == "sglang" else INFERENCE_MAX
