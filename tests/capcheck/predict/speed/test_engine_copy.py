from collections.abc import Callable
from dataclasses import replace

import pytest
from capcheck.estimate import Estimate
from capcheck.predict.coefficients import load
from capcheck.predict.speed.engine_copy import Speed, decode_tok_s, prefill_tok_s, speed
from capcheck.registry.specs import GpuSpec
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Resolved

COEFFICIENTS = load()
Make = Callable[..., Resolved]
CASES = [
    ("llama3.1-8b", "fp16", "vllm", "H100 80GB SXM", 1),
    ("llama3.1-8b", "AWQ", "vllm", "L4 24GB", 1),
    ("llama3.3-70b", "FP8", "vllm", "H100 80GB SXM", 4),
    ("llama3.1-70b", "fp16", "sglang", "A100 80GB SXM", 8),
    ("qwen3-30b-a3b", "FP8", "sglang", "H100 80GB SXM", 1),
    ("gpt-oss-120b", "MXFP4", "tensorrt-llm", "B200 180GB SXM", 1),
    ("deepseek-r1", "FP8", "sglang", "H200 141GB SXM", 8),
    ("llama3.1-8b", "Q4_K_M", "ollama", "RTX 4060 8GB", 1),
    ("gemma3-4b", "Q4_K_M", "llama.cpp", "RX 7900 XTX 24GB", 1),
    ("llama3.1-8b", "Q4_K_M", "llama.cpp", "Apple M3 Max", 1),
    ("llama3.2-1b", "fp16", "transformers", "RTX 4080 Laptop 12GB", 1),
    ("llama3.2-3b", "fp16", "tgi", "RTX 3090 24GB", 1),
]


@pytest.fixture
def make(stated: Callable[..., object], registry: Registry) -> Make:
    def build(model: str, quant: str, backend: str, gpu: str, ranks: int = 1) -> Resolved:
        values = {"/model": model, "/quant": quant, "/backend": backend, "/gpu": gpu}
        if ranks > 1:
            values |= {"/serving/tensor_parallel_size": ranks, "/gpus_per_replica": ranks}
        return resolve(stated(values), registry)[0]

    return build


def known(resolved: Resolved) -> Speed:
    found = speed(resolved, COEFFICIENTS)
    assert isinstance(found, Speed), found
    return found


def with_gpu(resolved: Resolved, **changes: float | None) -> Resolved:
    assert resolved.gpu is not None
    changed: GpuSpec = replace(resolved.gpu, **changes)
    return replace(resolved, gpu=changed, gpu_variants=(changed,))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_times_are_positive_and_grow(make: Make, case: tuple[str, str, str, str, int]):
    found = known(make(*case))
    steps = [
        found.step_ms(sequences=n, context_tokens=c)
        for n, c in [(1, 16), (1, 4096), (8, 4096), (64, 4096), (256, 4096)]
    ]
    prompts = [found.prefill_ms(tokens=tokens) for tokens in (1, 16, 512, 513, 4096, 32768)]
    assert steps[0] > 0
    assert prompts[0] > 0
    assert steps == sorted(steps)
    assert prompts == sorted(prompts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_intervals_hold_the_value(make: Make, case: tuple[str, str, str, str, int]):
    found = known(make(*case))
    assert found.stream_low <= 1.0 <= found.stream_high
    assert found.step_low <= 1.0 <= found.step_high
    assert found.prefill_low <= 1.0 <= found.prefill_high
    for estimate in (
        decode_tok_s(found, context_tokens=512.0),
        prefill_tok_s(found, prompt_tokens=512.0),
    ):
        assert estimate.low is not None
        assert estimate.value is not None
        assert estimate.high is not None
        assert 0.0 < estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_more_bandwidth_or_more_flops_is_never_slower(
    make: Make, case: tuple[str, str, str, str, int]
):
    resolved = make(*case)
    assert resolved.gpu is not None
    slow = known(with_gpu(resolved))
    for fast in (
        known(with_gpu(resolved, bandwidth_gb_s=1.3 * (resolved.gpu.bandwidth_gb_s or 0))),
        known(with_gpu(resolved, fp16_tflops=1.3 * (resolved.gpu.fp16_tflops or 0))),
    ):
        for n in (1, 64):
            assert fast.step_ms(sequences=n, context_tokens=1000) <= slow.step_ms(
                sequences=n, context_tokens=1000
            )
        assert fast.prefill_ms(tokens=1000) <= slow.prefill_ms(tokens=1000)


@pytest.mark.parametrize(
    "gpu", ["RTX 4090 24GB", "H100 80GB SXM", "RX 7900 XTX 24GB", "Apple M3 Max"]
)
def test_fewer_bytes_on_the_same_kernels_are_never_slower(make: Make, gpu: str):
    rates = [
        known(make("llama3-8b", quant, "llama.cpp", gpu)).step_ms(sequences=1, context_tokens=100)
        for quant in ("Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K")
    ]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("model", "quant", "backend", "context", "rate"),
    [
        ("llama3.2-1b", "Q8_0", "ollama", 247, 281.5),
        ("llama3.2-3b", "Q4_K_M", "ollama", 247, 169.0),
        ("qwen2.5-1.5b", "Q4_K_M", "ollama", 251, 307.0),
        ("llama3.1-8b", "Q8_0", "ollama", 140, 46.5),
        ("llama3.2-1b", "fp16", "vllm", 264, 150.7),
        ("qwen2.5-1.5b", "fp16", "tgi", 264, 75.0),
        ("llama3.2-3b", "fp16", "transformers", 410, 37.4),
    ],
)
def test_a_measured_cell_wins(
    make: Make, model: str, quant: str, backend: str, context: float, rate: float
):
    found = known(make(model, quant, backend, "RTX 4080 Laptop 12GB"))
    estimate = decode_tok_s(found, context_tokens=context)
    assert estimate.provenance == "measured"
    assert estimate.value == pytest.approx(rate, rel=0.002)
    assert estimate.basis.startswith("measured: ")


def test_an_unseen_gpu_is_extrapolated_and_says_so(make: Make):
    found = known(make("llama3.1-8b", "fp16", "vllm", "RTX 5060 Ti 16GB"))
    assert found.step_provenance == "extrapolated"
    assert "not measured: RTX 5060 Ti 16GB" in found.step_basis


def test_an_ambiguous_gpu_spans_its_variants(make: Make):
    either = known(make("llama3.1-8b", "fp16", "vllm", "H100"))
    pcie = decode_tok_s(
        known(make("llama3.1-8b", "fp16", "vllm", "H100 80GB PCIe")), context_tokens=1024.0
    )
    spanning = decode_tok_s(either, context_tokens=1024.0)
    assert spanning.low is not None
    assert pcie.low is not None
    assert spanning.low <= pcie.low * (1 + 1e-9)


def test_an_engine_without_measurements_of_its_own_names_its_stand_in(make: Make):
    found = known(make("llama3.1-8b", "fp16", "tgi", "H100 80GB SXM"))
    assert found.step_provenance == "extrapolated"
    assert "vllm stands in for tgi" in found.step_basis


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bandwidth_gb_s": None}, "the registry has no memory bandwidth of L4 24GB"),
        ({"fp16_tflops": None}, "the registry has no 16-bit FLOP rate of L4 24GB"),
    ],
)
def test_a_gpu_without_figures_cannot_be_predicted(
    make: Make, change: dict[str, float | None], reason: str
):
    found = speed(with_gpu(make("llama3.1-8b", "fp16", "vllm", "L4 24GB"), **change), COEFFICIENTS)
    assert isinstance(found, Estimate)
    assert found.value is None
    assert found.basis == reason
    assert decode_tok_s(found, context_tokens=1.0) is found
    assert prefill_tok_s(found, prompt_tokens=1.0) is found


def test_an_unknown_model_cannot_be_predicted(make: Make):
    found = speed(make("no-such-model", "fp16", "vllm", "L4 24GB"), COEFFICIENTS)
    assert isinstance(found, Estimate)
    assert found.provenance == "unknown"


def test_ollama_delays_a_request_without_holding_the_gpu(make: Make):
    ollama = known(make("llama3.2-1b", "Q8_0", "ollama", "RTX 4080 Laptop 12GB"))
    host = load().section("engines")["llama.cpp"]["host"]["ollama"]
    assert ollama.host_delay_ms == host["measured_host_delay_ms"]
    assert 150.0 < ollama.host_delay_ms < 250.0


def test_the_measured_hosts_delay_is_no_other_hosts(make: Make):
    ollama = known(make("llama3.2-1b", "Q8_0", "ollama", "RTX 4090 24GB"))
    assert ollama.host_delay_ms == 5.0
