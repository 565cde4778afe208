import pytest
from capcheck.registry.matches import Miss, QuantMatch
from capcheck.registry.rows import several
from capcheck.registry.specs import BackendSpec, QuantSpec
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()


@pytest.mark.parametrize(
    ("text", "backend", "name"),
    [
        ("FP16", "vllm", "FP16"),
        ("FP16", "ollama", "F16"),
        ("F16", "sglang", "FP16"),
        ("float16", "llama.cpp", "F16"),
        ("BF16", "tgi", "BF16"),
        ("bfloat16", "llamafile", "BF16 (GGUF)"),
        ("F16", None, "F16"),
        ("FP16", None, "FP16"),
        ("Q4_K_M", "vllm", "Q4_K_M"),
        ("q4_k_m", "ollama", "Q4_K_M"),
        ("gguf-q4_k_m", None, "Q4_K_M"),
        ("gguf-f16", None, "F16"),
        ("Q8", "ollama", "Q8_0"),
        ("UD-Q4_K_XL", "llama.cpp", "UD-Q4_K_XL"),
        ("AWQ-INT4", "vllm", "AWQ"),
        ("awq_marlin", "vllm", "AWQ"),
        ("gptq-int4", "sglang", "GPTQ"),
        ("fp8", "vllm", "FP8"),
        ("fp8-dynamic (RedHatAI)", "vllm", "FP8"),
        ("fp8 (fbgemm)", "vllm", "FP8-fbgemm"),
        ("w4a16", "vllm", "W4A16"),
        ("compressed-tensors-w4a16", "vllm", "W4A16"),
        ("bitsandbytes", "transformers", "NF4"),
        ("MXFP4", "vllm", "MXFP4"),
        ("MXFP4", "ollama", "MXFP4 (GGUF)"),
        ("mxfp4", "mlx-lm", "MLX-mxfp4"),
        ("UD-Q8_K_XL", "llama.cpp", "UD-Q8_K_XL"),
        ("NVFP4", "tensorrt-llm", "NVFP4"),
        ("NVFP4", "llama.cpp", "NVFP4 (GGUF)"),
        ("exl3-4.0bpw-mul1", "tgi", "EXL3-4.0bpw"),
        ("EXL2 6bpw", "tgi", "EXL2-6.0bpw"),
    ],
)
def test_names(text: str, backend: str | None, name: str):
    match = REGISTRY.quant(text, backend=backend)
    assert isinstance(match, QuantMatch), match
    assert (match.spec.name, match.note) == (name, None)


@pytest.mark.parametrize(
    ("text", "backend", "name"),
    [
        ("int4", "vllm", "W4A16"),
        ("int4", "transformers", "NF4"),
        ("int4", "tensorrt-llm", "AWQ"),
        ("int4", "ollama", "Q4_0"),
        ("int4", None, "W4A16"),
        ("int8", "vllm", "W8A8"),
        ("INT8", "transformers", "BNB-INT8"),
        ("8bit", "tgi", "EETQ"),
        ("INT8", "gpt-fast", "torchao-int8"),
        ("int8", "llama.cpp", "Q8_0"),
        ("fp4", "vllm", "NVFP4"),
    ],
)
def test_loose_names_are_read_by_engine_and_say_so(text: str, backend: str | None, name: str):
    match = REGISTRY.quant(text, backend=backend)
    assert match.spec.name == name
    assert match.note == f"{text} is taken as {name}: write the format to be exact"


def test_bits_come_from_the_name_where_files_have_any_number():
    spec = REGISTRY.quant("exl2-4.25bpw").spec
    assert (spec.bits_per_weight, spec.family) == (4.25, "exl2")


@pytest.mark.parametrize("text", ["EXL2", "torchao", "exl2-99bpw"])
def test_formats_without_known_bits_give_the_reason(text: str):
    miss = REGISTRY.quant(text)
    assert isinstance(miss, Miss)
    assert miss.reason


def test_every_name_of_every_row_finds_its_row():
    for row in REGISTRY.rows("quants"):
        if row["bits_per_weight"]:
            for name in (row["name"], *several(row["aliases"])):
                assert REGISTRY.quant(name).spec.name == row["name"], name


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("Q4_K_X", "Q4_K_M"), ("awk", "AWQ"), ("fp88", "FP8"), ("GPTQ-Int44", "GPTQ")],
)
def test_nearest_quant(text: str, nearest: str):
    miss = REGISTRY.quant(text)
    assert isinstance(miss, Miss)
    assert nearest in miss.nearest


@pytest.mark.parametrize("text", ["", "gguf", "mixed", "q" * 500])
def test_what_is_no_quant(text: str):
    assert isinstance(REGISTRY.quant(text, backend="vllm"), Miss)


@given(st.text(max_size=250), st.sampled_from([None, *(spec.name for spec in REGISTRY.backends)]))
def test_look_ups_never_raise(text: str, backend: str | None):
    assert isinstance(REGISTRY.quant(text, backend=backend), (QuantMatch, Miss))


@given(st.sampled_from(REGISTRY.quants), st.sampled_from(REGISTRY.backends))
def test_a_canonical_name_keeps_its_bits_on_every_engine(spec: QuantSpec, backend: BackendSpec):
    """F16 and FP16 trade places by engine; nothing trades for a format of another size."""
    found = REGISTRY.quant(spec.name, backend=backend.name).spec
    assert found.bits_per_weight == pytest.approx(spec.bits_per_weight, rel=0.03)
