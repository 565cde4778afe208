"""Memory against start-up logs, measured peaks and real failures, and what must hold for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from statistics import median

import pytest
from capcheck.manifest.deployment import Deployment
from capcheck.place import Place
from capcheck.predict.coefficients import load as load_coefficients
from capcheck.predict.forecast import Memory
from capcheck.predict.memory.device import memory
from capcheck.registry.specs import GpuSpec, ModelSpec
from capcheck.registry.tables import load
from capcheck.resolution.resolved import Engine, Resolved
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()
COEFFICIENTS = load_coefficients()
BACKENDS = ("vllm", "sglang", "tgi", "tensorrt-llm", "ollama", "llama.cpp", "transformers")
BUDGETED = ("vllm", "sglang", "tgi", "tensorrt-llm")
# Without Q3_K_S: where rows are no multiple of 256 it and Q2_K both fall back to Q4_0.
GGUF_BY_BITS = ("Q2_K", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16")


def model(name: str) -> ModelSpec:
    return REGISTRY.model(name).spec


def gpu(name: str) -> GpuSpec:
    return REGISTRY.gpu(name).spec


def resolved(
    spec: ModelSpec,
    quant: str,
    backend: str,
    gib: float,
    *,
    max_model_len: int = 8192,
    max_num_seqs: int | None = None,
    max_num_batched_tokens: int | None = None,
    memory_fraction: float | None = None,
    kv_bytes_per_element: float = 2.0,
    tensor: int = 1,
    pipeline: int = 1,
    data: int = 1,
    gpus: int | None = None,
    version: str | None = None,
    enforce_eager: bool = False,
    reserved_gib: float = 0.0,
    variants: tuple[float, ...] = (),
) -> Resolved:
    """One replica on GPUs of `gib`, with vLLM's defaults for a device of that size."""
    large = gib >= 70
    many = {"vllm": 1024 if large else 256, "sglang": 512, "tgi": 128, "tensorrt-llm": 512}
    batch = max_num_batched_tokens or (8192 if large else 2048)
    engine = Engine(
        tensor_parallel_size=tensor,
        pipeline_parallel_size=pipeline,
        data_parallel_size=data,
        max_model_len=max_model_len,
        max_num_seqs=max_num_seqs or many.get(backend, 1),
        max_num_batched_tokens=batch if backend in BUDGETED else 512,
        memory_fraction=memory_fraction,
        kv_cache_dtype="auto",
        kv_bytes_per_element=kv_bytes_per_element,
        enable_prefix_caching=True,
        enable_chunked_prefill=True,
        enforce_eager=enforce_eager,
    )
    a_gpu = replace(gpu("H100 SXM"), usable_gib=gib)
    return Resolved(
        deployment=Deployment(
            "d", "capcheck.yaml", Place("capcheck.yaml", 1, 1, 2), backend_version=version
        ),
        model=spec,
        quant=REGISTRY.quant(quant, backend=backend).spec,
        backend=REGISTRY.backend(backend).spec,
        gpu=a_gpu,
        gpu_variants=(a_gpu, *(replace(a_gpu, usable_gib=other) for other in variants)),
        price=None,
        price_variants=(),
        replicas_min=1,
        replicas_max=1,
        gpus_per_replica=gpus or tensor * pipeline * data,
        usable_gib=gib,
        reserved_gib=reserved_gib,
        engine=engine,
        origins={},
    )


def predict(*args: object, **settings: object) -> Memory:
    return memory(resolved(*args, **settings), COEFFICIENTS)


def surely_fits(prediction: Memory) -> bool:
    return prediction.needed.high <= prediction.usable.low


def surely_fails(prediction: Memory) -> bool:
    return prediction.needed.low > prediction.usable.high


# vLLM's "GPU KV cache size" at 0.95 of 79.19 GiB, H100: id of the log, model, quant, TP, release,
# cache bytes per element, tokens.
VLLM_LOGS = [
    ("T032", "mistral-small3.2-24b", "BF16", 1, "0.11.0", 2, 184832),
    ("T075", "deepseek-v2-lite", "BF16", 1, "0.19.0", 2, 1505552),
    ("T076", "llama3.3-70b", "FP8", 2, "0.19.0", 2, 244304),
    ("T077", "llama3.3-70b", "FP8", 4, "0.19.0", 2, 708992),
    ("T078", "qwen2.5-7b", "FP8", 1, "0.19.0", 2, 1210304),
    ("T080", "gemma2-2b", "BF16", 1, "0.19.0", 2, 670160),
    ("T081", "gemma2-9b", "BF16", 1, "0.19.0", 2, 168880),
    ("T083", "gemma3-27b", "BF16", 1, "0.19.0", 2, 36560),
    ("T084", "gemma3-4b", "BF16", 1, "0.19.0", 2, 468144),
    ("T088", "granite3.3-8b", "BF16", 1, "0.19.0", 2, 384432),
    ("T108", "phi4", "BF16", 1, "0.19.0", 2, 241568),
    ("T109", "mistral-small3.1-24b", "BF16", 1, "0.19.0", 2, 184752),
    ("T110", "mixtral-8x7b", "BF16", 2, "0.19.0", 2, 465936),
    ("T120", "qwen2.5-7b", "BF16", 1, "0.19.0", 1, 2192000),
    ("T121", "qwen2.5-72b", "BF16", 2, "0.19.0", 2, 19920),
    ("T122", "qwen2.5-7b", "BF16", 1, "0.19.0", 2, 1096000),
    ("T128", "qwen2.5-7b", "BF16", 2, "0.19.0", 2, 2390592),
    ("T129", "qwen2.5-7b", "BF16", 4, "0.19.0", 2, 5043280),
    ("T131", "qwen3-30b-a3b", "BF16", 1, "0.19.0", 2, 168288),
    ("T136", "mistral-small3.1-24b", "W8A8", 2, "0.19.0", 2, 773584),
    ("T140", "qwen3-14b", "BF16", 1, "0.16.0", 2, 274848),
]


def vllm_log(entry: tuple[str, str, str, int, str, int, int]) -> Memory:
    _, name, quant, tensor, version, cache_bytes, _ = entry
    return predict(
        model(name),
        quant,
        "vllm",
        79.19,
        tensor=tensor,
        version=version,
        memory_fraction=0.95,
        kv_bytes_per_element=float(cache_bytes),
    )


@pytest.mark.parametrize("entry", VLLM_LOGS, ids=lambda entry: entry[0])
def test_vllm_pool_is_the_logged_one(entry: tuple[str, str, str, int, str, int, int]):
    logged = entry[-1]
    tokens = vllm_log(entry).kv_cache_tokens
    assert tokens.value == pytest.approx(logged, rel=0.10)
    assert tokens.low <= logged * 1.01
    assert tokens.high >= logged * 0.99


def test_vllm_pool_is_within_two_percent_at_the_median():
    errors = [abs(vllm_log(entry).kv_cache_tokens.value / entry[-1] - 1) for entry in VLLM_LOGS]
    assert median(errors) < 0.02


def mha_7b() -> ModelSpec:
    """Qwen1.5-7B: full attention heads everywhere, 512 KiB of cache a token."""
    return replace(model("llama2-7b"), name="qwen1.5-7b", vocab_size=151936, params=7_721_324_544)


# Configurations that really ran out of memory (log in brackets). None may be called a fit.
@pytest.mark.parametrize(
    "prediction",
    [
        pytest.param(
            lambda: predict(model("qwen2.5-7b"), "AWQ", "vllm", 8.0, max_model_len=4096,
                            memory_fraction=0.7, version="0.7.0"),
            id="vllm#13882: 7B AWQ on RTX 4060 at 0.7",
        ),
        pytest.param(
            lambda: predict(model("gpt-oss-120b"), "MXFP4", "vllm", 79.19, max_model_len=131072,
                            max_num_batched_tokens=1024, memory_fraction=0.95),
            id="vllm#27508: gpt-oss-120b on one H100 at its full context",
        ),
        pytest.param(
            lambda: predict(mha_7b(), "GPTQ", "vllm", 23.58, max_model_len=32768,
                            memory_fraction=0.9, version="0.3.0"),
            id="Qwen3#16: Qwen1.5-7B GPTQ on RTX 3090 at 32768",
        ),
        pytest.param(
            lambda: predict(model("llama3.3-70b"), "FP8", "vllm", 79.18, memory_fraction=0.9,
                            version="0.11.0"),
            id="llm-d-planner: 70B FP8 on one H100",
        ),
        pytest.param(
            lambda: predict(model("mistral-small-4-119b"), "FP8", "vllm", 93.1, tensor=2,
                            max_model_len=1048576, memory_fraction=0.9),
            id="kaito#2132: Mistral Small 4 on two H100 NVL at a million tokens",
        ),
        pytest.param(
            lambda: predict(model("qwen3.6-27b"), "AWQ", "vllm", 23.58, max_model_len=65536),
            id="qwen38-27b-rtx3090#39: hybrid 27B int4 on RTX 3090 at 65536",
        ),
        pytest.param(
            lambda: predict(model("qwen3-30b-a3b"), "FP8", "vllm", 47.4, max_model_len=221000,
                            memory_fraction=0.9, kv_bytes_per_element=1.0, version="0.10.1"),
            id="vllm#25350: Qwen3-30B-A3B FP8 on 48 GB at 221000",
        ),
        pytest.param(
            lambda: predict(model("llama3-70b"), "F16", "llama.cpp", 23.58, max_model_len=8192,
                            gpus=6),
            id="GPU-Benchmarks: 70B F16 over six RTX 3090 at 8192",
        ),
        pytest.param(
            lambda: predict(model("llama3-70b"), "F16", "llama.cpp", 31.5, max_model_len=1024,
                            gpus=4),
            id="GPU-Benchmarks: 70B F16 over four RTX 5000 Ada",
        ),
        pytest.param(
            lambda: predict(model("llama3-8b"), "F16", "llama.cpp", 9.76, max_model_len=1024),
            id="GPU-Benchmarks: 8B F16 on RTX 3080 10GB",
        ),
        pytest.param(
            lambda: predict(model("qwen2.5-3b"), "FP16", "transformers", 11.99,
                            max_model_len=16384, reserved_gib=0.7),
            id="TR127: Qwen2.5-3B at 16384 on 12 GB",
        ),
    ],
)  # fmt: skip
def test_what_ran_out_of_memory_is_never_called_a_fit(prediction: Callable[[], Memory]):
    assert not surely_fits(prediction())


@pytest.mark.parametrize(
    ("name", "quant", "gib", "gpus", "max_model_len"),
    [
        ("llama3-8b", "F16", 23.58, 1, 1024),
        ("llama3-8b", "Q4_K_M", 9.76, 1, 1024),
        ("llama3-70b", "Q4_K_M", 47.4, 1, 1024),
        ("llama3-70b", "Q4_K_M", 23.51, 2, 1024),
        ("llama3-70b", "F16", 44.4, 4, 1024),
        ("llama3-70b", "F16", 23.51, 8, 1024),
    ],
)
def test_what_ran_is_never_called_a_failure(
    name: str, quant: str, gib: float, gpus: int, max_model_len: int
):
    assert not surely_fails(
        predict(model(name), quant, "llama.cpp", gib, gpus=gpus, max_model_len=max_model_len)
    )


# llama.cpp: the sum of its buffers as logged (a CUDA context is not in the log), or the growth of
# device memory during a prefill with flash attention (it is): model, quant, context, release, GiB.
@pytest.mark.parametrize(
    ("name", "quant", "context", "version", "measured_gib", "with_context"),
    [
        ("llama2-7b", "Q4_0", 512, None, 3.813, False),
        ("llama2-7b", "F16", 512, None, 12.626, False),
        ("llama2-13b", "Q4_0", 512, None, 7.237, False),
        ("llama2-70b", "Q4_0", 512, None, 36.362, False),
        ("llama3-8b", "Q4_K_M", 512, None, 4.615, False),
        ("llama3-8b", "Q4_K_M", 8192, "b2824", 5.847, False),
        ("llama2-7b", "Q4_K_M", 8192, None, 8.188, True),
        ("llama3.1-8b", "Q4_K_M", 8192, None, 5.941, True),
        ("mistral-small-24b", "Q4_K_M", 8192, None, 15.296, True),
    ],
)
def test_llama_cpp_takes_what_its_log_says(
    name: str,
    quant: str,
    context: int,
    version: str | None,
    measured_gib: float,
    with_context: bool,
):
    prediction = predict(
        model(name), quant, "llama.cpp", 80.0, max_model_len=context, version=version
    )
    needed = prediction.needed.value
    if not with_context:
        needed -= prediction.parts["runtime_overhead"]
    assert needed == pytest.approx(measured_gib, rel=0.04)


def test_without_flash_attention_a_pool_may_keep_buffers_that_no_verdict_ignores():
    old, new = (
        predict(model("llama2-7b"), "Q4_K_M", "llama.cpp", 80.0, version=version)
        for version in ("b5863", "b7000")
    )
    # 8.51 GiB were measured on Vulkan, 10.59 on ROCm; with flash attention 8.19 and 7.96.
    assert old.needed.low <= 8.513 < 10.586 <= old.needed.high
    assert new.needed.high < 9.0


# TR127 6.2: torch's peak allocation, FP16, batch 1.
@pytest.mark.parametrize(
    ("name", "context", "peak_gib"),
    [
        ("qwen2.5-0.5b", 512, 1.0957),
        ("qwen2.5-0.5b", 2048, 1.5654),
        ("qwen2.5-0.5b", 8192, 9.3291),
        ("qwen2.5-0.5b", 16384, 33.9717),
        ("qwen2.5-1.5b", 512, 3.0586),
        ("qwen2.5-1.5b", 4096, 4.8955),
        ("qwen2.5-1.5b", 8192, 10.4043),
        ("qwen2.5-3b", 512, 6.0449),
        ("qwen2.5-3b", 4096, 8.5127),
        ("qwen2.5-3b", 8192, 15.7881),
    ],
)
def test_transformers_peaks_are_those_of_tr127(name: str, context: int, peak_gib: float):
    prediction = predict(model(name), "FP16", "transformers", 80.0, max_model_len=context)
    assert prediction.needed.value == pytest.approx(peak_gib, rel=0.04)
    assert prediction.needed.low <= peak_gib <= prediction.needed.high


def test_fused_attention_bounds_transformers_from_below():
    prediction = predict(model("qwen2.5-7b"), "BF16", "transformers", 80.0, max_model_len=32768)
    assert prediction.needed.low < 20.5  # the Qwen2.5 speed benchmark measured 19.97 GiB
    assert prediction.needed.value > 60.0


def test_kv_heads_are_repeated_when_there_are_more_ranks_than_heads():
    spec = model("qwen2.5-7b")  # 4 KV heads
    per_rank = [
        predict(spec, "BF16", "vllm", 79.1, tensor=tensor).parts["kv_cache"]
        for tensor in (1, 2, 4, 8)
    ]
    assert per_rank == pytest.approx([per_rank[0] * share for share in (1, 1 / 2, 1 / 4, 1 / 4)])


def test_a_compressed_latent_is_kept_whole_on_every_rank():
    spec = model("deepseek-v2-lite")
    one, eight = (
        predict(spec, "BF16", "vllm", 79.1, tensor=tensor).parts["kv_cache"] for tensor in (1, 8)
    )
    assert one == eight


def test_pipeline_stages_share_layers_and_keep_one_vocabulary_matrix():
    spec = model("llama3.3-70b")
    whole = predict(spec, "BF16", "vllm", 500.0).parts["weights"]
    half = predict(spec, "BF16", "vllm", 500.0, pipeline=2).parts["weights"]
    vocabulary_gib = 2 * 128256 * 8192 / 2**30
    assert half == pytest.approx((whole - 2 * vocabulary_gib) / 2 + vocabulary_gib, rel=0.001)


def test_every_engine_copy_has_a_pool_of_its_own():
    spec = model("llama3.1-8b")
    one = predict(spec, "BF16", "vllm", 79.1)
    two = predict(spec, "BF16", "vllm", 79.1, data=2)
    assert two.kv_cache_tokens.value == 2 * one.kv_cache_tokens.value
    assert two.needed == one.needed


def test_slots_cap_the_sequences_at_a_time():
    few = predict(model("llama3.2-1b"), "BF16", "vllm", 79.1, max_num_seqs=4)
    assert few.max_concurrent_sequences.value == 4


def test_blocks_are_whole():
    spec = model("llama3.1-8b")
    assert (
        predict(spec, "BF16", "vllm", 79.1, max_model_len=8193).parts["kv_cache"]
        == (predict(spec, "BF16", "vllm", 79.1, max_model_len=8208).parts["kv_cache"])
    )


def test_eager_mode_captures_no_graphs():
    spec = model("llama3.1-8b")
    captured = predict(spec, "BF16", "vllm", 79.1)
    eager = predict(spec, "BF16", "vllm", 79.1, enforce_eager=True)
    assert captured.parts["cuda_graphs"] > 0.5
    assert eager.parts["cuda_graphs"] == 0.0


def test_an_unknown_release_spans_all_of_them():
    spec = model("qwen3-14b")
    unknown = predict(spec, "BF16", "vllm", 79.1)
    old, new = (
        predict(spec, "BF16", "vllm", 79.1, version=version) for version in ("0.11.0", "0.33.0")
    )
    assert unknown.needed.value == new.needed.value
    assert unknown.needed.high == pytest.approx(old.needed.high)
    assert unknown.needed.provenance == "extrapolated"
    assert new.needed.provenance == "interpolated"


def test_vllm_refuses_to_start_when_less_is_free_than_it_asks_for():
    spec = model("llama3.2-1b")
    prediction = predict(spec, "BF16", "vllm", 12.0, memory_fraction=0.92, reserved_gib=1.2)
    assert prediction.usable.value == 0.0
    assert "refuses to start" in prediction.usable.basis
    assert predict(spec, "BF16", "vllm", 12.0, memory_fraction=0.85, reserved_gib=1.2).usable.value


def test_an_ambiguous_gpu_spans_its_products():
    prediction = predict(model("llama3.1-8b"), "Q4_K_M", "ollama", 15.6, variants=(11.7,))
    assert (prediction.usable.value, prediction.usable.low) == (15.6, 11.7)
    assert prediction.usable.high == 15.6


def test_sglang_keeps_activations_out_of_its_static_share():
    prediction = predict(model("llama3.1-8b"), "BF16", "sglang", 79.1, memory_fraction=0.83)
    assert prediction.usable.value == pytest.approx(0.83 * 79.1)
    assert prediction.parts["activation_peak"] == 0.0
    assert prediction.needed.value == pytest.approx(
        prediction.parts["weights"] + prediction.parts["kv_cache"]
    )


@pytest.mark.parametrize("backend", ["tgi", "tensorrt-llm"])
def test_a_share_of_the_free_memory_becomes_the_pool(backend: str):
    prediction = predict(model("llama3.1-8b"), "BF16", backend, 79.1, memory_fraction=0.9)
    sequence = prediction.parts["kv_cache"]
    fixed = prediction.needed.value - sequence / 0.9
    pool = 0.9 * (prediction.usable.value - fixed)
    assert prediction.kv_cache_tokens.value == pytest.approx(8192 * pool / sequence, rel=0.01)


def test_ollama_multiplies_the_context_by_its_slots():
    spec = model("llama3.1-8b")
    one = predict(spec, "Q4_K_M", "ollama", 23.0, max_model_len=4096)
    four = predict(spec, "Q4_K_M", "ollama", 23.0, max_model_len=4096, max_num_seqs=4)
    assert four.parts["kv_cache"] == 4 * one.parts["kv_cache"] == 4 * 0.5
    assert four.kv_cache_tokens.value == 16384


def test_a_cache_shared_by_the_slots_is_taken_once():
    request = resolved(model("llama3.1-8b"), "Q4_K_M", "llama.cpp", 23.0, max_num_seqs=4)
    shared = replace(request, engine=replace(request.engine, kv_cache_tokens=8192))
    assert memory(shared, COEFFICIENTS).parts["kv_cache"] == 1.0


def test_sliding_layers_hold_their_window_and_a_micro_batch_per_cache():
    """ollama#16480: 9216 MiB of full layers and 90 MiB of sliding ones, 2 x 131072 tokens."""
    request = resolved(
        model("gpt-oss-120b"), "MXFP4 (GGUF)", "ollama", 96.0, max_model_len=131072, max_num_seqs=2
    )
    engine = replace(request.engine, max_num_batched_tokens=1024)
    cache_gib = memory(replace(request, engine=engine), COEFFICIENTS).parts["kv_cache"]
    assert 1024 * cache_gib == pytest.approx(9216 + 90)


def test_a_model_without_a_cache_is_limited_by_slots_alone():
    stateful = replace(
        model("llama3.1-8b"),
        attention="hybrid Mamba2",
        n_full_attention_layers=0,
        kv_bytes_per_token_16bit=0,
    )
    prediction = predict(stateful, "BF16", "vllm", 79.1)
    assert prediction.parts["kv_cache"] == 0.0
    assert prediction.kv_cache_tokens.value is None
    assert prediction.max_concurrent_sequences.value == 1024


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"model": None}, "the model is not known"),
        ({"quant": None}, "the quant is not known"),
        ({"engine": None}, "needs a known setting of the engine"),
        ({"engine": None, "backend": None}, "needs a known backend"),
        ({"engine": None, "backend": None, "gpu": None}, "needs a known backend and GPU"),
        ({"usable_gib": None}, "the GPU's memory is not known"),
        ({"model": model("deepseek-v4-pro")}, "KV cache of deepseek-v4-pro"),
    ],
)
def test_what_is_missing_is_said_and_never_invented(change: dict[str, object], missing: str):
    request = resolved(model("llama3.1-8b"), "BF16", "vllm", 79.1)
    prediction = memory(replace(request, **change), COEFFICIENTS)
    assert prediction.needed.value is None
    assert prediction.kv_cache_tokens.value is None
    assert missing in prediction.needed.basis


predictable = st.sampled_from(
    [
        spec
        for spec in REGISTRY.models
        if "DSv4" not in spec.attention and spec.kv_bytes_per_token_16bit
    ]
)
sizes = st.sampled_from([11.99, 23.51, 44.4, 79.1, 178.35])
lengths = st.integers(16, 262_144)


@given(predictable, st.sampled_from(BACKENDS), sizes, lengths, st.integers(1, 8))
def test_parts_sum_to_the_need_and_bounds_hold(
    spec: ModelSpec, backend: str, gib: float, length: int, tensor: int
):
    prediction = predict(spec, "BF16", backend, gib, max_model_len=length, tensor=tensor)
    needed, usable = prediction.needed, prediction.usable
    assert sum(prediction.parts.values()) == pytest.approx(needed.value)
    assert min(prediction.parts.values()) >= 0
    assert 0 <= needed.low <= needed.value <= needed.high
    assert 0 <= usable.low <= usable.value <= usable.high
    for count in (prediction.kv_cache_tokens, prediction.max_concurrent_sequences):
        assert 0 <= count.low <= count.value <= count.high


@given(predictable, st.sampled_from(BACKENDS), sizes, lengths, lengths)
def test_a_longer_context_never_needs_less(
    spec: ModelSpec, backend: str, gib: float, one: int, other: int
):
    shorter, longer = (
        predict(spec, "BF16", backend, gib, max_model_len=length).needed
        for length in sorted((one, other))
    )
    assert shorter.value <= longer.value * (1 + 1e-12)
    assert shorter.high <= longer.high * (1 + 1e-12)


@given(predictable, lengths, st.sampled_from(list(pairwise(GGUF_BY_BITS))))
def test_more_bits_never_need_less(spec: ModelSpec, length: int, pair: tuple[str, str]):
    fewer, more = (
        predict(spec, quant, "ollama", 79.1, max_model_len=length).needed.value for quant in pair
    )
    assert fewer <= more


@given(predictable, st.sampled_from(BUDGETED), st.sampled_from([(1, 2), (2, 4), (4, 8)]))
def test_more_ranks_never_carry_more_of_the_model(
    spec: ModelSpec, backend: str, ranks: tuple[int, int]
):
    few, many = (predict(spec, "BF16", backend, 79.1, tensor=tensor) for tensor in ranks)
    for part in ("weights", "kv_cache", "activation_peak", "cuda_graphs"):
        assert many.parts[part] <= few.parts[part]
    if ranks[0] > 1:
        assert many.needed.value <= few.needed.value


@given(predictable, st.sampled_from(BACKENDS), sizes, sizes)
def test_a_larger_device_never_offers_less(spec: ModelSpec, backend: str, one: float, other: float):
    smaller, larger = (
        memory(replace(resolved(spec, "BF16", backend, 23.51), usable_gib=gib), COEFFICIENTS)
        for gib in sorted((one, other))
    )
    assert smaller.usable.value <= larger.usable.value
    assert smaller.kv_cache_tokens.value <= larger.kv_cache_tokens.value
